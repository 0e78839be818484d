// SPDX-License-Identifier: Apache-2.0
// The times that people type for --since and --until: the plain forms of systemd.time(7). Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace pm::cli {

/// Microseconds since 1970 for "2026-11-25 10:00", "2026-11-25T10:00:30", "2026-11-25", "10:00" (today), each in local
/// time or with " UTC" or "Z" behind; "now", "today", "yesterday", "tomorrow"; "10 min ago", "-1h 30min", "+5s";
/// "@<seconds since 1970>". `now`: likewise. Nothing for what is no such time.
[[nodiscard]] std::optional<std::uint64_t> parse_log_time(std::string_view text, std::uint64_t now);

/// For messages: what is understood.
inline constexpr std::string_view kLogTimeForms =
    "a time such as '2026-11-25 10:00', '10:00', 'yesterday', '10 min ago' or -1h";

} // namespace pm::cli
