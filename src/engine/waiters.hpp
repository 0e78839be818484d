// SPDX-License-Identifier: Apache-2.0
// Commands that have not ended: each watches the instances it named until each has come to rest or was taken over.
//
// A command leaves one Watch on each of its instances; after every step of an instance its watches are judged by the
// state it is in now. Finished commands are queued, and their Done is called by whoever drains the queue, outside of
// any work on the table.
#pragma once

#include "engine/table.hpp"

#include <deque>

namespace pm::engine {

class Waiters {
public:
    /// A new command; it cannot finish before seal().
    std::uint64_t open(Done done);
    /// Names `app` among those the command touched.
    void touch(std::uint64_t waiter, const std::string& app);
    /// Judged from the instance's next step on. Call it before that step.
    void watch(std::uint64_t waiter, Instance& instance, Verb goal);
    void seal(std::uint64_t waiter);
    /// The command has something to do with the instance that is not begun yet: release(), supersede() or fail() ends that.
    void hold(std::uint64_t waiter, const Instance& instance);
    void release(std::uint64_t waiter);
    void supersede(std::uint64_t waiter, const Instance& instance);
    void fail(std::uint64_t waiter, const Instance& instance, base::Error error);

    /// Judges the watches of `instance` by its state.
    void judge(Instance& instance);
    /// A process outlived SIGKILL: those who wait for its end fail. `current`: those who wait for what comes after it, too.
    void survived(Instance& instance, const std::string& why, bool current);
    /// The instance is about to be removed.
    void removed(Instance& instance);

    struct Finished {
        Done done;
        Outcome outcome;
    };
    [[nodiscard]] std::optional<Finished> next_finished();
    [[nodiscard]] std::size_t size() const noexcept { return waiting_.size(); }

private:
    struct Waiter {
        Done done;
        Outcome outcome;
        std::size_t left = 1; ///< watches, and one until seal()
    };
    void end(std::uint64_t waiter, const Instance& instance, std::optional<base::Error> error);
    void finish_one(std::uint64_t waiter);

    std::unordered_map<std::uint64_t, Waiter> waiting_;
    std::deque<Finished> finished_;
    std::uint64_t next_ = 1;
};

} // namespace pm::engine
