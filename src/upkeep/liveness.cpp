// SPDX-License-Identifier: Apache-2.0
#include "upkeep/liveness.hpp"

#include "base/text.hpp"
#include "io/probe.hpp"
#include "policy/serving.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace pm::upkeep {

struct Liveness::Checked {
    std::shared_ptr<const model::AppSpec> spec;
    base::Result<model::HealthTarget> target;
    model::SharedIdentity user;
    model::TimePoint counts_from; ///< failures before do not count
    std::uint32_t failures = 0;   ///< in a row
    std::uint32_t successes = 0;  ///< in a row, of one that was unhealthy
    bool unhealthy = false;
    io::Source next{};
    std::unique_ptr<io::Probe> probe{};
    std::unique_ptr<engine::Check> command{};
};

Liveness::Liveness(io::EventLoop& loop, RunCommand run_command, UserOf user_of, std::function<void(const std::string&)> warn)
    : loop_(loop), run_command_(std::move(run_command)), user_of_(std::move(user_of)), warn_(std::move(warn))
{
}

Liveness::~Liveness() = default;

void Liveness::forget(const std::string& app) { apps_.erase(app); }

void Liveness::look_at(const std::string& name)
{
    const auto spec = supervisor_->spec(name);
    if (!spec || !spec->health || spec->health->retries == 0) return forget(name);
    const auto snapshot = supervisor_->snapshot(name);
    if (!snapshot) return forget(name);
    App& app = apps_[name];
    std::map<engine::ProcessKey, base::Slot> online;
    for (const model::InstanceSnapshot& instance : snapshot->instances)
        if (instance.status == model::Status::Online || instance.status == model::Status::Unhealthy)
            online.emplace(engine::ProcessKey{instance.id, instance.generation}, instance.slot);
    std::erase_if(app.online, [&](const auto& entry) { return !online.contains(entry.first); });
    std::erase_if(app.patience, [&](const auto& entry) {
        return std::ranges::none_of(snapshot->instances, [&](const auto& instance) { return instance.id == entry.first; });
    });
    for (const auto& [key, slot] : online)
        if (!app.online.contains(key)) begin(name, app, key, slot, spec);
}

void Liveness::begin(const std::string& name, App& app, engine::ProcessKey key, base::Slot slot, const std::shared_ptr<const model::AppSpec>& spec)
{
    const auto identity = user_of_(*spec);
    const auto now = std::chrono::steady_clock::now();
    auto checked = std::make_unique<Checked>(Checked{.spec = spec,
                                                     .target = policy::health_target(*spec, {key.id, slot, key.generation}),
                                                     .user = identity ? std::make_shared<const model::Identity>(*identity) : nullptr,
                                                     .counts_from = now + spec->health->start_period});
    auto next = loop_.add_timer(now + pause_of(*spec->health), io::Priority::Deferred, [this, name, key] { check(name, key); });
    if (!next) return warn_(fmt::format("'{}' is not checked: {}", name, next.error().message));
    checked->next = *std::move(next);
    app.online.insert_or_assign(key, std::move(checked));
}

Liveness::Checked* Liveness::find(const std::string& name, engine::ProcessKey key)
{
    const auto app = apps_.find(name);
    if (app == apps_.end()) return nullptr;
    const auto found = app->second.online.find(key);
    return found == app->second.online.end() ? nullptr : found->second.get();
}

void Liveness::check(const std::string& name, engine::ProcessKey key)
{
    Checked* checked = find(name, key);
    if (checked == nullptr) return;
    const model::HealthSpec& health = *checked->spec->health;
    const auto done = [this, name, key](const base::Result<void>& result) { on_checked(name, key, result); };
    if (!health.command.empty()) {
        checked->command = run_command_(key, health.timeout, done);
        if (!checked->command) checked->next.set_time(std::chrono::steady_clock::now() + pause_of(health));
    } else if (checked->target) {
        checked->probe = std::make_unique<io::Probe>(loop_, *checked->target, checked->user, health.timeout, done);
    } else {
        on_checked(name, key, tl::unexpected(checked->target.error()));
    }
}

void Liveness::on_checked(const std::string& name, engine::ProcessKey key, const base::Result<void>& result)
{
    Checked* checked = find(name, key);
    if (checked == nullptr) return;
    checked->next.set_time(std::chrono::steady_clock::now() + pause_of(*checked->spec->health));
    if (!result) return on_failed(name, key, *checked, result.error().message);
    checked->failures = 0;
    apps_.at(name).patience.erase(key.id);
    if (!checked->unhealthy || ++checked->successes < checked->spec->health->success_threshold) return;
    checked->unhealthy = false;
    supervisor_->note_health(key, {});
}

/// Telling is the last thing that is done.
void Liveness::on_failed(const std::string& name, engine::ProcessKey key, Checked& checked, const std::string& why)
{
    checked.successes = 0;
    if (std::chrono::steady_clock::now() < checked.counts_from || ++checked.failures < checked.spec->health->retries) return;
    const std::uint32_t failures = checked.failures;
    const std::string text = failures == 1 ? why : fmt::format("{} ({} checks in a row)", why, failures);
    if (!std::exchange(checked.unhealthy, true)) supervisor_->note_health(key, text);
    if (const Checked* still = find(name, key)) replace(name, key, *still, text);
}

void Liveness::replace(const std::string& name, engine::ProcessKey key, const Checked& checked, const std::string& why)
{
    const model::OnUnhealthy action = checked.spec->health->on_unhealthy;
    if (action == model::OnUnhealthy::None) return;
    const auto now = std::chrono::steady_clock::now();
    Patience& patience = apps_.at(name).patience[key.id];
    if (now < patience.again) return;
    patience.again = now + patience.pause;
    patience.pause = std::min<model::Duration>(patience.pause * 2, kLongestPause);
    const std::string reason = "unhealthy: " + why;
    if (action == model::OnUnhealthy::Restart)
        supervisor_->restart(name, {key.id}, reason, [](const engine::Outcome&) {});
    else
        supervisor_->recycle(name, {key.id}, reason, [](const engine::Outcome&) {});
}

model::Duration Liveness::pause_of(const model::HealthSpec& health)
{
    std::uniform_int_distribution<std::int64_t> part(0, health.jitter.count());
    return health.interval + std::chrono::milliseconds(part(random_));
}

} // namespace pm::upkeep
