// SPDX-License-Identifier: Apache-2.0
#include "engine/supervisor_impl.hpp"

#include "base/text.hpp"
#include "engine/snapshots.hpp"
#include "engine/triggers.hpp"
#include "model/name_table.hpp"
#include "policy/count.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace pm::engine {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;
using base::Unexpected;

constexpr model::NameTable<Verb, 5> kVerbs{{{
    {Verb::Start, "start"},
    {Verb::Stop, "stop"},
    {Verb::Restart, "restart"},
    {Verb::Reload, "reload"},
    {Verb::Delete, "delete"},
}}};
constexpr int kLastSignal = 64; // _NSIG - 1 on Linux

Event event_of(Verb verb)
{
    switch (verb) {
    case Verb::Start: return StartCommand{};
    case Verb::Restart: return RestartCommand{};
    case Verb::Reload: return ReloadCommand{};
    case Verb::Stop:
    case Verb::Delete: return StopCommand{};
    }
    return StopCommand{};
}

std::vector<std::string> names_of(const std::vector<Instance*>& instances)
{
    std::vector<std::string> names;
    const App* last = nullptr;
    for (const Instance* instance : instances)
        if (std::exchange(last, instance->app) != instance->app) names.push_back(instance->app->name);
    return names;
}

} // namespace

std::string_view to_string(Verb verb) noexcept { return kVerbs.name(verb); }

Supervisor::Supervisor(Launcher& launcher, Sockets& sockets, Channels& channels, Timers& timers, Clock& clock, Events& events, Limits limits)
    : impl_(std::make_unique<Impl>(launcher, sockets, channels, timers, clock, events, limits))
{
}

Supervisor::~Supervisor() = default;

Result<std::vector<PlanItem>> Supervisor::plan(std::span<const model::AppSpec> specs,
                                               const ApplyOptions& options) const
{
    if (impl_->shutting_down) return fail(ErrorCode::Unavailable, "pmd is shutting down");
    const auto plan = make_plan(impl_->driver.table, specs, options, impl_->driver.limits());
    if (!plan) return Unexpected(plan.error());
    std::vector<PlanItem> items;
    for (const PlannedApp& planned : *plan) items.push_back(planned.item);
    return items;
}

Result<std::vector<PlanItem>> Supervisor::apply(std::vector<model::AppSpec> specs, const ApplyOptions& options,
                                                Done done)
{
    return impl_->driver.enter([&]() -> Result<std::vector<PlanItem>> {
        Driver& driver = impl_->driver;
        if (auto admitted = impl_->admit(); !admitted) return Unexpected(std::move(admitted).error());
        auto plan = make_plan(driver.table, specs, options, driver.limits());
        if (!plan) return Unexpected(plan.error());
        if (auto held = hold_sockets(driver, *plan, options); !held) return Unexpected(std::move(held).error());
        const std::uint64_t waiter = driver.waiters.open(std::move(done));
        Applier applier(driver, waiter, options);
        std::vector<PlanItem> items;
        for (PlannedApp& planned : *plan) applier.declare(planned);
        for (const PlannedApp& planned : *plan) {
            applier.apply(planned);
            items.push_back(planned.item);
        }
        for (const PlannedApp& planned : *plan)
            if (planned.spec) applier.start_needs(*driver.table.find(planned.item.app));
        driver.waiters.seal(waiter);
        return items;
    });
}

Result<std::vector<std::string>> Supervisor::apps_of(std::string_view target, const May& may) const
{
    const auto selected = impl_->driver.table.select(target, may);
    if (!selected) return Unexpected(selected.error());
    return names_of(*selected);
}

Result<std::vector<AppRef>> Supervisor::owners_of(std::string_view target) const
{
    const auto names = apps_of(target);
    if (!names) return Unexpected(names.error());
    std::vector<AppRef> refs;
    for (const std::string& name : *names) refs.push_back({name, impl_->driver.table.find(name)->owner});
    return refs;
}

