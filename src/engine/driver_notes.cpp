// SPDX-License-Identifier: Apache-2.0
// What is told of a step: to those who listen, and as the reason of the instance.
#include "engine/driver.hpp"

#include "base/text.hpp"

#include <fmt/format.h>
#include <utility>

namespace pm::engine {

using model::Status;

void Driver::note_exit(const Instance& instance, const Transition& transition, pid_t pid)
{
    const Exit& exit = *transition.exit;
    const bool decides = exit.generation == instance.machine.generation || transition.action == Action::Launch;
    std::string reason = decides ? transition.reason.value_or("") : "";
    if (reason.empty()) reason = model::describe(exit.ended.exit);
    auto& event = notices.process(EventKind::Exit, instance, std::move(reason));
    event.generation = exit.generation;
    event.pid = pid;
    event.exit = exit.ended.exit;
    event.uptime = exit.uptime;
    event.commanded = exit.commanded;
    if (const auto* backoff = std::get_if<Backoff>(&instance.machine.state))
        event.delay = std::chrono::duration_cast<model::Duration>(backoff->deadline - clock_.now());
    else if (transition.action == Action::Launch && transition.restarted)
        event.delay = model::Duration(0);
}

void Driver::note(Instance& instance, Status before, const Transition& transition)
{
    const Status after = status_of(instance.machine.state);
    const bool launched = transition.action == Action::Launch;
    const bool moved = before != after || launched || transition.replaced;
    if (transition.reason) instance.reason = *transition.reason;
    if (transition.restarted) {
        ++instance.restarts;
        const std::string recycled = std::exchange(instance.recycled, {});
        if (!launched && !recycled.empty()) instance.reason = (transition.replaced ? "reloaded: " : "restarting: ") + recycled;
        if (launched && instance.last_exit) instance.reason = "restarted after " + model::describe(*instance.last_exit);
        notices.process(transition.replaced ? EventKind::Reload : EventKind::Restart, instance, instance.reason);
    }
    if (transition.reload_failed || after == Status::Stopped) instance.recycled.clear();
    if (launched) notices.process(EventKind::Start, instance, instance.reason);
    if (transition.exit && !moved && !has_process(instance.machine.state)) this->moved(*instance.app); // what a stop had to wait for
    if (moved) {
        instance.unhealthy.clear();
        instance.finished = after == Status::Stopped && transition.exit && !transition.exit->commanded;
        this->moved(*instance.app);
        if (after == Status::Waiting) {
            waiting_.insert(instance.id);
        } else {
            waiting_.erase(instance.id);
            instance.stalled = false;
        }
        instance.since = clock_.wall();
        if (after == Status::Waiting) notices.process(EventKind::Wait, instance, instance.reason);
        if (after == Status::Online) notices.process(EventKind::Online, instance, instance.reason).warning = transition.warning;
        if (after == Status::Stopped) notices.process(EventKind::Stop, instance, instance.reason);
        if (after == Status::Errored)
            notices.process(EventKind::Errored, instance, instance.reason).exit =
                transition.exit ? instance.last_exit : std::nullopt;
    }
    if (moved || transition.reason || transition.restarted || transition.action != Action::None || !transition.side.empty() || transition.exit)
        notices.app_changed(*instance.app);
}

void Driver::tell_survival(Instance& instance, const Survivor& survivor)
{
    const Machine& machine = instance.machine;
    const bool current = survivor.generation == machine.generation;
    const auto other = instance.others.find(survivor.generation);
    const pid_t pid = current ? instance.pid : other != instance.others.end() ? other->second.pid : 0;
    std::string who = pid > 0 ? fmt::format("pid {}", pid) : "something it started";
    if (!current && std::holds_alternative<Online>(machine.state) && survivor.generation < machine.generation)
        who = fmt::format("the new process serves, but the old one, {},", who);
    else if (!current)
        who += ", left by a reload,";
    const auto lived = std::chrono::duration_cast<model::Duration>(clock_.now() - survivor.killed_at);
    instance.reason = fmt::format("{} survived SIGKILL for {}", who, base::format_duration(lived));
    notices.app_changed(*instance.app);
    moved(*instance.app); // holds nobody back any more
    waiters.survived(instance, instance.reason, current);
}

} // namespace pm::engine
