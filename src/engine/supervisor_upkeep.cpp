// SPDX-License-Identifier: Apache-2.0
// Commands that upkeep/ gives in time, where nobody asked for one.
#include "engine/supervisor_impl.hpp"

namespace pm::engine {
namespace {

/// Has crashed, or is about to be started again, or ended by itself: whatever it was, what its files say now may be better.
bool is_to_run_again(const Instance& instance)
{
    const State& state = instance.machine.state;
    return std::holds_alternative<Starting>(state) || std::holds_alternative<Backoff>(state) || std::holds_alternative<Errored>(state) ||
           (std::holds_alternative<Stopped>(state) && instance.finished);
}

} // namespace

void Supervisor::recycle(const std::string& name, const std::vector<base::InstanceId>& ids, const std::string& why, Done done)
{
    impl_->driver.enter([&] { impl_->recycle(name, ids, why, std::move(done), {}); });
}

void Supervisor::restart(const std::string& name, const std::vector<base::InstanceId>& ids, const std::string& why, Done done)
{
    impl_->driver.enter([&] { impl_->recycle(name, ids, why, std::move(done), {.reloads = false}); });
}

void Supervisor::note_health(ProcessKey key, std::string why)
{
    impl_->driver.enter([&] {
        Instance* instance = impl_->driver.table.find(key.id);
        if (instance == nullptr || instance->machine.generation != key.generation || !std::holds_alternative<Online>(instance->machine.state)) return;
        if (instance->unhealthy.empty() == why.empty()) return;
        instance->unhealthy = why;
        const EventKind kind = why.empty() ? EventKind::Healthy : EventKind::Unhealthy;
        impl_->driver.notices.process(kind, *instance, std::move(why));
        impl_->driver.notices.app_changed(*instance->app);
        impl_->driver.moved(*instance->app);
    });
}

void Supervisor::renew(const std::string& name, const std::string& why, Done done)
{
    impl_->driver.enter([&] { impl_->recycle(name, {}, why, std::move(done), {.starts_rest = true}); });
}

void Supervisor::Impl::recycle(const std::string& name, const std::vector<base::InstanceId>& ids, const std::string& why, Done done, How how)
{
    const std::uint64_t waiter = driver.waiters.open(std::move(done));
    std::vector<Instance*> online;
    std::vector<Instance*> others;
    if (App* app = shutting_down ? nullptr : driver.table.find(name))
        for (Instance* instance : app->staying()) {
            if (!ids.empty() && std::ranges::find(ids, instance->id) == ids.end()) continue;
            if (std::holds_alternative<Online>(instance->machine.state))
                online.push_back(instance);
            else if (how.starts_rest && is_to_run_again(*instance))
                others.push_back(instance);
        }
    for (Instance* instance : online) {
        instance->recycled = why;
        driver.notices.process(EventKind::Recycle, *instance, why);
    }
    for (Instance* instance : others) {
        driver.notices.process(EventKind::Recycle, *instance, why);
        driver.command(waiter, *instance, Verb::Restart, RestartCommand{});
    }
    if (!how.reloads)
        for (Instance* instance : online) driver.command(waiter, *instance, Verb::Restart, RestartCommand{});
    else if (!online.empty())
        reload(waiter, online);
    driver.waiters.seal(waiter);
}

base::Result<std::vector<std::string>> Supervisor::set_watching(std::string_view target, bool on, const May& may)
{
    return impl_->driver.enter([&]() -> base::Result<std::vector<std::string>> {
        const auto selected = impl_->driver.table.select(target, may);
        if (!selected) return base::Unexpected(selected.error());
        std::vector<std::string> names;
        for (const Instance* instance : *selected) {
            App& app = *instance->app;
            if (!names.empty() && names.back() == app.name) continue;
            names.push_back(app.name);
            if (app.spec->upkeep.watch.on == on) continue;
            auto spec = std::make_shared<model::AppSpec>(*app.spec);
            spec->upkeep.watch.on = on;
            app.spec = std::move(spec);
            impl_->driver.notices.app_changed(app);
        }
        return names;
    });
}

} // namespace pm::engine
