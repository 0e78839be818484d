// SPDX-License-Identifier: Apache-2.0
// The file of a unix socket: whose it is, whether somebody is behind it, and removing it when it is ours.
#pragma once

#include "model/identity.hpp"
#include "model/listen_address.hpp"

#include <optional>
#include <string>
#include <sys/types.h>

namespace pm::channel {

/// A file, however its path is used later.
struct SocketFile {
    dev_t device = 0;
    ino_t inode = 0;
    bool operator==(const SocketFile&) const = default;
};

/// The socket file that a path leads to; nothing when it is none.
[[nodiscard]] std::optional<SocketFile> socket_file(const std::string& path);
/// Removes a socket file that nobody is behind. 0, or why not: EADDRINUSE (somebody is), ENOTSOCK, any errno.
[[nodiscard]] int remove_stale(const model::ListenAddress& address);
/// Gives the socket file its owner and permissions; ids of -1 stay as they are. 0 or errno.
[[nodiscard]] int set_access(const std::string& path, uid_t uid, gid_t gid, mode_t mode);
/// Removes the file if it is still `ours`.
void remove_own(const std::string& path, const SocketFile& ours);

} // namespace pm::channel
