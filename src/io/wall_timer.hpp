// SPDX-License-Identifier: Apache-2.0
// A timer on the clock that people read (CLOCK_REALTIME), which notices when that clock is set: timerfd_create(2), TFD_TIMER_CANCEL_ON_SET.
#pragma once

#include "base/fd.hpp"
#include "io/event_loop.hpp"

#include <ctime>
#include <functional>

namespace pm::io {

class WallTimer {
public:
    /// `due` is called from the loop when the time has come, and `clock_set` when somebody has set the clock while the timer was armed: it is
    /// off then, and whoever armed it looks at the clock anew.
    WallTimer(EventLoop& loop, std::function<void()> due, std::function<void()> clock_set);
    /// Error: the kernel gives no timer.
    [[nodiscard]] base::Result<void> set(std::time_t when);
    void disarm() noexcept;

private:
    void fired();

    EventLoop& loop_;
    std::function<void()> due_, clock_set_;
    base::Fd fd_;
    Source source_;
};

} // namespace pm::io
