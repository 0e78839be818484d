// SPDX-License-Identifier: Apache-2.0
// Runs pm-tidy for log files that were put aside: one at a time for each user, so that nobody waits for the directory of another user that
// hangs, and for a bounded time.
#pragma once

#include "base/fd.hpp"
#include "io/event_loop.hpp"
#include "tidy/orders.hpp"

#include <deque>
#include <functional>
#include <list>
#include <string>

namespace pm::upkeep {

class Tidier {
public:
    static constexpr std::size_t kMostRunning = 32;
    static constexpr std::size_t kMostWaiting = 16'384;
    static constexpr std::chrono::hours kLongest{1};

    /// Runs pm-tidy with this as its standard input; its pidfd.
    using Start = std::function<base::Result<base::Fd>(int socket)>;
    /// `warn` gets sentences for the daemon's own log.
    Tidier(io::EventLoop& loop, Start start, std::function<void(const std::string&)> warn);
    ~Tidier();
    Tidier(const Tidier&) = delete;
    Tidier& operator=(const Tidier&) = delete;

    /// When it runs for no other file of the same user. What is too much is left for the next time.
    void add(tidy::Orders orders);

private:
    struct Run {
        tidy::Orders orders;
        base::Fd socket;
        base::Fd pidfd;
        io::Source readable;
        io::Source timeout;
        std::string said;
    };
    void next();
    bool begin(tidy::Orders orders);
    void hear(std::list<Run>::iterator run);
    void end(std::list<Run>::iterator run);

    io::EventLoop& loop_;
    Start start_;
    std::function<void(const std::string&)> warn_;
    std::deque<tidy::Orders> waiting_;
    std::list<Run> running_;
};

} // namespace pm::upkeep
