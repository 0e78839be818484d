// SPDX-License-Identifier: Apache-2.0
// Typed values from the text of a scalar: numbers, sizes, durations, signals and the small languages within them.
//
// Numbers are decimal and read by us from the text as written: YAML 1.1 would make 8 of 010.
#pragma once

#include "model/app_spec.hpp"
#include "model/unit_names.hpp"

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pm::config {

/// "true" or "false", also capitalised; "yes", "on" and 1 are not booleans.
[[nodiscard]] std::optional<bool> bool_from(std::string_view text) noexcept;
/// A decimal integer without leading zeros.
[[nodiscard]] std::optional<std::int64_t> integer_from(std::string_view text) noexcept;
/// "300M", "1.5G", "512KiB", "1 GB", or bytes; powers of 1024.
[[nodiscard]] std::optional<std::uint64_t> size_from(std::string_view text) noexcept;
/// "350ms", "1.5s", "2m", "1h", "1d", or milliseconds; rounded to a whole one, at most kMaxDuration.
[[nodiscard]] std::optional<model::Milliseconds> duration_from(std::string_view text) noexcept;
inline constexpr model::Milliseconds kMaxDuration = std::chrono::hours(24 * 36'500);
/// "0022", "22", "0o22": octal, as umask(1) takes it.
[[nodiscard]] std::optional<std::uint32_t> umask_from(std::string_view text) noexcept;
/// "max", 0, n or -n (PM2: instances). How many may be is pmd's to say (max_instances).
[[nodiscard]] std::optional<model::InstanceCount> instances_from(std::string_view text) noexcept;
inline constexpr std::int32_t kMaxInstances = std::numeric_limits<std::int32_t>::max();
/// One side of a limit of setrlimit(2): a number, a size where the resource counts bytes, "unlimited" or "infinity".
[[nodiscard]] std::optional<rlim_t> limit_from(int resource, std::string_view text) noexcept;
[[nodiscard]] bool counts_bytes(int resource) noexcept;

inline constexpr std::size_t kMaxName = model::kLongestAppName; ///< bytes of an app's name
/// What is wrong with the name of an app; empty: nothing.
[[nodiscard]] std::string_view fault_of_name(std::string_view name);

/// No control characters: neither C0 (tabs and newlines are among them) nor C1.
[[nodiscard]] bool is_printable(std::string_view text);

/// Words of a command line, split at blanks; quotes and backslashes as in a shell. Nothing for an open quote.
[[nodiscard]] std::optional<std::vector<std::string>> words_from(std::string_view text);
/// The strftime(3) format, with model/date_tokens.hpp, of a day.js one ("YYYY-MM-DD HH:mm:ss"); one with '%' is taken as it
/// is. Error: a token that neither has.
[[nodiscard]] base::Result<std::string> date_format_from(std::string_view text);

} // namespace pm::config
