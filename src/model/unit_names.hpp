// SPDX-License-Identifier: Apache-2.0
// How apps are called as systemd units: pm.slice > pm-<app>.slice > pm-<app>-<slot>.<generation>.service.
//
// Names are escaped as systemd.unit(5) says ("String Escaping"), '-' too, as it means another level in the name of a
// slice, and '/' as \x2f, so that no two apps share a name.
#pragma once

#include "base/ids.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace pm::model {

/// `app` as a part of unit names. A name that would be too long for a unit (255 bytes) is cut, with a hash of it behind.
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
