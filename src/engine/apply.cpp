// SPDX-License-Identifier: Apache-2.0
#include "engine/apply.hpp"

#include <algorithm>
#include <utility>

namespace pm::engine {
namespace {

bool rests(const Instance& instance)
{
    const model::Status status = status_of(instance.machine.state);
    return status == model::Status::Stopped || status == model::Status::Errored;
}

/// An app that runs goes on with what it is to be.
bool will_run(const PlannedApp& planned, const ApplyOptions& options)
{
    if (!planned.spec) return false;
    if (options.start && planned.spec->autostart) return true;
    return planned.app != nullptr && !std::ranges::all_of(planned.app->staying(), [](Instance* one) { return rests(*one); });
}

} // namespace

base::Result<void> hold_sockets(Driver& driver, const std::vector<PlannedApp>& plan, const ApplyOptions& options)
{
    for (const PlannedApp& planned : plan) {
        if (!will_run(planned, options)) continue;
        if (auto held = driver.hold_sockets(*planned.spec, options.owner); !held) return held;
    }
    return {};
}

void Applier::declare(PlannedApp& planned)
{
    if (!planned.spec) return;
    if (planned.app == nullptr) planned.app = &driver_.add_app(planned.spec);
    App& app = *planned.app;
    planned.before = std::exchange(app.spec, planned.spec);
    if (!app.spec->listen.empty()) app.listens = true; // opened already, whether it is launched or has to wait
    app.origin = options_.origin;
    app.owner = options_.owner;
    driver_.dependencies.changed();
    driver_.moved(app); // what waits may depend on others now
    driver_.notices.app_changed(app);
}

void Applier::apply(const PlannedApp& planned)
{
    if (!planned.spec) {
        for (Instance* instance : planned.app->staying()) driver_.stop(waiter_, *instance, Verb::Delete);
        return;
    }
    App& app = *planned.app;
    driver_.waiters.touch(waiter_, app.name);
    if (planned.item.action == PlanAction::Adjust) driver_.adjust(app, *planned.before);
    const bool wanted = options_.start && app.spec->autostart;
    const bool scales = planned.item.action == PlanAction::Scale || planned.item.action == PlanAction::Adjust;
    const auto fresh = resize(app, planned.count);
    if (planned.item.action == PlanAction::Change) replace_running(app, wanted, planned.before);
    else if (options_.reload && planned.item.action != PlanAction::Add) driver_.reloads.begin(waiter_, app, running(app));
    // Loading a file is a wish to run what is in it: what rests is started, whoever stopped it (PlanAction::Start, and
    // beside a change or another count).
    if (wanted)
        for (Instance* instance : app.staying()) start(*instance);
    else if (scales && std::ranges::any_of(app.staying(), [&](Instance* instance) {
                 return status_of(instance->machine.state) != model::Status::Stopped;
             }))
        for (Instance* instance : fresh) start(*instance);
}

std::vector<Instance*> Applier::resize(App& app, std::uint32_t count)
{
    auto staying = app.staying();
    while (staying.size() > count) {
        driver_.stop(waiter_, *staying.back(), Verb::Delete, true);
        staying.pop_back();
    }
    std::vector<Instance*> fresh;
    for (auto& [slot, instance] : app.instances) {
        if (staying.size() + fresh.size() >= count) break;
        if (!instance->leaving) continue;
        instance->leaving = false;
        driver_.dependencies.moved(app.name);
        instance->restarts = 0;
        driver_.drop_held(*instance);
        driver_.waiters.judge(*instance); // who waited for it to vanish
        fresh.push_back(instance.get());
    }
    while (staying.size() + fresh.size() < count) fresh.push_back(&driver_.add_instance(app, "not started yet"));
    return fresh;
}

void Applier::start_needs(const App& app)
{
    const bool starts = std::ranges::any_of(app.staying(), [](const Instance* instance) {
        return std::holds_alternative<Waiting>(instance->machine.state);
    });
    if (!starts) return;
    driver_.start_needs(waiter_, app, [&](const std::string&, uid_t owner) { return options_.owner == 0 || owner == options_.owner; });
}

void Applier::start(Instance& instance)
{
    if (options_.unattended) instance.machine.has_run = true;
    driver_.command(waiter_, instance, Verb::Start, StartCommand{});
}

void Applier::replace_running(App& app, bool wanted, const std::shared_ptr<const model::AppSpec>& before)
{
    const std::vector<Instance*> replaced = running(app);
    const auto rolls = [](const model::AppSpec& spec) { return policy::reload_mode_of(spec) == model::ReloadMode::Rolling; };
    if (rolls(*app.spec) && rolls(*before)) return driver_.reloads.begin(waiter_, app, replaced, before);
    for (Instance* instance : replaced) driver_.command(waiter_, *instance, Verb::Restart, RestartCommand{});
    if (!wanted) return;
    for (Instance* instance : app.staying())
        if (std::ranges::find(replaced, instance) == replaced.end()) driver_.command(waiter_, *instance, Verb::Restart, RestartCommand{});
}

std::vector<Instance*> Applier::running(const App& app)
{
    std::vector<Instance*> running;
    for (Instance* instance : app.staying()) {
        const auto* stopping = std::get_if<Stopping>(&instance->machine.state);
        const bool ending = stopping != nullptr && stopping->then == Then::Stay;
        if (!rests(*instance) && !ending) running.push_back(instance);
    }
    return running;
}

} // namespace pm::engine
