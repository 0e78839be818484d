// SPDX-License-Identifier: Apache-2.0
#include "upkeep/upkeep.hpp"

#include "base/text.hpp"
#include "upkeep/time_zone.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <stdexcept>
#include <utility>

namespace pm::upkeep {
namespace {

std::time_t wall_now() { return std::time(nullptr); }

std::optional<std::time_t> next_of(const model::CronPattern& pattern, std::time_t after)
{
    return pattern.next(after, SystemZone(pattern.zone));
}

std::string megabytes(std::uint64_t bytes) { return fmt::format("{:.1f}M", static_cast<double>(bytes) / (1u << 20)); }

} // namespace

Upkeep::Upkeep(io::EventLoop& loop, engine::Events& next, Ports ports)
    : loop_(loop), next_(next), held_(std::move(ports.held)), warn_(std::move(ports.warn)),
      files_(loop, std::move(ports.start_watching), ports.user_of, warn_),
      liveness_(loop, std::move(ports.run_check), std::move(ports.user_of), warn_),
      clock_(loop, [this] { look_at_clock(); }, [this] {
          // What had been due meanwhile is not made up for, and what is due again is due again: as everybody's clock has it.
          for (auto& [name, app] : apps_)
              if (app.schedule) app.schedule->due = next_of(app.schedule->pattern, wall_now());
          plan_times();
      })
{
    set_rotation_ = std::move(ports.set_rotation);
    auto timer = loop_.add_timer(model::TimePoint::max(), io::Priority::Deferred, [this] { look_at_memory(); });
    if (!timer) throw std::runtime_error(timer.error().message);
    memory_timer_ = std::move(*timer);
    memory_timer_.set_enabled(false);
}

Upkeep::~Upkeep() { *lives_ = false; }

void Upkeep::process_event(const engine::ProcessEvent& event)
{
    if (event.kind == engine::EventKind::Delete)
        if (const auto app = apps_.find(event.app); app != apps_.end()) app->second.asked.erase(event.id);
    files_.look_at(event.app); // it may have come to rest, or begun to run
    liveness_.look_at(event.app);
    next_.process_event(event);
}

void Upkeep::app_added(const std::string& app)
{
    look_at(app);
    next_.app_added(app);
}

void Upkeep::app_removed(const std::string& app)
{
    files_.forget(app);
    liveness_.forget(app);
    rotations_.erase(app);
    if (apps_.erase(app) > 0) plan();
    next_.app_removed(app);
}

void Upkeep::app_changed(const std::string& app)
{
    look_at(app);
    next_.app_changed(app);
}

void Upkeep::look_at(const std::string& name)
{
    files_.look_at(name);
    liveness_.look_at(name);
    look_at_rotation(name);
    const auto spec = supervisor_->spec(name);
    const auto present = apps_.find(name);
    if (!spec || (!spec->upkeep.max_memory && spec->upkeep.cron.empty())) {
        if (present == apps_.end()) return;
        apps_.erase(present);
        return plan();
    }
    const std::string had = present != apps_.end() && present->second.schedule ? present->second.schedule->text : "";
    if (present != apps_.end() && present->second.max_memory == spec->upkeep.max_memory && had == spec->upkeep.cron) return;
    App& app = apps_[name];
    app.max_memory = spec->upkeep.max_memory;
    if (had != spec->upkeep.cron) {
        app.schedule.reset();
        if (const auto pattern = model::parse_cron(spec->upkeep.cron); pattern && !spec->upkeep.cron.empty())
            app.schedule = Schedule{spec->upkeep.cron, *pattern, next_of(*pattern, wall_now())};
    }
    plan();
}

/// The processes that run go on writing where they did.
void Upkeep::look_at_rotation(const std::string& name)
{
    const auto spec = supervisor_->spec(name);
    const auto known = rotations_.find(name);
    if (!spec || !spec->logs.rotate.is_on()) return (void)rotations_.erase(name);
    if (known == rotations_.end()) return (void)rotations_.emplace(name, spec->logs.rotate); // what is started knows
    if (known->second == spec->logs.rotate) return;
    known->second = spec->logs.rotate;
    const auto snapshot = supervisor_->snapshot(name);
    if (!snapshot) return;
    for (const model::InstanceSnapshot& instance : snapshot->instances) set_rotation_(instance.id, spec->logs.rotate);
}

void Upkeep::plan()
{
    plan_times();
    const bool any = std::ranges::any_of(apps_, [](const auto& entry) { return entry.second.max_memory.has_value(); });
    if (any == std::exchange(looks_, any)) return; // what one app changes moves nobody's next look
    if (any)
        memory_timer_.set_time(std::chrono::steady_clock::now() + kBetweenLooks);
    else
        memory_timer_.set_enabled(false);
}

void Upkeep::plan_times()
{
    std::optional<std::time_t> first;
    for (const auto& [name, app] : apps_)
        if (app.schedule && app.schedule->due && (!first || *app.schedule->due < *first)) first = app.schedule->due;
    if (!first) return clock_.disarm();
    if (auto armed = clock_.set(*first); !armed) warn_("cron_restart does not work: " + armed.error().message);
}

void Upkeep::look_at_clock()
{
    const std::time_t now = wall_now();
    std::vector<std::string> due;
    for (auto& [name, app] : apps_) {
        if (!app.schedule || !app.schedule->due || *app.schedule->due > now) continue;
        app.schedule->due = next_of(app.schedule->pattern, now); // what was missed meanwhile, in a suspended machine, is once enough
        due.push_back(name);
    }
    plan_times();
    for (const std::string& name : due) {
        const auto app = apps_.find(name);
        if (app == apps_.end()) continue;
        supervisor_->recycle(name, {}, fmt::format("its time has come (cron_restart: {})", app->second.schedule->text), [](const engine::Outcome&) {});
    }
}

void Upkeep::look_at_memory()
{
    std::vector<std::string> names;
    for (const auto& [name, app] : apps_)
        if (app.max_memory) names.push_back(name);
    for (const std::string& name : names)
        if (const auto app = apps_.find(name); app != apps_.end()) look_at_memory(name, app->second);
    if (looks_) memory_timer_.set_time(std::chrono::steady_clock::now() + kBetweenLooks);
}

void Upkeep::look_at_memory(const std::string& name, App& app)
{
    const auto snapshot = supervisor_->snapshot(name);
    if (!snapshot || !app.max_memory) return;
    for (const model::InstanceSnapshot& instance : snapshot->instances) {
        if (instance.status != model::Status::Online && instance.status != model::Status::Unhealthy) continue;
        const auto held = held_({instance.id, instance.generation});
        if (held && *held > *app.max_memory) replace_large(name, app, instance, *held);
    }
}

void Upkeep::replace_large(const std::string& name, App& app, const model::InstanceSnapshot& instance, std::uint64_t held)
{
    const model::TimePoint now = std::chrono::steady_clock::now();
    auto& asked = app.asked;
    const auto before = asked.find(instance.id);
    if (before != asked.end() && before->second.generation == instance.generation && (before->second.running || now < before->second.again)) return;
    const auto pause = before != asked.end() && before->second.generation == instance.generation ? before->second.pause : kFirstPause;
    asked.insert_or_assign(instance.id, Asked{instance.generation, true, pause, now});
    const base::InstanceId id = instance.id;
    supervisor_->recycle(name, {{id}}, fmt::format("it holds {} of memory, more than {} (max_memory_restart)", megabytes(held), megabytes(*app.max_memory)),
                         [this, lives = lives_, name, id](const engine::Outcome&) {
                             if (!*lives) return;
                             const auto now_app = apps_.find(name);
                             if (now_app == apps_.end()) return;
                             const auto entry = now_app->second.asked.find(id);
                             if (entry == now_app->second.asked.end()) return;
                             // While it is the same generation it was not replaced; another one begins anew.
                             Asked& one = entry->second;
                             one.running = false;
                             one.again = std::chrono::steady_clock::now() + one.pause;
                             one.pause = std::min<std::chrono::seconds>(one.pause * 2, kLongestPause);
                         });
}

} // namespace pm::upkeep
