// SPDX-License-Identifier: Apache-2.0
// Dates of lines: strftime(3) with the tokens of model/date_tokens.hpp, and what such a text means. Pure.
#pragma once

#include "model/status.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace pm::logs {

/// In local time; empty when the result is longer than 256 bytes.
[[nodiscard]] std::string format_date(const std::string& format, model::WallTime when);
/// "2026-11-23T11:14:32.123Z".
[[nodiscard]] std::string iso_time(model::WallTime when);
/// What `text` begins with; nothing when the format names no full date with the hour, or the text is another. `utc`: it is in
/// UTC, else in local time unless it has an offset.
[[nodiscard]] std::optional<model::WallTime> read_date(std::string_view text, const std::string& format, bool utc);

} // namespace pm::logs
