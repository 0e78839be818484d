// SPDX-License-Identifier: Apache-2.0
// The file that tells others the pid: written whole or not at all, and never through a symlink.
#pragma once

#include "base/error.hpp"

#include <cstdint>
#include <string>
#include <sys/types.h>

namespace pm::launch {

/// "/run/web.pid" for one instance, "/run/web-3.pid" for slot 3 of several.
[[nodiscard]] std::string pid_file_path(const std::string& declared, std::uint32_t slot, bool several);
[[nodiscard]] base::Result<void> write_pid_file(const std::string& path, pid_t pid);
/// Removes the file if it still holds `pid`.
void remove_pid_file(const std::string& path, pid_t pid) noexcept;

} // namespace pm::launch
