// SPDX-License-Identifier: Apache-2.0
// Looks a path up component by component, as path_resolution(7) says, but neither follows a magic link (proc(5)) nor
// enters a procfs: those lead a process that asks to its own open files, memory and root, whoever it acts for.
//
// openat2(2) with RESOLVE_NO_MAGICLINKS would do the first, but not the second, and RestrictSUIDSGID= of systemd.exec(5)
// forbids it: a filter of system calls cannot see what it is asked to create.
#pragma once

#include "base/fd.hpp"

#include <string>

namespace pm::io {

/// Where a path ends: the directory that it leads to, and the last name, which may not exist. A path that ends in a
/// directory itself ("/", "a/..", "a/") has the name ".".
struct PathEnd {
    base::Fd directory; ///< opened with O_PATH
    std::string name;
    int error = 0; ///< an errno; ELOOP: too many symbolic links, or it leads into a procfs
};

enum class LastLink { Followed, NotFollowed };

/// `root`: the directory that "/" and ".." do not leave; -1: that of the process. With one, `path` is looked up from there.
[[nodiscard]] PathEnd look_up(const std::string& path, LastLink last, int root = -1);

/// True also where it cannot be told.
[[nodiscard]] bool is_in_procfs(int fd) noexcept;

} // namespace pm::io
