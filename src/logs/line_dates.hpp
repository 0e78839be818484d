// SPDX-License-Identifier: Apache-2.0
// When a line of a log file was written, as far as the file tells: the inverse of append_for_file(). Pure.
#pragma once

#include "model/app_spec.hpp"
#include "model/status.hpp"

#include <optional>
#include <string_view>

namespace pm::logs {

/// The date that `spec` puts before each line, or into each JSON object. Nothing when the format names no full date with
/// the hour, or the line was written before it was asked for.
[[nodiscard]] std::optional<model::WallTime> date_of(std::string_view line, const model::LogSpec& spec);

} // namespace pm::logs
