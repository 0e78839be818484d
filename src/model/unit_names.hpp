// SPDX-License-Identifier: Apache-2.0
// How apps are called as systemd units: pm.slice > pm-<app>.slice > pm-<app>-<slot>.<generation>.service.
//
// Names are escaped as systemd.unit(5) says ("String Escaping"), '-' too, as it means another level in the name of a
// slice, and '/' as \x2f, so that no two apps share a name. What would be too long so is written in 64 characters.
#pragma once

#include "base/ids.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace pm::model {

inline constexpr std::size_t kLongestAppName = 128; ///< bytes; what config/ lets through
/// `app` in 64 characters (A-Z, a-z, 0-9, '_' and ':', six bits each), with "\b" before it: for names whose escaped form is
/// too long. At most 173 bytes, and another one for each app; a name of more than kLongestAppName is cut, with a hash of it behind.
[[nodiscard]] std::string in_64_characters(std::string_view app);
/// `app` as a part of unit names, at most 190 bytes.
[[nodiscard]] std::string escape_for_unit(std::string_view app);
/// "pm-web.slice".
[[nodiscard]] std::string slice_of(std::string_view app);
/// "pm-web-0.3.service".
[[nodiscard]] std::string unit_of(std::string_view app, base::Slot slot, base::Generation generation);

/// What the name of one of our units tells.
struct UnitName {
    std::string escaped_app;
    base::Slot slot;
    base::Generation generation;
    bool operator==(const UnitName&) const = default;
};
/// Nothing when it is not such a name.
[[nodiscard]] std::optional<UnitName> parse_unit_name(std::string_view unit);

} // namespace pm::model
