// SPDX-License-Identifier: Apache-2.0
#include "channel/probe_watch.hpp"

#include "io/probe.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace pm::channel {
namespace {

constexpr model::Duration kFirst = std::chrono::milliseconds(100);

} // namespace

struct ProbeWatch::Checked {
    std::string title; ///< for people
    model::HealthSpec health;
    model::Duration pause = kFirst;
    model::Duration listen_timeout{};
    model::TimePoint late{}; ///< when it should have been ready
    bool told = false;       ///< that it is late
    io::Source next{};
    std::unique_ptr<io::Probe> probe{};
};

ProbeWatch::ProbeWatch(io::EventLoop& loop, HealthOf health_of, std::function<void(const std::string&)> warn)
    : loop_(loop), health_of_(std::move(health_of)), warn_(std::move(warn))
{
}

ProbeWatch::~ProbeWatch() = default;

base::Result<engine::ChannelEnds> ProbeWatch::connect(const engine::LaunchRequest& request, const model::SharedIdentity& user)
{
    reconnect(request, user);
    return engine::ChannelEnds();
}

void ProbeWatch::reconnect(const engine::LaunchRequest& request, const model::SharedIdentity&)
{
    if (request.spec->serving.ready != model::ReadyWhen::Probe) return;
    auto health = health_of_(*request.spec);
    if (!health) return;
    auto checked = std::make_unique<Checked>(Checked{fmt::format("{}, instance {}", request.spec->name, request.slot.value), *std::move(health)});
    checked->listen_timeout = request.spec->serving.listen_timeout;
    checked_[request.key] = std::move(checked);
}

void ProbeWatch::runs(engine::ProcessKey key, pid_t)
{
    const auto found = checked_.find(key);
    if (found == checked_.end()) return;
    Checked& checked = *found->second;
    const auto now = std::chrono::steady_clock::now();
    checked.late = now + checked.listen_timeout;
    auto next = loop_.add_timer(now + kFirst, io::Priority::Normal, [this, key] { check(key); });
    if (next)
        checked.next = *std::move(next);
    else
        warn_(fmt::format("{}: {}; it is not checked", checked.title, next.error().message));
}

void ProbeWatch::ended(engine::ProcessKey key) { checked_.erase(key); }

void ProbeWatch::check(engine::ProcessKey key)
{
    const auto found = checked_.find(key);
    if (found == checked_.end()) return;
    Checked& checked = *found->second;
    checked.probe = std::make_unique<io::Probe>(loop_, checked.health.target, checked.health.timeout,
                                                [this, key](const base::Result<void>& result) { on_checked(key, result); });
}

/// Telling is the last thing that is done.
void ProbeWatch::on_checked(engine::ProcessKey key, const base::Result<void>& result)
{
    const auto found = checked_.find(key);
    if (found == checked_.end()) return;
    if (result) {
        checked_.erase(found);
        if (events_ != nullptr) events_->on_ready(key, model::ReadyWhen::Probe);
        return;
    }
    Checked& checked = *found->second;
    const auto now = std::chrono::steady_clock::now();
    checked.next.set_time(now + checked.pause);
    checked.pause = std::min(checked.pause * 2, std::max(kFirst, model::Duration(checked.health.interval)));
    if (now + checked.pause < checked.late || std::exchange(checked.told, true)) return;
    warn_(fmt::format("{}: is not ready: {}", checked.title, result.error().message));
}

} // namespace pm::channel
