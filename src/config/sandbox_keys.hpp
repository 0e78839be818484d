// SPDX-License-Identifier: Apache-2.0
// The table of an app's `sandbox`: every property of systemd.exec(5), systemd.resource-control(5) and systemd.kill(5) that
// makes sense for a process of pmd, with the form of its value; and those that are pmd's own, with what says it instead.
//
// Names are those of unit files, and so is the language of values (systemd.syntax(7), systemd.time(7)): a bare time is
// seconds, '~' inverts. A list of an app file is as many assignments in a unit file. No row is marked by systemd's
// version: whether the running manager knows a property is for it to say when the app is started.
#pragma once

#include "model/unit_property.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace pm::config {

/// A value that is not of the key's form.
struct SandboxFault {
    std::size_t line = 0; ///< which of the lines
    std::string expected; ///< "a size such as 512M, a percentage or infinity"
};
using SandboxProperties = tl::expected<std::vector<model::UnitProperty>, SandboxFault>;

struct SandboxKey {
    std::string_view name;
    /// What the lines, at least one, mean on D-Bus. nullptr: the key is pmd's own, and the detail says what to use.
    SandboxProperties (*read)(const SandboxKey& key, const std::vector<std::string>& lines) = nullptr;
    std::string_view detail = {};   ///< for the reader: words separated by spaces
    std::string_view property = {}; ///< on D-Bus; empty: the name
    std::int64_t least = 0;
    std::int64_t most = 0;
    std::string_view same_as = {};  ///< key of the app file that sets the same property; empty: none
};

/// Sorted by name.
[[nodiscard]] std::span<const SandboxKey> sandbox_keys() noexcept;
/// nullptr when there is none.
[[nodiscard]] const SandboxKey* find_sandbox_key(std::string_view name) noexcept;

} // namespace pm::config
