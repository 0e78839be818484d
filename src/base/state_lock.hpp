// SPDX-License-Identifier: Apache-2.0
// The lock of a state directory: of the pmds of one user that share it, one runs.
//
// It is a socket with a name in the abstract namespace (unix(7)) made of the user and the directory's device and inode number.
// That is no file, so nothing that cleans directories removes it, and it ends with its process. Whoever connects learns from the
// kernel whose process has it; a name that another user's process took counts for nothing.
#pragma once

#include "base/error.hpp"
#include "base/fd.hpp"

#include <optional>
#include <string>
#include <sys/types.h>

namespace pm::base {

/// Which lock: the pmd of the system bus and another one of root may share a directory.
struct StateLock {
    std::string state_dir; ///< exists
    bool of_system_bus = false;
};

struct StateLockTaken {
    Fd socket; ///< listens, not blocking; whoever holds it accepts what comes, writes where it serves, and closes. Invalid:
               ///< another process has the lock,
    pid_t holder = 0; ///< this one
};

/// Error: with errno's text, when there can be no such lock; a caller goes on without.
[[nodiscard]] Result<StateLockTaken> take_state_lock(const StateLock& lock);
struct StateLockHolder {
    pid_t pid = 0;
    std::string where; ///< what it says of where it serves; empty: it does not answer within a second
};
/// Nothing when nobody of this user holds it, or that cannot be told.
[[nodiscard]] std::optional<StateLockHolder> holder_of(const StateLock& lock);

} // namespace pm::base
