// SPDX-License-Identifier: Apache-2.0
// The app's environment: the base, then its files (a later one wins), then what the spec sets itself.
#pragma once

#include "launch/pm-exec/orders.hpp"

namespace pm::launch::exec {

/// Reads the files with the rights the process has now; gives up on a file that is missing or malformed.
[[nodiscard]] char** make_environment(const Orders& orders) noexcept;

/// The value of `name` in `environment`, or null.
[[nodiscard]] const char* find_variable(char** environment, const char* name) noexcept;

} // namespace pm::launch::exec
