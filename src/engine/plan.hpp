// SPDX-License-Identifier: Apache-2.0
// What applying an app file would do to the table. Looks only; see Supervisor::apply for the doing.
#pragma once

#include "engine/table.hpp"

#include <span>

namespace pm::engine {

struct PlannedApp {
    PlanItem item;
    App* app = nullptr;                  ///< null: to be added
    /// What it is to be, which need not be all of what was asked (ApplyOptions::update_env); null: to be removed.
    std::shared_ptr<const model::AppSpec> spec;
    std::uint32_t count = 0;             ///< instances it is to have
    std::shared_ptr<const model::AppSpec> before{}; ///< what it was, once declared
};

/// Whether `more` may come for `owner`. Error: LimitExceeded.
[[nodiscard]] base::Result<void> check_growth(const Table& table, const Limits& limits, uid_t owner, const policy::Usage& more);

/// In order of `specs`, removals last. An app of the same name from another origin is taken over (pm2: a name is one app,
/// so the file of a new release finds the apps of the old one), unless ApplyOptions::take_over says no. Errors: AppExists, InvalidArgument (a name twice), LimitExceeded.
[[nodiscard]] base::Result<std::vector<PlannedApp>> make_plan(const Table& table,
                                                              std::span<const model::AppSpec> specs,
                                                              const ApplyOptions& options, const Limits& limits);

} // namespace pm::engine
