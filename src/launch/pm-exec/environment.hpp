// SPDX-License-Identifier: Apache-2.0
// The app's environment: the base, then what its unit knows, then its files (a later one wins), then what the spec sets.
#pragma once

#include "launch/pm-exec/orders.hpp"

namespace pm::launch::exec {

/// Reads the files with the rights the process has now; gives up on a file that is missing or malformed. `unit`: the
/// environment that the manager of our unit gave us; null: we are in none.
[[nodiscard]] char** make_environment(const Orders& orders, char** unit) noexcept;

/// The value of `name` in `environment`, or null.
[[nodiscard]] const char* find_variable(char** environment, const char* name) noexcept;

} // namespace pm::launch::exec
