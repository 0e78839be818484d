// SPDX-License-Identifier: Apache-2.0
// The few things JSON (and the JavaScript-like JSON that PM2 reads) has and yaml-cpp has not.
#pragma once

#include <string>
#include <string_view>

namespace pm::config {

/// Text that starts like JSON ('{', '[' or a comment) comes back with its comments blanked out and its surrogate pairs
/// joined, every line where it was; any other text comes back as it is.
[[nodiscard]] std::string json_as_yaml(std::string_view text);

} // namespace pm::config
