// SPDX-License-Identifier: Apache-2.0
#include "engine/reloads.hpp"

#include "base/text.hpp"
#include "engine/driver.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace pm::engine {

using model::ReloadMode;

namespace {

/// How many may be replaced at once, of a spec.
std::size_t width_of(const model::AppSpec& spec)
{
    const model::ReloadPolicy& policy = spec.serving.reload;
    return std::max<std::uint32_t>(1, std::max(policy.parallel, policy.max_unavailable));
}

/// What is to come has read its program, or may have.
bool has_begun(const Instance& instance)
{
    const Machine& machine = instance.machine;
    const auto* starting = machine.successor ? &machine.successor->starting : std::get_if<Starting>(&machine.state);
    if (starting != nullptr) return starting->begun || starting->running;
    return std::holds_alternative<Online>(machine.state);
}

bool has_none(const Instance& instance) { return !has_process(instance.machine.state); }

/// Old and new are there at once.
bool overlaps(const model::AppSpec& spec)
{
    return policy::reload_mode_of(spec) == ReloadMode::Rolling && spec.serving.reload.max_unavailable == 0;
}

} // namespace

void Reloads::begin(std::uint64_t waiter, App& app, const std::vector<Instance*>& instances, std::shared_ptr<const model::AppSpec> before)
{
    driver_.waiters.touch(waiter, app.name);
    if (!before && policy::reload_mode_of(*app.spec) == ReloadMode::Signal) return signal_all(waiter, app, instances);
    const bool again = running_.contains(app.name);
    Reload& reload = running_[app.name];
    const bool other = again && reload.spec != app.spec;
    if (!again || other) reload.spec = app.spec;
    if (before && !reload.before && !reload.any_replaced) reload.before = std::move(before);
    std::vector<Instance*> once_more; // with what it is to be now, or by the code that is there now
    for (Instance* instance : instances) {
        if (has_none(*instance)) {
            driver_.command(waiter, *instance, Verb::Start, StartCommand{}); // nobody is served by it
            continue;
        }
        enqueue(reload, waiter, *instance);
        if (reload.active.contains(instance->id) && (other || has_begun(*instance))) once_more.push_back(instance);
    }
    for (Instance* instance : once_more)
        if (running_.contains(app.name)) start(app, *instance);
    advance(app);
}

void Reloads::enqueue(Reload& reload, std::uint64_t waiter, Instance& instance)
{
    driver_.waiters.hold(waiter, instance);
    reload.waiters[instance.id].push_back(waiter);
    if (!reload.active.contains(instance.id) && std::ranges::find(reload.queue, instance.id) == reload.queue.end())
        reload.queue.push_back(instance.id);
}

void Reloads::signal_all(std::uint64_t waiter, App& app, const std::vector<Instance*>& instances)
{
    const int signal = app.spec->serving.reload.signal;
    for (Instance* instance : instances) {
        if (!has_process(instance->machine.state)) {
            driver_.command(waiter, *instance, Verb::Start, StartCommand{});
            continue;
        }
        driver_.waiters.hold(waiter, *instance);
        if (auto sent = driver_.launcher().signal(instance->key(), signal); !sent) {
            driver_.waiters.fail(waiter, *instance, std::move(sent).error());
            continue;
        }
        driver_.notices.process(EventKind::Reload, *instance, "told to reload itself by " + base::signal_name(signal));
        driver_.waiters.release(waiter);
    }
}

void Reloads::advance(App& app)
{
    const std::string name = app.name; // the app may go with its last instance
    if (!advancing_.insert(name).second) return;
    for (;;) {
        const auto found = running_.find(name);
        if (found == running_.end()) break; // it failed
        Reload& reload = found->second;
        if (reload.queue.empty() && reload.active.empty()) {
            running_.erase(found);
            break;
        }
        if (reload.queue.empty() || reload.active.size() >= width_of(*reload.spec)) break;
        const base::InstanceId id = reload.queue.front();
        reload.queue.pop_front();
        if (Instance* instance = driver_.table.find(id)) start(*instance->app, *instance);
    }
    advancing_.erase(name);
}

/// What comes of it comes to look(), perhaps at once.
void Reloads::start(App& app, Instance& instance)
{
    Reload& reload = running_.at(app.name);
    const base::Generation now = instance.machine.generation;
    reload.active.try_emplace(instance.id, Active{now, now}).first->second.after = now;
    driver_.drop_held(instance);
    if (overlaps(*reload.spec))
        driver_.feed(instance, ReloadCommand{.anew = true});
    else
        driver_.feed(instance, RestartCommand{});
}

