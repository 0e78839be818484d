// SPDX-License-Identifier: Apache-2.0
// Paths as text: nothing here asks the file system, so two names of one file through a symbolic link stay two.
#pragma once

#include <string>
#include <string_view>

namespace pm::base {

/// `path` seen from `base` (absolute), with ".", ".." and doubled slashes worked out on the text and no slash at the end
/// (Node's path.resolve).
[[nodiscard]] std::string absolute_path(std::string_view base, std::string_view path);

/// What stands before the last slash of an absolute path; "/" for one directly in the root and for anything else.
[[nodiscard]] std::string directory_of(std::string_view path);

} // namespace pm::base
