// SPDX-License-Identifier: Apache-2.0
#include "channel/probe_watch.hpp"

#include "io/probe.hpp"
#include "policy/serving.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace pm::channel {
namespace {

constexpr model::Duration kFirst = std::chrono::milliseconds(100);
/// The last check is told so long before listen_timeout is over, which wants to say why.
constexpr model::Duration kAhead = std::chrono::milliseconds(100);
constexpr int kAheadShare = 10; ///< of a short listen_timeout
constexpr model::Duration kLongestWhileStarting = std::chrono::seconds(1); ///< somebody waits for it

} // namespace

struct ProbeWatch::Watched {
    std::string title; ///< for people
    std::shared_ptr<const model::AppSpec> spec;
    base::Result<model::HealthTarget> target;
    model::SharedIdentity user; ///< whom the process runs as
    model::Duration pause = kFirst;
    model::TimePoint late{}; ///< when it must have been ready
    model::TimePoint cut{};  ///< when the check is given up early, as there is no more time
    std::string told{};      ///< why it was not ready
    io::Source next{};
    std::unique_ptr<io::Probe> probe{};
    std::unique_ptr<engine::Check> command{};
};

ProbeWatch::ProbeWatch(io::EventLoop& loop, RunCommand run_command, std::function<void(const std::string&)> warn)
    : loop_(loop), run_command_(std::move(run_command)), warn_(std::move(warn))
{
}

ProbeWatch::~ProbeWatch() = default;

base::Result<engine::ChannelEnds> ProbeWatch::connect(const engine::LaunchRequest& request, const model::SharedIdentity& user)
{
    reconnect(request, user);
    return engine::ChannelEnds();
}

void ProbeWatch::reconnect(const engine::LaunchRequest& request, const model::SharedIdentity& user)
{
    const model::AppSpec& spec = *request.spec;
    if (spec.serving.ready != model::ReadyWhen::Probe || !spec.health) return;
    watched_[request.key] = std::make_unique<Watched>(
        Watched{fmt::format("{}, instance {}", spec.name, request.slot.value), request.spec,
                policy::health_target(spec, {request.key.id, request.slot, request.key.generation}), user});
}

void ProbeWatch::runs(engine::ProcessKey key, pid_t)
{
    const auto found = watched_.find(key);
    if (found == watched_.end()) return;
    Watched& watched = *found->second;
    const auto now = std::chrono::steady_clock::now();
    watched.late = now + watched.spec->serving.listen_timeout;
    auto next = loop_.add_timer(now + std::min(kFirst, model::Duration(watched.spec->serving.listen_timeout) / 4), io::Priority::Normal,
                                [this, key] { check(key); });
    if (next)
        watched.next = *std::move(next);
    else
        warn_(fmt::format("{}: {}; it is not checked", watched.title, next.error().message));
}

void ProbeWatch::ended(engine::ProcessKey key) { watched_.erase(key); }

/// One of an earlier pmd that was ready long ago is not checked for ever.
void ProbeWatch::check(engine::ProcessKey key)
{
    const auto found = watched_.find(key);
    if (found == watched_.end()) return;
    Watched& watched = *found->second;
    const auto ahead = std::min(kAhead, model::Duration(watched.spec->serving.listen_timeout) / kAheadShare);
    const auto left = std::chrono::duration_cast<model::Duration>(watched.late - std::chrono::steady_clock::now());
    if (left <= ahead) return (void)watched_.erase(found);
    const model::HealthSpec& health = *watched.spec->health;
    const auto timeout = std::min(model::Duration(health.timeout), left - ahead);
    watched.cut = timeout < health.timeout ? std::chrono::steady_clock::now() + timeout : model::TimePoint::max();
    const auto done = [this, key](const base::Result<void>& result) { on_checked(key, result); };
    if (!health.command.empty()) {
        watched.command = run_command_(key, timeout, done);
        if (!watched.command) watched.next.set_time(std::chrono::steady_clock::now() + watched.pause);
    } else if (watched.target) {
        watched.probe = std::make_unique<io::Probe>(loop_, *watched.target, watched.user, timeout, done);
    } else {
        on_checked(key, tl::unexpected(watched.target.error()));
    }
}

/// Telling is the last thing that is done.
void ProbeWatch::on_checked(engine::ProcessKey key, const base::Result<void>& result)
{
    const auto found = watched_.find(key);
    if (found == watched_.end()) return;
    if (result) {
        watched_.erase(found);
        events_->on_ready(key, model::ReadyWhen::Probe);
        return;
    }
    Watched& watched = *found->second;
    watched.next.set_time(std::chrono::steady_clock::now() + watched.pause);
    watched.pause = std::min({watched.pause * 2, model::Duration(watched.spec->health->interval), kLongestWhileStarting});
    if (!watched.told.empty() && std::chrono::steady_clock::now() >= watched.cut) return; // that time is over is no news
    if (std::exchange(watched.told, result.error().message) != watched.told) events_->on_unready(key, watched.told);
}

} // namespace pm::channel
