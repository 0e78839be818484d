// SPDX-License-Identifier: Apache-2.0
// What the programs have in common that pmd runs to work on files with the rights of a user.
#pragma once

#include "model/identity.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace pm::watch {

/// JSON has no bytes, and paths are bytes: each byte as the character of its number, and back.
[[nodiscard]] std::string as_characters(std::string_view bytes);
[[nodiscard]] std::string as_bytes(std::string_view characters);

/// For the whole process, for good: all capabilities go with the user (capabilities(7)), and nothing that is executed gets more rights. Nobody:
/// it keeps those that it has. Empty, or why not.
[[nodiscard]] std::string take_rights(const std::optional<model::Identity>& user);

/// The first line of standard input, at most `most` bytes; empty: there is none.
[[nodiscard]] std::string read_orders(std::size_t most);

} // namespace pm::watch
