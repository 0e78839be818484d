// SPDX-License-Identifier: Apache-2.0
// What a file is, as far as running it is concerned: in one word, which travels.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace pm::base {

inline constexpr std::string_view kDirectory = "directory";
inline constexpr std::string_view kBinary = "binary"; ///< or what cannot be read
inline constexpr std::string_view kText = "text";     ///< that does not begin with "#!"

/// One of the words above, or the first line of a text that begins with "#!" (at most 255 bytes of it). Nothing: there is no such file.
/// Looks with the rights of the caller, and never waits for a device or a pipe.
[[nodiscard]] std::optional<std::string> file_fact(const std::string& path);

} // namespace pm::base
