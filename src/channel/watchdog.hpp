// SPDX-License-Identifier: Apache-2.0
// Whether a process that owes signs of life has been silent for too long.
//
// A sign only takes note of the time: the timer finds, once in an interval, whether there was one.
#pragma once

#include "io/event_loop.hpp"

#include <functional>

namespace pm::channel {

class Watchdog {
public:
    /// `look` is called when it may be overdue(), from the loop. An interval of 0: there is none.
    Watchdog(io::EventLoop& loop, model::Duration interval, std::function<void()> look)
        : loop_(loop), interval_(interval), look_(std::move(look))
    {
    }
    /// Counts from now on.
    void start();
    void stop();
    /// A sign of life.
    void feed();
    void set_interval(model::Duration interval);
    [[nodiscard]] model::Duration interval() const noexcept { return interval_; }
    /// After `look`: true when it was silent for too long, and no more is looked until it gives a sign; else it goes on.
    [[nodiscard]] bool overdue();

private:
    void arm();

    io::EventLoop& loop_;
    model::Duration interval_;
    std::function<void()> look_;
    bool started_ = false;
    bool armed_ = false;
    model::TimePoint last_{};
    io::Source timer_;
};

} // namespace pm::channel
