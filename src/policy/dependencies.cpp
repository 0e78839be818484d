// SPDX-License-Identifier: Apache-2.0
#include "policy/dependencies.hpp"

#include "base/text.hpp"
#include "policy/status.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace pm::policy {
namespace {

using model::DependencyCondition;
using model::InstanceSnapshot;
using model::Status;

bool is_resting(const InstanceSnapshot& instance)
{
    return instance.status == Status::Stopped || instance.status == Status::Errored || instance.status == Status::Online;
}

bool has_completed(const InstanceSnapshot& instance)
{
    return instance.status == Status::Stopped && instance.last_exit &&
           instance.last_exit->kind == model::ExitInfo::Kind::Exited && instance.last_exit->code == 0;
}

bool is_online(const InstanceSnapshot& instance) { return instance.status == Status::Online; }

/// One that is unhealthy keeps nobody waiting where another is online.
bool is_settled(const InstanceSnapshot& instance) { return is_resting(instance) || instance.status == Status::Unhealthy; }

bool is_met(DependencyCondition condition, std::span<const InstanceSnapshot> instances)
{
    switch (condition) {
    case DependencyCondition::Ready:
        return std::ranges::all_of(instances, is_settled) && std::ranges::any_of(instances, is_online);
    case DependencyCondition::Started:
        return std::ranges::any_of(instances, [](const InstanceSnapshot& one) { return one.pid > 0; });
    case DependencyCondition::Completed: return std::ranges::all_of(instances, has_completed);
    }
    return false;
}

bool may_come(DependencyCondition condition, std::span<const InstanceSnapshot> instances)
{
    return std::ranges::any_of(instances, [&](const InstanceSnapshot& one) {
        return !is_resting(one) || (condition == DependencyCondition::Completed && is_online(one));
    });
}

/// "errored: exit code 1", of the instance that most needs attention.
std::string state_of(std::span<const InstanceSnapshot> instances)
{
    const InstanceSnapshot& worst = instances[*neediest(instances)];
    const std::string status(model::to_string(worst.status));
    return worst.reason.empty() ? status : status + ": " + worst.reason;
}

std::string_view wish(DependencyCondition condition)
{
    switch (condition) {
    case DependencyCondition::Ready: return "be ready";
    case DependencyCondition::Started: return "be started";
    case DependencyCondition::Completed: return "complete";
    }
    return {};
}

} // namespace

DependencyVerdict dependency_verdict(const std::string& name, DependencyCondition condition,
                                     std::span<const InstanceSnapshot> instances)
{
    const std::string app = base::printable(name);
    if (instances.empty()) return Never{fmt::format("depends on '{}', which is not there", app)};
    if (is_met(condition, instances)) return Met{};
    if (may_come(condition, instances))
        return NotYet{fmt::format("waits for '{}' to {}: it is {}", app, wish(condition), state_of(instances))};
    return Never{fmt::format("depends on '{}' to {}, which is {}", app, wish(condition), state_of(instances))};
}

} // namespace pm::policy
