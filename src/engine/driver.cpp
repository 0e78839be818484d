// SPDX-License-Identifier: Apache-2.0
#include "engine/driver.hpp"

#include "policy/unit_properties.hpp"

#include <algorithm>
#include <utility>

namespace pm::engine {
namespace {

using model::Status;

/// It is known that the program of this generation was executed.
bool was_executed(const Machine& machine, base::Generation generation)
{
    const Starting* starting = generation == machine.generation ? std::get_if<Starting>(&machine.state) : nullptr;
    if (machine.successor && machine.successor->generation == generation) starting = &machine.successor->starting;
    return starting == nullptr || starting->running;
}

/// The process of this generation ended.
bool is_end(const Event& event, base::Generation generation)
{
    if (const auto* gone = std::get_if<Gone>(&event)) return gone->generation == generation;
    const auto* main = std::get_if<MainExited>(&event);
    return main != nullptr && main->generation == generation;
}

} // namespace

void Driver::feed(Instance& instance, const Event& event)
{
    if (!instance.held.empty() && is_end(event, instance.machine.generation)) carry_out_held(instance); // it is not to come again
    Transition transition = step(instance.machine, event, circumstances_of(instance));
    const Status before = status_of(instance.machine.state);
    const base::Generation generation = instance.machine.generation;
    const bool own = transition.exit && transition.exit->generation == generation;
    const pid_t pid = own ? std::exchange(instance.pid, 0) : 0;
    instance.machine = std::move(transition.machine);
    follow_current(instance, generation);

    if (instance.app->listens) sockets_due_.insert(instance.app->name);
    // First what makes things happen, then what tells of it.
    carry_out(instance, transition.action);
    for (const SideAction& side : transition.side) carry_out_beside(instance, side);
    arm(instance);
    const auto refused = std::exchange(refused_, {}); // who cannot be told to go
    if (own) {
        instance.last_exit = transition.exit->ended.exit;
        note_exit(instance, transition, pid);
    } else if (transition.exit) {
        const auto other = instance.others.extract(transition.exit->generation);
        note_exit(instance, transition, other ? other.mapped().pid : 0);
    }
    note(instance, before, transition);
    if (transition.survivor) tell_survival(instance, *transition.survivor);
    waiters.judge(instance);
    if (instance.leaving && !has_any_process(instance.machine))
        return remove(instance);
    reloads.look(instance, transition);
    for (const ProcessKey key : refused) said(key, Drained{key.generation});
}

void Driver::follow_current(Instance& instance, base::Generation before)
{
    const base::Generation now = instance.machine.generation;
    if (now == before) return;
    auto successor = instance.others.extract(now);
    if (!successor) return; // a fresh one
    const bool there = std::ranges::any_of(instance.machine.leavers, [&](const Leaver& leaver) { return leaver.generation == before; });
    if (there) instance.others[before] = {instance.pid, instance.running};
    instance.pid = successor.mapped().pid;
    instance.running = std::move(successor.mapped().spec);
}

Instance* Driver::holder_of(ProcessKey key) const
{
    Instance* instance = table.find(key.id);
    return instance != nullptr && instance->spec_of(key.generation) != nullptr ? instance : nullptr;
}

void Driver::running(ProcessKey key, pid_t pid)
{
    Instance* instance = holder_of(key);
    if (instance == nullptr) return;
    channels_.runs(key, pid);
    if (key == instance->key())
        instance->pid = pid;
    else
        instance->others.at(key.generation).pid = pid;
    feed(*instance, Running{key.generation});
}

void Driver::main_exited(ProcessKey key, const model::ExitInfo& exit)
{
    if (Instance* instance = holder_of(key)) feed(*instance, MainExited{key.generation, exit});
    // Its pid may be somebody else's soon. What the step made of it may be another generation's now.
    Instance* instance = holder_of(key);
    if (instance == nullptr) return;
    if (key == instance->key())
        instance->pid = 0;
    else
        instance->others.at(key.generation).pid = 0;
}

void Driver::said(ProcessKey key, const Event& event)
{
    if (Instance* instance = holder_of(key)) feed(*instance, event);
}

void Driver::ready(ProcessKey key, model::ReadyWhen by)
{
    Instance* instance = holder_of(key);
    if (instance == nullptr) return;
    const model::AppSpec& spec = *instance->spec_of(key.generation);
    const auto readiness = policy::readiness_of(spec, instance->is_successor(key.generation), instance->app->seen_listening);
    if (by == model::ReadyWhen::Listening && !std::exchange(instance->app->seen_listening, true)) notices.app_changed(*instance->app);
    if (readiness.by == by) feed(*instance, Ready{key.generation});
}

void Driver::status(ProcessKey key, std::string text)
{
    Instance* instance = table.find(key.id);
    if (instance != nullptr && instance->is_successor(key.generation)) return feed(*instance, Unready{key.generation, std::move(text)});
    if (instance == nullptr || instance->key() != key || !has_process(instance->machine.state) || instance->reason == text) return;
    instance->reason = std::move(text);
    notices.app_changed(*instance->app);
}

void Driver::gone(ProcessKey key, const model::ExitInfo& exit)
{
    channels_.ended(key);
    if (Instance* instance = table.find(key.id)) feed(*instance, Gone{key.generation, exit});
}

void Driver::command(std::uint64_t waiter, Instance& instance, Verb goal, const Event& event)
{
    if (goal == Verb::Start || goal == Verb::Restart) drop_held(instance);
    waiters.watch(waiter, instance, goal);
    feed(instance, event);
}

Circumstances Driver::circumstances_of(const Instance& instance)
{
    const App& app = *instance.app;
    const auto terms = [&](const model::AppSpec* started_with) {
        const model::AppSpec& spec = started_with != nullptr ? *started_with : *app.spec;
        return Terms{spec.kill_timeout, spec.serving.drain, policy::readiness_of(spec, false, app.seen_listening),
                     policy::readiness_of(spec, true, app.seen_listening)};
    };
    Circumstances now{.now = clock_.now(), .restart = app.spec->restart, .current = terms(instance.running.get())};
    if (instance.machine.successor) now.successor = terms(instance.spec_of(instance.machine.successor->generation));
    if (app.spec->depends_on.empty()) return now;
    const auto verdict = dependencies.verdict(app);
    if (const auto* not_yet = std::get_if<policy::NotYet>(&verdict)) now.waits = not_yet->reason;
    if (const auto* never = std::get_if<policy::Never>(&verdict)) now.waits = never->reason;
    return now;
}

void Driver::timer_fired(Instance& instance)
{
    instance.armed.reset();
    const auto deadline = deadline_of(instance.machine);
    if (!deadline) return;
    if (clock_.now() < *deadline)
        arm(instance); // a timer of an earlier state, or one that rounds down
    else
        feed(instance, TimerFired{});
}

void Driver::adjust(App& app, const model::AppSpec& before)
{
    auto change = policy::live_changes(before, *app.spec);
    if (!change || change->empty()) return;
    Adjustment adjustment{.spec = app.spec, .processes = {}, .change = *std::move(change)};
    for (auto& [slot, instance] : app.instances) {
        const auto adjusted = [&, id = instance->id](base::Generation generation, std::shared_ptr<const model::AppSpec>& started_with) {
            const auto since = policy::live_changes(*started_with, before);
            if (!since || !since->empty()) return; // it runs something older still, and is being replaced
            started_with = app.spec;
            adjustment.processes.push_back({id, generation});
        };
        if (has_process(instance->machine.state)) adjusted(instance->machine.generation, instance->running);
        for (auto& [generation, facts] : instance->others) adjusted(generation, facts.spec);
    }
    launcher_.adjust(adjustment);
}

App& Driver::add_app(std::shared_ptr<const model::AppSpec> spec)
{
    App& app = table.add_app(std::move(spec));
    dependencies.changed();
    app.created_at = clock_.wall();
    notices.app_added(app);
    return app;
}

Instance& Driver::add_instance(App& app, std::string reason)
{
    Instance& instance = table.add_instance(app);
    instance.since = clock_.wall();
    instance.reason = std::move(reason);
    moved(app);
    notices.app_changed(app);
    return instance;
}

void Driver::restore_instance(App& app, const SavedInstance& saved)
{
    Instance* instance = table.restore_instance(app, saved.id, saved.slot);
    if (instance == nullptr) return;
    instance->machine = saved.machine;
    // The time in which no pmd was there to hear of it is not its own.
    const auto time_anew = [this](Starting& starting) {
        if (starting.begun && !starting.running) starting.deadline = std::max(starting.deadline, clock_.now() + kLaunchTimeout);
    };
    if (auto* starting = std::get_if<Starting>(&instance->machine.state)) time_anew(*starting);
    if (instance->machine.successor) time_anew(instance->machine.successor->starting);
    instance->pid = saved.pid;
    instance->reason = saved.reason;
    instance->since = saved.since;
    instance->restarts = saved.restarts;
    instance->last_exit = saved.last_exit;
    instance->leaving = saved.leaving;
    instance->finished = saved.finished;
    instance->running = saved.running ? saved.running : app.spec;
    for (const auto& [generation, facts] : saved.others) instance->others[generation] = {facts.pid, facts.spec ? facts.spec : app.spec};
    arm(*instance);
    notices.app_changed(app);
    moved(app);
    if (std::holds_alternative<Waiting>(instance->machine.state)) waiting_.insert(instance->id);
    app.listens = app.listens || policy::cluster_of(*instance->running) != model::ClusterMode::None;
    if (has_process(instance->machine.state)) to_adopt_.push_back(instance->key());
    for (const auto& [generation, facts] : instance->others) to_adopt_.push_back({instance->id, generation});
}

void Driver::adopt_processes()
{
    for (const ProcessKey key : std::exchange(to_adopt_, {})) {
        Instance* instance = table.find(key.id);
        if (instance == nullptr) continue;
        const bool current = key == instance->key();
        LaunchRequest request = request_of(*instance, key.generation, current ? instance->running : instance->others.at(key.generation).spec);
        request.end_order = dependencies.end_order(*instance);
        request.ran = was_executed(instance->machine, key.generation);
        launcher_.adopt(request);
    }
}

void Driver::carry_out(Instance& instance, Action action)
{
    if (action == Action::Launch) {
        instance.running = instance.app->spec;
        return launch(instance, instance.machine.generation);
    }
    if (action != Action::None) act(instance.key(), *instance.running, action);
}

void Driver::carry_out_beside(Instance& instance, const SideAction& side)
{
    if (side.action == Action::Launch) {
        instance.others[side.generation] = {0, instance.app->spec};
        return launch(instance, side.generation);
    }
    if (const model::AppSpec* spec = instance.spec_of(side.generation)) act({instance.id, side.generation}, *spec, side.action);
}

void Driver::act(ProcessKey key, const model::AppSpec& spec, Action action)
{
    switch (action) {
    case Action::None:
    case Action::Launch: return;
    case Action::Dismiss:
        if (!channels_.dismiss(key)) refused_.push_back(key);
        return;
    case Action::Terminate:
        if (!spec.serving.shutdown_with_message || !channels_.send_shutdown(key)) launcher_.terminate(key, spec.kill_signal);
        return;
    case Action::Abort: return launcher_.terminate(key, SIGABRT);
    case Action::Kill: return launcher_.kill(key);
    }
}

void Driver::launch(Instance& instance, base::Generation generation)
{
    const auto spec = instance.app->spec;
    if (!spec->listen.empty() || policy::cluster_of(*spec) != model::ClusterMode::None) instance.app->listens = true;
    LaunchRequest request = request_of(instance, generation, spec);
    request.end_order = dependencies.end_order(instance);
    instance.known_dependents = request.end_order.before_us;
    launcher_.launch(request);
}

LaunchRequest Driver::request_of(const Instance& instance, base::Generation generation, std::shared_ptr<const model::AppSpec> spec) const
{
    const App& app = *instance.app;
    const bool several = app.instances.size() > 1 || model::resolve(app.spec->instances, limits_.cpus) > 1;
    return {.key = {instance.id, generation}, .slot = instance.slot, .spec = std::move(spec), .several = several, .owner = app.owner};
}

void Driver::arm(Instance& instance)
{
    const auto deadline = deadline_of(instance.machine);
    if (deadline == instance.armed) return;
    if (deadline)
        timers_.arm(instance.id, *deadline);
    else
        timers_.disarm(instance.id);
    instance.armed = deadline;
}

void Driver::remove(Instance& instance)
{
    App& app = *instance.app;
    if (instance.armed) timers_.disarm(instance.id);
    moved(app);
    waiting_.erase(instance.id);
    held_.erase(instance.id);
    for (const HeldStop& stop : std::exchange(instance.held, {})) waiters.release(stop.waiter);
    waiters.removed(instance);
    reloads.removed(instance);
    notices.process(EventKind::Delete, instance, "deleted");
    const bool last = app.instances.size() == 1;
    if (last)
        notices.app_removed(app);
    else
        notices.app_changed(app);
    launcher_.forget(instance.id, app.name, last);
    table.remove(instance);
    if (last) dependencies.changed();
}

void Driver::settle()
{
    for (;;) {
        look_again();
        close_sockets();
        notices.publish(events_);
        auto finished = waiters.next_finished();
        if (!finished) return;
        if (finished->done) finished->done(finished->outcome);
    }
}

} // namespace pm::engine
