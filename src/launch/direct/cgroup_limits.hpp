// SPDX-License-Identifier: Apache-2.0
// An app's `limits` as files of a cgroup, for processes that no systemd puts into units. Pure.
//
// Source of the files: the kernel's Documentation/admin-guide/cgroup-v2.rst.
#pragma once

#include "model/app_spec.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace pm::launch {

struct CgroupLimit {
    std::string_view key;        ///< of `limits` in an app file
    std::string_view controller;
    std::string_view file;
    std::string text;            ///< what is written to it
};

/// The file that a property of a unit (policy/unit_properties.hpp) means; nothing for those that limit no cgroup.
[[nodiscard]] std::optional<CgroupLimit> cgroup_limit(const model::UnitProperty& property);

/// "limits memory_max, tasks are not enforced: ..." for what `spec` asks of controllers that are not there. Empty: all is.
[[nodiscard]] std::string limits_not_enforced(const model::AppSpec& spec,
                                              const std::function<bool(std::string_view)>& has_controller);

} // namespace pm::launch
