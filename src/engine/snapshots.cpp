// SPDX-License-Identifier: Apache-2.0
#include "engine/snapshots.hpp"

#include "policy/status.hpp"

namespace pm::engine {
namespace {

std::optional<model::Duration> uptime(const Instance& instance, model::TimePoint now)
{
    if (instance.pid == 0) return std::nullopt;
    return std::visit(
        [&]<typename S>(const S& at) -> std::optional<model::Duration> {
            if constexpr (requires { at.started; })
                return std::chrono::duration_cast<model::Duration>(now - at.started);
            else
                return std::nullopt;
        },
        instance.machine.state);
}

} // namespace

model::InstanceSnapshot snapshot_of(const Instance& instance, model::TimePoint now)
{
    return {.id = instance.id,
            .slot = instance.slot,
            .generation = instance.machine.generation,
            .status = instance.unhealthy.empty() ? status_of(instance.machine.state) : model::Status::Unhealthy,
            .reason = instance.unhealthy.empty() ? instance.reason : instance.unhealthy,
            .pid = instance.pid,
            .since = instance.since,
            .uptime = uptime(instance, now),
            .restarts = instance.restarts,
            .unstable_restarts = instance.machine.history.unstable,
            .last_exit = instance.last_exit,
            .finished = instance.finished};
}

model::AppSnapshot snapshot_of(const App& app, model::TimePoint now)
{
    model::AppSnapshot shown{.name = app.name,
                             .name_space = app.spec->name_space,
                             .owner = app.owner,
                             .created_at = app.created_at};
    shown.instances.reserve(app.instances.size());
    for (const auto& [slot, instance] : app.instances) shown.instances.push_back(snapshot_of(*instance, now));
    if (const auto worst = policy::neediest(shown.instances)) {
        shown.status = shown.instances[*worst].status;
        shown.reason = shown.instances[*worst].reason;
    }
    return shown;
}

} // namespace pm::engine
