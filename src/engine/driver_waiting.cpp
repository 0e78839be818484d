// SPDX-License-Identifier: Apache-2.0
// Starts that wait for other apps, and stops that are held back until other apps have ended (depends_on).
#include "engine/driver.hpp"

#include <algorithm>
#include <utility>

namespace pm::engine {
namespace {

/// It just began to wait, or waits for one of the apps that moved.
bool concerns(const std::set<std::string>& moved, const Instance& instance)
{
    const auto& needs = instance.app->spec->depends_on;
    return moved.contains(instance.app->name) ||
           std::ranges::any_of(needs, [&](const auto& need) { return moved.contains(need.first); });
}

} // namespace

void Driver::stop(std::uint64_t waiter, Instance& instance, Verb goal, bool gently)
{
    if (goal == Verb::Delete) instance.leaving = true;
    moved(*instance.app);
    if (!has_process(instance.machine.state) || !dependencies.are_dependents_ending(instance.app->name))
        return command(waiter, instance, goal, StopCommand{.gently = gently});
    waiters.hold(waiter, instance);
    instance.held.push_back({waiter, goal});
    held_.insert(instance.id);
    instance.reason = "stops when what depends on it has ended";
    notices.app_changed(*instance.app);
}

void Driver::drop_held(Instance& instance)
{
    if (held_.erase(instance.id) == 0) return;
    instance.reason.clear();
    for (const HeldStop& stop : std::exchange(instance.held, {})) waiters.supersede(stop.waiter, instance);
}

void Driver::start_needs(std::uint64_t waiter, const App& app, const May& may)
{
    if (app.spec->depends_on.empty()) return;
    for (Instance* need : dependencies.resting_needs(app))
        if (!may || may(need->app->name, need->app->owner)) command(waiter, *need, Verb::Start, StartCommand{});
}

void Driver::look_again()
{
    while (!moved_.empty()) {
        const auto moved = std::exchange(moved_, {});
        if (waiting_.empty() && held_.empty()) return;
        // Copies, as what is done here changes both.
        for (const base::InstanceId id : std::vector(waiting_.begin(), waiting_.end()))
            if (Instance* instance = table.find(id); instance && concerns(moved, *instance)) look_at_waiting(*instance);
        for (const base::InstanceId id : std::vector(held_.begin(), held_.end()))
            if (Instance* instance = table.find(id)) look_at_held(*instance);
    }
}

void Driver::moved(const App& app)
{
    moved_.insert(app.name);
    dependencies.moved(app.name);
}

void Driver::look_at_waiting(Instance& instance)
{
    if (!std::holds_alternative<Waiting>(instance.machine.state)) return;
    const auto verdict = dependencies.verdict(*instance.app);
    if (const auto* never = std::get_if<policy::Never>(&verdict)) return feed(instance, DependencyLost{never->reason});
    const auto* not_yet = std::get_if<policy::NotYet>(&verdict);
    if (not_yet == nullptr) return feed(instance, DependenciesMet{});
    const bool stalled = dependencies.is_stalled(*instance.app);
    if (instance.reason == not_yet->reason && instance.stalled == stalled) return;
    instance.reason = not_yet->reason;
    notices.app_changed(*instance.app);
    if (std::exchange(instance.stalled, stalled) == stalled) return;
    moved(*instance.app); // what waits for this one does, too
    waiters.judge(instance);
}

void Driver::look_at_held(Instance& instance)
{
    if (!dependencies.are_dependents_ending(instance.app->name)) carry_out_held(instance);
}

void Driver::carry_out_held(Instance& instance)
{
    const base::InstanceId id = instance.id;
    held_.erase(id);
    for (const HeldStop& stop : std::exchange(instance.held, {})) {
        // It may be gone after the first of them.
        if (Instance* still = table.find(id)) command(stop.waiter, *still, stop.goal, StopCommand{});
        waiters.release(stop.waiter);
    }
}

} // namespace pm::engine