Result<void> Supervisor::operate(Verb verb, std::string_view target, Done done, const May& may)
{
    return impl_->driver.enter([&]() -> Result<void> {
        Driver& driver = impl_->driver;
        if (auto admitted = impl_->admit(); !admitted) return admitted;
        const auto subjects = impl_->subjects(verb, target, may);
        if (!subjects) return Unexpected(subjects.error());
        const std::uint64_t waiter = driver.waiters.open(std::move(done));
        if (verb == Verb::Stop || verb == Verb::Delete) {
            for (Instance* instance : dependents_first(*subjects)) {
                if (std::exchange(instance->finished, false)) driver.notices.app_changed(*instance->app);
                driver.stop(waiter, *instance, verb); // which may remove it
            }
        } else {
            if (verb == Verb::Reload)
                impl_->reload(waiter, *subjects);
            else
                for (Instance* instance : *subjects) driver.command(waiter, *instance, verb, event_of(verb));
            const App* last = nullptr;
            for (const Instance* instance : *subjects)
                if (std::exchange(last, instance->app) != instance->app) driver.start_needs(waiter, *instance->app, may);
        }
        driver.waiters.seal(waiter);
        return {};
    });
}

Result<std::uint32_t> Supervisor::scale(const std::string& name, std::string_view count, Done done)
{
    return impl_->driver.enter([&]() -> Result<std::uint32_t> {
        Driver& driver = impl_->driver;
        if (auto admitted = impl_->admit(); !admitted) return Unexpected(std::move(admitted).error());
        App* app = driver.table.find(name);
        if (!app || app->staying_count() == 0)
            return fail(ErrorCode::NoSuchApp, fmt::format("no app '{}'", base::printable(name)));
        const auto wanted = policy::parse_count(count, app->staying_count(), driver.limits().cpus);
        if (!wanted) return wanted;
        if (*wanted > app->instances.size()) {
            const std::uint64_t fresh = *wanted - app->instances.size();
            const policy::Usage more{0, fresh, fresh * policy::kBytesOfInstance};
            if (auto fits = check_growth(driver.table, driver.limits(), app->owner, more); !fits) return Unexpected(std::move(fits).error());
        }

        const bool runs = std::ranges::any_of(app->staying(), [](const Instance* instance) {
            return status_of(instance->machine.state) != model::Status::Stopped;
        });
        auto spec = std::make_shared<model::AppSpec>(*app->spec);
        spec->instances = {model::InstanceCount::Kind::Exact, static_cast<std::int32_t>(*wanted)};
        spec->instances_given = true;
        // How instances share a port does not change under those that run.
        if (const auto was = policy::cluster_of(*app->spec); policy::cluster_of(*spec) != was) spec->serving.cluster = was;
        app->spec = std::move(spec);
        driver.notices.app_changed(*app);
        const std::uint64_t waiter = driver.waiters.open(std::move(done));
        driver.waiters.touch(waiter, name);
        const ApplyOptions options;
        Applier applier(driver, waiter, options);
        const auto fresh = applier.resize(*app, *wanted);
        if (runs)
            for (Instance* instance : fresh) applier.start(*instance);
        if (!fresh.empty()) applier.start_needs(*app);
        driver.waiters.seal(waiter);
        return wanted;
    });
}

Result<std::uint32_t> Supervisor::signal(std::string_view target, int signal, const May& may)
{
    return impl_->driver.enter([&]() -> Result<std::uint32_t> {
        Driver& driver = impl_->driver;
        if (signal < 1 || signal > kLastSignal)
            return fail(ErrorCode::InvalidArgument, fmt::format("{} is no signal", signal));
        const auto selected = driver.table.select(target, may);
        if (!selected) return Unexpected(selected.error());
        std::uint32_t signaled = 0;
        base::Error fault{ErrorCode::NotOnline, fmt::format("'{}' has no running process", base::printable(target))};
        for (Instance* instance : *selected) {
            if (!has_process(instance->machine.state)) continue;
            if (auto sent = driver.launcher().signal(instance->key(), signal); !sent) {
                fault = std::move(sent).error();
                continue;
            }
            driver.notices.process(EventKind::Signal, *instance, base::signal_name(signal));
            ++signaled;
        }
        if (signaled == 0) return Unexpected(std::move(fault));
        return signaled;
    });
}