Reloads::Progress Reloads::progress(const Instance& instance, const Active& active)
{
    const Machine& machine = instance.machine;
    if (instance.leaving) return Progress::Superseded;
    switch (status_of(machine.state)) {
    case model::Status::Waiting:
    case model::Status::Starting: return Progress::Pending;
    case model::Status::Online:
    case model::Status::Unhealthy:
        if (machine.successor) return Progress::Pending;
        if (machine.generation <= active.after) return Progress::Failed;
        return std::ranges::all_of(machine.leavers, [](const Leaver& leaver) { return survived(leaver.stopping); }) ? Progress::Replaced
                                                                                                                    : Progress::Pending;
    case model::Status::Stopping:
        return std::get<Stopping>(machine.state).then == Then::Stay ? Progress::Superseded : Progress::Pending;
    case model::Status::Stopped: return Progress::Superseded;
    case model::Status::Backoff:
    case model::Status::Errored: return Progress::Failed;
    }
    return Progress::Pending;
}

void Reloads::look(Instance& instance, const Transition& transition)
{
    const auto found = running_.find(instance.app->name);
    if (found == running_.end()) return;
    Reload& reload = found->second;
    if (transition.replaced && instance.running == reload.spec) reload.any_replaced = true;
    const auto active = reload.active.find(instance.id);
    if (active == reload.active.end()) return look_at_queued(reload, instance);
    App& app = *instance.app;
    if (transition.reload_failed) return fail(app, instance, {base::ErrorCode::ReloadFailed, *transition.reload_failed});
    // One that an earlier reload left is not what this one waits for.
    if (transition.survivor && transition.survivor->generation >= active->second.oldest)
        return fail(app, instance, {base::ErrorCode::StopFailed, instance.reason});
    switch (progress(instance, active->second)) {
    case Progress::Pending: return;
    case Progress::Replaced: done(reload, instance); break;
    case Progress::Superseded: superseded(reload, instance); break;
    case Progress::Failed: return fail(app, instance, {base::ErrorCode::ReloadFailed, instance.reason});
    }
    advance(app);
}

/// One that is stopped before its turn has come is not started again by it.
void Reloads::look_at_queued(Reload& reload, Instance& instance)
{
    const auto* stopping = std::get_if<Stopping>(&instance.machine.state);
    const bool stopped = std::holds_alternative<Stopped>(instance.machine.state) || (stopping != nullptr && stopping->then == Then::Stay);
    if (!stopped || std::erase(reload.queue, instance.id) == 0) return;
    superseded(reload, instance);
    advance(*instance.app);
}

void Reloads::done(Reload& reload, Instance& instance)
{
    reload.any_replaced = true;
    reload.active.erase(instance.id);
    for (const std::uint64_t waiter : std::exchange(reload.waiters[instance.id], {})) driver_.waiters.release(waiter);
}

void Reloads::superseded(Reload& reload, Instance& instance)
{
    reload.active.erase(instance.id);
    for (const std::uint64_t waiter : std::exchange(reload.waiters[instance.id], {})) driver_.waiters.supersede(waiter, instance);
}

void Reloads::removed(Instance& instance)
{
    const auto found = running_.find(instance.app->name);
    if (found == running_.end()) return;
    std::erase(found->second.queue, instance.id);
    superseded(found->second, instance);
    advance(*instance.app);
}

/// What was not replaced yet stays as it is.
void Reloads::fail(App& app, Instance& instance, const base::Error& why)
{
    const auto found = running_.find(app.name);
    const Reload reload = std::move(found->second);
    running_.erase(found); // what is done below is no part of it any more
    give_back(app, reload);
    for (const auto& [id, active] : reload.active)
        if (Instance* other = driver_.table.find(id); other != nullptr && other != &instance)
            driver_.feed(*other, DropSuccessor{fmt::format("the reload of instance {} failed", instance.id.value)});
    for (const auto& [id, waiters] : reload.waiters)
        for (const std::uint64_t waiter : waiters) {
            if (id == instance.id)
                driver_.waiters.fail(waiter, instance, why);
            else
                driver_.waiters.release(waiter);
        }
    driver_.notices.process(EventKind::ReloadFailed, instance, why.message);
}

/// An app none of whose instances took the new spec is what it was before.
void Reloads::give_back(App& app, const Reload& reload)
{
    if (!reload.before || reload.any_replaced || app.spec != reload.spec) return;
    app.spec = reload.before;
    driver_.dependencies.changed();
    driver_.notices.app_changed(app);
}

} // namespace pm::engine
