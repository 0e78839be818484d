// SPDX-License-Identifier: Apache-2.0
// Small pure helpers over text that more than one layer needs.
#pragma once

#include <charconv>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pm::base {

[[nodiscard]] std::string_view trim(std::string_view text) noexcept;
[[nodiscard]] std::vector<std::string> split(std::string_view text, char separator);
[[nodiscard]] std::string join(std::span<const std::string> parts, std::string_view separator);

/// The whole of `text` as a number in base 10; nothing for anything else (spaces, signs on unsigned, overflow).
template <typename Number>
[[nodiscard]] std::optional<Number> parse_number(std::string_view text) noexcept
{
    Number value{};
    const char* end = text.data() + text.size();
    auto [stop, error] = std::from_chars(text.data(), end, value);
    if (text.empty() || error != std::errc{} || stop != end) return std::nullopt;
    return value;
}

/// Levenshtein distance in bytes, with adjacent transpositions counted as one ("restrat" ~ "restart").
[[nodiscard]] std::size_t edit_distance(std::string_view left, std::string_view right);

/// The candidate nearest to `word`, if it is near enough to be a slip (distance <= 2, or a third of the length).
[[nodiscard]] std::optional<std::string_view> nearest(std::string_view word,
                                                      std::span<const std::string_view> candidates);

/// "350ms", "1.5s", "2m 5s", "3h 2m", "4d 1h": two units at most.
[[nodiscard]] std::string format_duration(std::chrono::microseconds duration);
/// "0B", "512B", "1.5K", "34.0M", "2.1G": powers of 1024, one decimal from K on.
[[nodiscard]] std::string format_bytes(std::uint64_t bytes);
/// "SIGTERM" for 15; "signal 77" for a number without a name.
[[nodiscard]] std::string signal_name(int signal);
/// 15 for "SIGTERM", "TERM", "term" or "15"; nothing for what is no signal.
[[nodiscard]] std::optional<int> signal_number(std::string_view name);

/// Bytes of the UTF-8 sequence that starts `text`, which is not empty; 0 when it is not valid (RFC 3629).
[[nodiscard]] std::size_t utf8_sequence(std::string_view text) noexcept;
[[nodiscard]] bool is_valid_utf8(std::string_view text) noexcept;
/// `text` with what is not UTF-8 replaced by U+FFFD, and nothing else changed.
[[nodiscard]] std::string to_utf8(std::string_view text);
/// `text` with control characters and invalid UTF-8 replaced, so that a terminal or a log shows it harmlessly.
[[nodiscard]] std::string printable(std::string_view text);

} // namespace pm::base
