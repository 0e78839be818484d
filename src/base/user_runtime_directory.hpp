// SPDX-License-Identifier: Apache-2.0
// Where a user's sockets belong when XDG_RUNTIME_DIR does not say it, as in a job of cron or over su(1).
#pragma once

#include <string>
#include <sys/types.h>

namespace pm::base {

/// /run/user/UID when it is a directory of the user `uid` and closed to others; else empty.
[[nodiscard]] std::string user_runtime_directory(uid_t uid);
/// The name of this machine, or container; "localhost" when it cannot be told.
[[nodiscard]] std::string host_name();

} // namespace pm::base
