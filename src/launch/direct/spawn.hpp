// SPDX-License-Identifier: Apache-2.0
// Starts one program with three given fds: a vfork without libc, born into its cgroup, answered with a pidfd.
//
// The child shares pmd's memory until it executes (nothing is copied, however large pmd is), on a stack of its own,
// and makes only a handful of raw system calls. Where the kernel or a seccomp filter refuses clone3, fork does it.
#pragma once

#include "base/error.hpp"
#include "base/fd.hpp"

#include <sys/types.h>

namespace pm::launch {

struct SpawnRequest {
    const char* program = nullptr; ///< absolute path
    int in = -1;                   ///< becomes fd 0
    int out = -1;                  ///< becomes fd 1; -1: left as it is
    int err = -1;                  ///< becomes fd 2; -1: left as it is
    int cgroup = -1;               ///< directory to be born in; -1: pmd's own
};

struct Spawned {
    pid_t pid = 0;
    base::Fd pidfd;
};

/// Why nothing was started: `executing` says that the child was made but the program could not be executed.
struct SpawnFailure {
    int error = 0;
    bool executing = false;
};

/// All fds of `request` but the cgroup must be 3 or higher. Returns after the child has executed, or failed to.
[[nodiscard]] tl::expected<Spawned, SpawnFailure> spawn(const SpawnRequest& request);

} // namespace pm::launch
