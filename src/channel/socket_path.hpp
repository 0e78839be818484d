// SPDX-License-Identifier: Apache-2.0
// The file of a unix socket: whose it is, whether somebody is behind it, and removing it when it is ours.
#pragma once

#include "io/acting_as.hpp"
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

/// The socket file that a path leads to for the user; nothing when it is none.
[[nodiscard]] std::optional<SocketFile> socket_file(const io::ActingAs& acting, const std::string& path);
[[nodiscard]] std::optional<SocketFile> socket_file(const model::SharedIdentity& owner, const std::string& path);
/// Removes a socket file that nobody is behind. 0, or why not: EADDRINUSE (somebody is), ENOTSOCK, any errno.
[[nodiscard]] int remove_stale(const io::ActingAs& acting, const model::ListenAddress& address);
/// Gives the socket file its owner and permissions; ids of -1 stay as they are. 0 or errno.
[[nodiscard]] int set_access(const io::ActingAs& acting, const std::string& path, uid_t uid, gid_t gid, mode_t mode);
/// Removes the file, with the rights of `owner`, if it is still `ours`.
void remove_own(const model::SharedIdentity& owner, const std::string& path, const SocketFile& ours);

} // namespace pm::channel
