// SPDX-License-Identifier: Apache-2.0
// Opens one socket as its ListenAddress says: bound, and listening where it takes connections.
//
// All of it is done with the rights of the app's owner (io/acting_as.hpp): where the owner may make a file, which group
// it may be given to, and with whom a port is shared (SO_REUSEPORT asks for the same user) is the kernel's to say. Ports
// below the first unprivileged one are the exception, as some owners may have them: that is checked here as well.
#pragma once

#include "base/error.hpp"
#include "base/fd.hpp"
#include "channel/socket_path.hpp"
#include "model/identity.hpp"

#include <optional>

namespace pm::channel {

/// Who a socket is opened for.
struct Rights {
    model::SharedIdentity owner; ///< null: pmd's own
    bool may_have_low_ports = true;
    uid_t file_user = static_cast<uid_t>(-1);  ///< of a path; -1: the owner
    gid_t file_group = static_cast<gid_t>(-1); ///< likewise
};

struct OpenSocket {
    base::Fd fd;
    std::optional<SocketFile> file; ///< of a path
};

/// Not blocking, close-on-exec. The error is an errno of its own kind (EADDRINUSE may be worth another try) and the
/// whole sentence without the address.
struct NotOpened {
    int error = 0;
    std::string why;
};
/// Port 0 is one that is free. `reuse_address`: of a UDP port too (SO_REUSEADDR).
[[nodiscard]] tl::expected<OpenSocket, NotOpened> open_socket(const model::ListenAddress& address, const Rights& rights,
                                                              bool reuse_address = false);
/// Sets what an open socket can change: backlog, nodelay, and the permissions and owner of a path.
void adjust_socket(int fd, const model::ListenAddress& address, const Rights& rights);

} // namespace pm::channel
