// SPDX-License-Identifier: Apache-2.0
// The message that asks systemd for a unit: StartTransientUnit, org.freedesktop.systemd1(5).
#pragma once

#include "engine/ports.hpp"
#include "launch/systemd/manager_bus.hpp"
#include "policy/unit_properties.hpp"

#include <string>

namespace pm::launch {

struct TransientService {
    const std::string& unit;
    const std::string& pm_exec;
    int invitation = -1;  ///< becomes stdin of the service
    const std::string& notify_socket; ///< empty: none
    bool user = false;    ///< in a user's manager, which cannot change users
};

/// Fills `call`, a fresh StartTransientUnit, with the service for `request`. 0 or -errno.
[[nodiscard]] int describe_service(sd_bus_message* call, const engine::LaunchRequest& request, const TransientService& service);

/// The command of a check of the process in unit `checked`: its start job lasts as long as it runs.
struct TransientCheck {
    const TransientService& service;
    const std::string& checked;
    model::Duration timeout; ///< after which systemd ends it, if nobody has
};

/// Fills `call`, a fresh StartTransientUnit, with the service of a check for `request`. 0 or -errno.
[[nodiscard]] int describe_check(sd_bus_message* call, const engine::LaunchRequest& request, const TransientCheck& check);

/// Fills `call`, a fresh StartTransientUnit, with the slice of an app whose limits are for all of it together. 0 or -errno.
[[nodiscard]] int describe_slice(sd_bus_message* call, const std::string& slice, const model::AppSpec& spec);

/// Fills `call`, a fresh SetUnitProperties, with what changes of `unit` until the next boot. 0 or -errno.
[[nodiscard]] int describe_change(sd_bus_message* call, const std::string& unit, const policy::Properties& changed);

} // namespace pm::launch
