// SPDX-License-Identifier: Apache-2.0
// The count of a `scale` command: "4", "+2", "-1", "max", "max-1".
#pragma once

#include "base/error.hpp"

#include <cstdint>
#include <string_view>

namespace pm::policy {

/// The number of instances `text` asks for, seen from `current` on a machine with `cpus` processors. Errors:
/// InvalidArgument (no count, or fewer than one instance).
[[nodiscard]] base::Result<std::uint32_t> parse_count(std::string_view text, std::uint32_t current, std::uint32_t cpus);

} // namespace pm::policy
