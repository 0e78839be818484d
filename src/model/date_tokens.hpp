// SPDX-License-Identifier: Apache-2.0
// What a date format has beside the conversions of strftime(3): tokens of day.js that have none, written "%{SSS}".
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

namespace pm::model {

inline constexpr std::array<std::string_view, 22> kDateTokens{
    "S", ///< the second's fraction in as many digits: "1", "12", "123", ...
    "SS",  "SSS", "SSSS", "SSSSS", "SSSSSS",
    "Z",                          ///< "+01:00"
    "x",                          ///< milliseconds since 1970
    "Do",                         ///< day of the month, "1st"
    "DDD",                        ///< day of the year
    "dd",                         ///< "Su"
    "do",                         ///< day of the week, 0th (Sunday) to 6th
    "Q",                          ///< quarter
    "Qo",  "Mo",  "k",    "kk",   ///< hour, 1 to 24
    "w",   "ww",  "wo",   "gggg", ///< week of the year that begins on Sunday, and the year it belongs to
    "Wo",                         ///< ISO week, "1st"
};

/// The token that `format` goes on with at "%{"; nothing when there is none.
[[nodiscard]] inline std::optional<std::string_view> date_token_at(std::string_view format) noexcept
{
    if (!format.starts_with("%{")) return std::nullopt;
    const auto end = format.find('}');
    const std::string_view name = end == std::string_view::npos ? "" : format.substr(2, end - 2);
    const auto* const found = std::ranges::find(kDateTokens, name);
    return found == kDateTokens.end() ? std::nullopt : std::optional(*found);
}

} // namespace pm::model
