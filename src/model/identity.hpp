// SPDX-License-Identifier: Apache-2.0
// Whose rights something is done with: the numbers by which the kernel decides.
#pragma once

#include <compare>
#include <memory>
#include <string>
#include <sys/types.h>
#include <utility>
#include <vector>

namespace pm::model {

struct Identity {
    uid_t uid = 0;
    gid_t gid = 0;
    std::vector<gid_t> groups; ///< supplementary
    std::string name;          ///< of the user, for people
    auto operator<=>(const Identity&) const = default;
};

/// Null: pmd's own.
using SharedIdentity = std::shared_ptr<const Identity>;

/// Of a user who was not looked up yet: rights that nobody can take on, so a pmd that is root does nothing with them.
[[nodiscard]] inline SharedIdentity not_known_yet(std::string name)
{
    constexpr auto kImpossible = static_cast<uid_t>(-1);
    return std::make_shared<const Identity>(Identity{kImpossible, kImpossible, {}, std::move(name)});
}

} // namespace pm::model
