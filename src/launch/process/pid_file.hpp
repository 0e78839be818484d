// SPDX-License-Identifier: Apache-2.0
// The file that tells others the pid: written whole or not at all, and never through a symlink.
#pragma once

#include "base/error.hpp"
#include "model/identity.hpp"

#include <cstdint>
#include <string>
#include <sys/types.h>

namespace pm::launch {

/// "/run/web.pid" for one instance, "/run/web-3.pid" for slot 3 of several.
[[nodiscard]] std::string pid_file_path(const std::string& declared, std::uint32_t slot, bool several);
/// With the rights of `who` (null: pmd's own), to whom the file then belongs.
[[nodiscard]] base::Result<void> write_pid_file(const std::string& path, pid_t pid, const model::Identity* who);
/// Removes the file, with the same rights, if it still holds `pid`.
void remove_pid_file(const std::string& path, pid_t pid, const model::Identity* who);

} // namespace pm::launch
