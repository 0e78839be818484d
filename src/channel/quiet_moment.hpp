// SPDX-License-Identifier: Apache-2.0
// Waits for a moment in which the processes of an app have no accepted connection, and holds it: they are stopped then.
//
// It looks often at what they have open while they run. When that is nothing, they are stopped (SIGSTOP), and looked at again
// when all their threads are: what a stopped process has is exact, and it accepts nothing more. Mostly that takes a fraction
// of a millisecond. When they have got something meanwhile they run on (SIGCONT), and the pause until the next look is such that
// neither stops nor looks take more than a twentieth of the time. A connection is not kept waiting by all that: the other
// processes of the app accept from the same socket.
#pragma once

#include "channel/accepted_connections.hpp"
#include "engine/ports.hpp"
#include "io/event_loop.hpp"

#include <functional>
#include <map>
#include <random>

namespace pm::channel {

class QuietMoment {
public:
    using Members = std::function<std::vector<pid_t>()>;
    /// Called once, from the loop: the processes are stopped, until release() or the end of this.
    using Found = std::function<void()>;

    /// `before_stop`: called each time before processes are stopped.
    QuietMoment(io::EventLoop& loop, pid_t main, Members members, std::function<void()> before_stop = {});
    ~QuietMoment() { release(); }
    QuietMoment(const QuietMoment&) = delete;
    QuietMoment& operator=(const QuietMoment&) = delete;

    /// What there is now; false: we may not look at it, or it listens on nothing.
    [[nodiscard]] bool learn();
    [[nodiscard]] const std::map<pid_t, AppProcess>& processes() const noexcept { return processes_; }
    /// From the half of `patience` on, a connection that was answered and on which nothing has moved for a while does not count;
    /// in the last quarter a short while is enough. It goes on after that. False: there is no timer.
    [[nodiscard]] bool wait(model::Duration patience, Found found);
    /// They run on.
    void release() noexcept;

private:
    void turn();
    void look();
    void look_at_stopped();
    void refresh();
    /// Whom we stopped are all there are.
    [[nodiscard]] bool nobody_new() const;
    [[nodiscard]] std::optional<std::chrono::milliseconds> idle_after() const;
    [[nodiscard]] bool any_connection();
    void stop();
    void pause(model::Duration used);

    io::EventLoop& loop_;
    pid_t main_;
    Members members_;
    std::function<void()> before_stop_;
    model::TimePoint begun_{};
    model::Duration patience_{0};
    Found found_;
    std::map<pid_t, AppProcess> processes_;
    AcceptedConnections connections_;
    io::Source timer_;
    bool stopped_ = false;
    model::TimePoint stopped_at_;
    model::Duration next_check_{0};
    std::minstd_rand random_;
};

} // namespace pm::channel
