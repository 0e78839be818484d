// SPDX-License-Identifier: Apache-2.0
#include "launch/process/decisions.hpp"

#include "base/guard.hpp"

#include <utility>

namespace pm::launch {

Decisions::Decisions(io::EventLoop& loop, std::function<void()> write_down, std::function<void(const std::string&)> warn)
    : write_down_(std::move(write_down)), warn_(std::move(warn))
{
    // Behind the ends of processes: those of a thousand instances that come together are written down once, not each by itself.
    auto turn = loop.add_deferred(io::Priority::Normal, [this] { carry_out(); });
    if (turn)
        turn_ = *std::move(turn);
    else
        warn_(turn.error().message);
}

void Decisions::once_written(std::function<void()> act)
{
    acts_.push_back(std::move(act));
    turn_.set_enabled(true);
}

void Decisions::carry_out()
{
    if (acts_.empty()) return;
    if (write_down_) write_down_();
    for (const auto& act : std::exchange(acts_, {})) base::guard(act, warn_);
}

} // namespace pm::launch
