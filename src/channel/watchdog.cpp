// SPDX-License-Identifier: Apache-2.0
#include "channel/watchdog.hpp"

namespace pm::channel {

void Watchdog::start()
{
    started_ = true;
    last_ = std::chrono::steady_clock::now();
    arm();
}

void Watchdog::stop()
{
    started_ = armed_ = false;
    timer_.reset();
}

void Watchdog::feed()
{
    last_ = std::chrono::steady_clock::now();
    if (started_ && !armed_) arm();
}

void Watchdog::set_interval(model::Duration interval)
{
    interval_ = interval;
    if (started_) start();
}

bool Watchdog::overdue()
{
    armed_ = false;
    if (!started_ || interval_.count() == 0) return false;
    if (std::chrono::steady_clock::now() >= last_ + interval_) return true;
    arm();
    return false;
}

void Watchdog::arm()
{
    armed_ = interval_.count() > 0;
    if (!armed_) return timer_.reset();
    if (timer_) return timer_.set_time(last_ + interval_);
    auto timer = loop_.add_timer(last_ + interval_, io::Priority::Output, look_); // what it has said by then is read first
    armed_ = timer.has_value();
    if (timer) timer_ = *std::move(timer);
}

} // namespace pm::channel