Result<std::uint32_t> Supervisor::send(std::string_view target, std::string_view json, const May& may)
{
    return impl_->driver.enter([&]() -> Result<std::uint32_t> {
        Driver& driver = impl_->driver;
        const auto selected = driver.table.select(target, may);
        if (!selected) return Unexpected(selected.error());
        std::uint32_t count = 0;
        base::Error fault{ErrorCode::NotOnline, fmt::format("'{}' has no running process", base::printable(target))};
        for (Instance* instance : *selected) {
            if (!has_process(instance->machine.state)) continue;
            if (auto sent = driver.channels().send(instance->key(), json))
                ++count;
            else
                fault = std::move(sent).error();
        }
        if (count == 0) return Unexpected(std::move(fault));
        return count;
    });
}

Result<void> Supervisor::trigger(std::string_view target, const TriggerRequest& request, TriggerDone done, const May& may)
{
    return impl_->driver.enter([&]() -> Result<void> {
        const auto selected = impl_->driver.table.select(target, may);
        if (!selected) return Unexpected(selected.error());
        return engine::trigger(impl_->driver, *selected, target, request, std::move(done));
    });
}

model::CustomData Supervisor::custom_data(base::InstanceId id) const
{
    const Instance* instance = impl_->driver.table.find(id);
    if (instance == nullptr || !has_process(instance->machine.state)) return {};
    const model::CustomData* data = impl_->driver.channels().custom_data(instance->key());
    return data != nullptr ? *data : model::CustomData{};
}

std::vector<std::string> Supervisor::listening(const std::string& name) const
{
    std::vector<std::string> all;
    const App* app = impl_->driver.table.find(name);
    if (app == nullptr) return all;
    for (const model::ListenAddress& address : app->spec->listen) all.push_back(model::to_string(address));
    for (std::string& address : impl_->driver.channels().addresses(name)) all.push_back(std::move(address));
    return all;
}

Result<std::vector<std::string>> Supervisor::reset(std::string_view target, const May& may)
{
    return impl_->driver.enter([&]() -> Result<std::vector<std::string>> {
        const auto selected = impl_->driver.table.select(target, may);
        if (!selected) return Unexpected(selected.error());
        for (Instance* instance : *selected) {
            instance->restarts = 0;
            instance->machine.history = {};
            impl_->driver.notices.app_changed(*instance->app);
        }
        return names_of(*selected);
    });
}

void Supervisor::shut_down(Done done)
{
    impl_->driver.enter([&] {
        Driver& driver = impl_->driver;
        impl_->shutting_down = true;
        const std::uint64_t waiter = driver.waiters.open(std::move(done));
        std::vector<Instance*> newest_first;
        for (const auto& [sequence, app] : driver.table.apps())
            for (const auto& [slot, instance] : app->instances) newest_first.push_back(instance.get());
        std::ranges::reverse(newest_first);
        for (Instance* instance : dependents_first(newest_first)) driver.stop(waiter, *instance, Verb::Stop);
        driver.waiters.seal(waiter);
    });
}

std::vector<model::AppSnapshot> Supervisor::snapshots() const
{
    std::vector<model::AppSnapshot> list;
    list.reserve(impl_->driver.table.apps().size());
    const model::TimePoint now = impl_->driver.clock().now();
    for (const auto& [sequence, app] : impl_->driver.table.apps()) list.push_back(snapshot_of(*app, now));
    return list;
}

Result<std::vector<model::AppSnapshot>> Supervisor::snapshots(std::string_view target, const May& may) const
{
    const auto selected = impl_->driver.table.select(target, may);
    if (!selected) return Unexpected(selected.error());
    std::vector<model::AppSnapshot> list;
    const model::TimePoint now = impl_->driver.clock().now();
    for (auto begin = selected->begin(); begin != selected->end();) {
        const App* app = (*begin)->app;
        const auto end = std::find_if(begin, selected->end(), [&](const Instance* one) { return one->app != app; });
        list.push_back(snapshot_of(*app, now));
        if (static_cast<std::size_t>(end - begin) < app->instances.size())
            std::erase_if(list.back().instances, [&](const auto& shown) {
                return std::none_of(begin, end, [&](const Instance* one) { return one->id == shown.id; });
            });
        begin = end;
    }
    return list;
}

Result<model::AppSnapshot> Supervisor::snapshot(const std::string& name) const
{
    const App* app = impl_->driver.table.find(name);
    if (!app) return fail(ErrorCode::NoSuchApp, fmt::format("no app '{}'", base::printable(name)));
    return snapshot_of(*app, impl_->driver.clock().now());
}

