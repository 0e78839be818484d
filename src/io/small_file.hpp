// SPDX-License-Identifier: Apache-2.0
// Whole files, read and replaced.
#pragma once

#include "base/error.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <sys/types.h>

namespace pm::io {

/// Error: with errno's text; LimitExceeded when it has more than `most` bytes.
[[nodiscard]] base::Result<std::string> read_small_file(const std::string& path, std::size_t most);

/// Puts `text` in the place of the file at once: whoever opens it sees the old or the new one, whole.
[[nodiscard]] base::Result<void> replace_file(const std::string& path, std::string_view text, mode_t mode);

} // namespace pm::io
