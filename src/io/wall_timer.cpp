// SPDX-License-Identifier: Apache-2.0
#include "io/wall_timer.hpp"

#include <cerrno>
#include <cstdint>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <utility>

namespace pm::io {

WallTimer::WallTimer(EventLoop& loop, std::function<void()> due, std::function<void()> clock_set)
    : loop_(loop), due_(std::move(due)), clock_set_(std::move(clock_set))
{
}

base::Result<void> WallTimer::set(std::time_t when)
{
    if (!fd_) {
        base::Fd fd(timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK));
        if (!fd) return base::fail_errno("making a timer", errno);
        auto source = loop_.add_io(fd.get(), EPOLLIN, Priority::Normal, [this](std::uint32_t) { fired(); });
        if (!source) return base::Unexpected(source.error());
        fd_ = std::move(fd);
        source_ = std::move(*source);
    }
    itimerspec spec{};
    spec.it_value.tv_sec = when > 0 ? when : 1; // zero would disarm it
    // ECANCELED: the clock was set before; it is armed all the same.
    if (timerfd_settime(fd_.get(), TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &spec, nullptr) < 0 && errno != ECANCELED)
        return base::fail_errno("arming a timer", errno);
    return {};
}

void WallTimer::disarm() noexcept
{
    source_.reset();
    fd_.reset();
}

void WallTimer::fired()
{
    std::uint64_t times = 0;
    const ssize_t count = read(fd_.get(), &times, sizeof times);
    if (count < 0 && errno == EAGAIN) return;
    const bool set = count < 0 && errno == ECANCELED;
    const itimerspec off{};
    timerfd_settime(fd_.get(), 0, &off, nullptr);
    const auto call = set ? clock_set_ : due_; // may destroy this
    call();
}

} // namespace pm::io
