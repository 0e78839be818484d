// SPDX-License-Identifier: Apache-2.0
// Whether another app lets those start that depend on it.
#pragma once

#include "model/app_spec.hpp"
#include "model/status.hpp"

#include <span>
#include <string>
#include <variant>

namespace pm::policy {

struct Met {
    bool operator==(const Met&) const = default;
};
/// It may come. `reason`: "waits for 'db' to be ready: starting".
struct NotYet {
    std::string reason;
    bool operator==(const NotYet&) const = default;
};
/// It does not come unless somebody does something. `reason`: "depends on 'db', which is errored: exit code 1".
struct Never {
    std::string reason;
    bool operator==(const Never&) const = default;
};
using DependencyVerdict = std::variant<Met, NotYet, Never>;

/// What `condition` says of the app `name`; no instances: there is no such app.
///
/// Ready: all instances have come to rest and one of them is online. Started: one of them has a process. Completed: all ended
/// with exit code 0 and stay ended. While an instance is on its way, waits to be restarted or waits itself, it may come.
[[nodiscard]] DependencyVerdict dependency_verdict(const std::string& name, model::DependencyCondition condition,
                                                   std::span<const model::InstanceSnapshot> instances);

} // namespace pm::policy