std::shared_ptr<const model::AppSpec> Supervisor::spec(const std::string& name) const
{
    const App* app = impl_->driver.table.find(name);
    return app ? app->spec : nullptr;
}

Result<Supervisor::InstanceRef> Supervisor::instance(base::InstanceId id) const
{
    const Instance* found = impl_->driver.table.find(id);
    if (!found) return fail(ErrorCode::NoSuchApp, fmt::format("no instance {}", id.value));
    return InstanceRef{found->app->name, found->slot, found->key()};
}

std::uint32_t Supervisor::app_count() const { return static_cast<std::uint32_t>(impl_->driver.table.apps().size()); }

std::uint32_t Supervisor::instance_count() const
{
    return static_cast<std::uint32_t>(impl_->driver.table.instance_count());
}

std::optional<SavedApp> Supervisor::saved(const std::string& name) const
{
    const App* app = impl_->driver.table.find(name);
    if (app == nullptr) return std::nullopt;
    SavedApp saved{app->spec, app->origin, app->owner, app->created_at, app->sequence, {}, app->seen_listening};
    for (const auto& [slot, instance] : app->instances) {
        saved.instances.push_back({instance->id, slot, instance->machine, instance->pid, instance->reason, instance->since,
                                   instance->restarts, instance->last_exit, instance->leaving, {}, instance->running, instance->finished});
        for (const auto& [generation, facts] : instance->others) saved.instances.back().others[generation] = {facts.pid, facts.spec};
    }
    return saved;
}

std::vector<base::Error> Supervisor::restore(std::span<const SavedApp> apps)
{
    return impl_->driver.enter([&] {
        std::vector<base::Error> faults;
        for (const SavedApp& app : apps)
            if (auto restored = impl_->restore(app); !restored) faults.push_back(std::move(restored).error());
        impl_->driver.adopt_processes();
        impl_->go_on_deleting();
        return faults;
    });
}

void Supervisor::set_limits(Limits limits) { impl_->driver.limits() = limits; }

void Supervisor::on_timer(base::InstanceId id)
{
    impl_->driver.enter([&] {
        if (Instance* instance = impl_->driver.table.find(id)) impl_->driver.timer_fired(*instance);
    });
}

void Supervisor::on_launching(ProcessKey key)
{
    impl_->driver.enter([&] { impl_->driver.said(key, Launching{key.generation}); });
}

void Supervisor::on_running(ProcessKey key, pid_t pid)
{
    impl_->driver.enter([&] { impl_->driver.running(key, pid); });
}

void Supervisor::on_main_exited(ProcessKey key, const model::ExitInfo& exit)
{
    impl_->driver.enter([&] { impl_->driver.main_exited(key, exit); });
}

void Supervisor::on_gone(ProcessKey key, const model::ExitInfo& exit)
{
    impl_->driver.enter([&] { impl_->driver.gone(key, exit); });
}

void Supervisor::on_ready(ProcessKey key, model::ReadyWhen by)
{
    impl_->driver.enter([&] { impl_->driver.ready(key, by); });
}

void Supervisor::on_unready(ProcessKey key, std::string why)
{
    impl_->driver.enter([&] { impl_->driver.said(key, Unready{key.generation, std::move(why)}); });
}

void Supervisor::on_status(ProcessKey key, std::string text)
{
    impl_->driver.enter([&] { impl_->driver.status(key, std::move(text)); });
}

void Supervisor::on_more_time(ProcessKey key, model::Duration time)
{
    impl_->driver.enter([&] { impl_->driver.said(key, MoreTime{key.generation, time}); });
}

void Supervisor::on_stopping(ProcessKey key) { on_status(key, "ending by itself"); }

void Supervisor::on_drained(ProcessKey key)
{
    impl_->driver.enter([&] { impl_->driver.said(key, Drained{key.generation}); });
}

void Supervisor::on_watchdog(ProcessKey key, std::string why)
{
    impl_->driver.enter([&] { impl_->driver.said(key, WatchdogMissed{key.generation, std::move(why)}); });
}

void Supervisor::on_message(ProcessKey key, const std::string& json)
{
    impl_->driver.enter([&] { 
        if (const Instance* instance = impl_->driver.table.find(key.id)) impl_->driver.notices.message(*instance, json);
    });
}

} // namespace pm::engine
