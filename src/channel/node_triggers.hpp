// SPDX-License-Identifier: Apache-2.0
// Calls of actions that wait for the reply of a process.
//
// A reply names its action and nothing else (PM2's protocol): it answers the oldest call of that action.
#pragma once

#include "engine/ports.hpp"
#include "io/event_loop.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace pm::channel {

class NodeTriggers {
public:
    static constexpr std::size_t kMostOfProcess = 16; ///< unanswered

    explicit NodeTriggers(io::EventLoop& loop);

    [[nodiscard]] bool has_room(engine::ProcessKey key) const;
    /// `answered` is called once: with the reply, or with why there is none.
    void add(engine::ProcessKey key, const engine::TriggerRequest& request, engine::Triggered answered);
    [[nodiscard]] bool waits(engine::ProcessKey key, std::string_view action) const;
    /// Somebody must wait for it.
    void answer(engine::ProcessKey key, std::string_view action, base::Result<std::string> reply);
    /// The channel is closed: the process has ended, which is about to be told, or it has let go of its end.
    void closed(engine::ProcessKey key);
    /// The process has ended, and all that it said was heard.
    void ended(engine::ProcessKey key);

private:
    struct Waiting {
        engine::ProcessKey key;
        std::string action;
        model::TimePoint until;
        base::Error otherwise; ///< the answer when it is too late
        engine::Triggered answered;
    };
    using Number = std::uint64_t; ///< in order of time
    [[nodiscard]] const Number* oldest(engine::ProcessKey key, std::string_view action) const;
    void end(Number number, base::Result<std::string> reply);
    void arm();
    void expire();

    std::map<Number, Waiting> waiting_;
    std::map<engine::ProcessKey, std::set<Number>> of_;
    std::set<std::pair<model::TimePoint, Number>> until_;
    Number next_ = 1;
    io::Source timer_;
};

} // namespace pm::channel
