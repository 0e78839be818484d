// SPDX-License-Identifier: Apache-2.0
// App files and D-Bus carry UTF-8 and nothing else: what the caller has that is not is refused with its place, as it could
// only be changed or lost.
#pragma once

#include "cli/failure.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace pm::cli {

/// `text` with each byte that is not UTF-8 as "\xe9".
[[nodiscard]] std::string shown_bytes(std::string_view text);
/// Status 2 when a word of the command line is not UTF-8.
[[nodiscard]] Outcome<void> check_words(const std::vector<std::string>& words);
/// Likewise, the path of a directory or file.
[[nodiscard]] Outcome<void> check_path(std::string_view what, const std::string& path);
/// Likewise, a variable ("NAME=value") whose name has no part in `filter`.
[[nodiscard]] Outcome<void> check_environment(const std::vector<std::string>& environment,
                                              const std::vector<std::string>& filter);

} // namespace pm::cli
