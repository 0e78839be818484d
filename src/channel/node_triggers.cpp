// SPDX-License-Identifier: Apache-2.0
#include "channel/node_triggers.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <stdexcept>

namespace pm::channel {
namespace {

using base::Error;
using base::ErrorCode;
using engine::ProcessKey;

/// A process that ends closes its channel a moment before its end is known, which is the better answer.
constexpr std::chrono::milliseconds kUntilEndIsKnown{500};

} // namespace

NodeTriggers::NodeTriggers(io::EventLoop& loop)
{
    auto timer = loop.add_timer(model::TimePoint::max(), io::Priority::Output, [this] { expire(); }); // replies that have come are read first
    if (!timer) throw std::runtime_error(timer.error().message);
    timer_ = *std::move(timer);
    timer_.set_enabled(false);
}

bool NodeTriggers::has_room(ProcessKey key) const
{
    const auto found = of_.find(key);
    return found == of_.end() || found->second.size() < kMostOfProcess;
}

void NodeTriggers::add(ProcessKey key, const engine::TriggerRequest& request, engine::Triggered answered)
{
    const Number number = next_++;
    const model::TimePoint until = std::chrono::steady_clock::now() + request.timeout;
    Error late{ErrorCode::TimedOut, fmt::format("it did not answer within {}", base::format_duration(request.timeout))};
    waiting_.emplace(number, Waiting{key, request.action, until, std::move(late), std::move(answered)});
    of_[key].insert(number);
    until_.emplace(until, number);
    arm();
}

const NodeTriggers::Number* NodeTriggers::oldest(ProcessKey key, std::string_view action) const
{
    const auto found = of_.find(key);
    if (found == of_.end()) return nullptr;
    const auto number = std::ranges::find_if(found->second, [&](Number one) { return waiting_.at(one).action == action; });
    return number == found->second.end() ? nullptr : &*number;
}

bool NodeTriggers::waits(ProcessKey key, std::string_view action) const { return oldest(key, action) != nullptr; }

void NodeTriggers::answer(ProcessKey key, std::string_view action, base::Result<std::string> reply)
{
    if (const Number* number = oldest(key, action)) end(*number, std::move(reply));
}

void NodeTriggers::closed(ProcessKey key)
{
    const auto found = of_.find(key);
    if (found == of_.end()) return;
    const model::TimePoint soon = std::chrono::steady_clock::now() + kUntilEndIsKnown;
    for (const Number number : found->second) {
        Waiting& waiting = waiting_.at(number);
        waiting.otherwise = {ErrorCode::NotSupported, "it closed its message channel before it answered"};
        until_.erase({waiting.until, number});
        waiting.until = std::min(waiting.until, soon);
        until_.emplace(waiting.until, number);
    }
    arm();
}

void NodeTriggers::ended(ProcessKey key)
{
    const auto found = of_.find(key);
    if (found == of_.end()) return;
    for (const Number number : std::set<Number>(found->second))
        end(number, base::fail(ErrorCode::NotOnline, "the process ended before it answered"));
}

/// Out of all tables before anybody is told.
void NodeTriggers::end(Number number, base::Result<std::string> reply)
{
    auto node = waiting_.extract(number);
    Waiting& waiting = node.mapped();
    until_.erase({waiting.until, number});
    const auto list = of_.find(waiting.key);
    list->second.erase(number);
    if (list->second.empty()) of_.erase(list);
    arm();
    waiting.answered(std::move(reply));
}

void NodeTriggers::arm()
{
    if (until_.empty())
        timer_.set_enabled(false);
    else
        timer_.set_time(until_.begin()->first);
}

void NodeTriggers::expire()
{
    const model::TimePoint now = std::chrono::steady_clock::now();
    while (!until_.empty() && until_.begin()->first <= now) {
        const Number number = until_.begin()->second;
        end(number, base::Unexpected(waiting_.at(number).otherwise));
    }
    arm();
}

} // namespace pm::channel
