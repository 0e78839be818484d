// SPDX-License-Identifier: Apache-2.0
// What of a spec becomes properties of systemd units, and what of a change can be set while the app runs.
//
// The unit of a process gets instance_properties(), the slice around an app's units gets slice_properties(). What names
// the process itself (ExecStart, User, Group, WorkingDirectory, Slice, descriptors, log fields) is the launcher's.
#pragma once

#include "model/app_spec.hpp"

#include <optional>
#include <vector>

namespace pm::policy {

using Properties = std::vector<model::UnitProperty>;

/// Limits of scope `instance`, setrlimit(2) limits, umask, nice, OOM score, how it is stopped, and the sandbox last. No
/// name comes twice but those of one sandbox setting.
[[nodiscard]] Properties instance_properties(const model::AppSpec& spec);

/// Limits of scope `app`; empty when there are none.
[[nodiscard]] Properties slice_properties(const model::AppSpec& spec);

/// Properties to be set live, those that fall away with the value that means none.
struct LimitChange {
    Properties instance; ///< of the unit of each process
    Properties slice;    ///< of the app's slice
    bool operator==(const LimitChange&) const = default;
    [[nodiscard]] bool empty() const noexcept { return instance.empty() && slice.empty(); }
};

/// What makes running processes of `before` be like those of `after`. Nothing when that needs a restart: more differs
/// than `limits`, `depends_on` (and the count), or `tasks` falls away, whose place only a new unit gives back to systemd's default.
[[nodiscard]] std::optional<LimitChange> live_changes(const model::AppSpec& before, const model::AppSpec& after);

} // namespace pm::policy
