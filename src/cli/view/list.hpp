// SPDX-License-Identifier: Apache-2.0
// Rows of ListApps as a table for people or as JSON for programs. Pure.
#pragma once

#include "cli/client.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace pm::cli {

/// Sorts by "field", "field:asc" or "field:desc"; fields: name, namespace, id, pid, uptime, restarts, status, cpu, memory,
/// user. Fails with status 2 for another word.
[[nodiscard]] Outcome<void> sort_rows(std::vector<Row>& rows, std::string_view order);

[[nodiscard]] std::string list_table(const std::vector<Row>& rows, const Terminal& terminal);

/// An array of objects, documented in pmctl(1); names and types stay as they are.
[[nodiscard]] std::string list_json(const std::vector<Row>& rows);

} // namespace pm::cli
