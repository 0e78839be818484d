// SPDX-License-Identifier: Apache-2.0
// What applying an app file would do to the table. Looks only; see Supervisor::apply for the doing.
#pragma once

#include "engine/table.hpp"

#include <span>

namespace pm::engine {

struct PlannedApp {
    PlanItem item;
    App* app = nullptr;                  ///< null: to be added
    const model::AppSpec* spec = nullptr;///< null: to be removed
    std::uint32_t count = 0;             ///< instances it is to have
};

/// In order of `specs`, removals last. Errors: AppExists, InvalidArgument (a name twice), LimitExceeded.
[[nodiscard]] base::Result<std::vector<PlannedApp>> make_plan(const Table& table,
                                                              std::span<const model::AppSpec> specs,
                                                              const ApplyOptions& options, const Limits& limits);

} // namespace pm::engine
