// SPDX-License-Identifier: Apache-2.0
// Where a stream socket is or wants to be bound, such that equal places are the same place.
#pragma once

#include "channel/socket_address.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <sys/types.h>

namespace pm::channel {

struct BoundPlace {
    SocketAddress address; ///< IPv4 or IPv6 with a port, a unix path, or an abstract name
    bool v6only = false;
    std::uint64_t network = 0; ///< cookie of the network namespace; 0 where the kernel does not tell (before Linux 5.14)

    /// Empty unless it is a path of the file system.
    [[nodiscard]] std::string path() const;
    [[nodiscard]] bool is_ip() const noexcept { return address.family() != AF_UNIX; }
    /// In network order; 0 when it has none.
    [[nodiscard]] std::uint16_t port() const noexcept;
    bool operator==(const BoundPlace& other) const noexcept;
};

/// The place at `address` for `socket`. Nothing when it is none that can be shared: not SOCK_STREAM, port 0, a family of
/// another kind, a relative path, an address that the kernel is going to refuse.
[[nodiscard]] std::optional<BoundPlace> place_for(int socket, const SocketAddress& address);
/// Where `socket` is; likewise, and nothing when it is not bound.
[[nodiscard]] std::optional<BoundPlace> place_of(int socket);
/// "tcp 0.0.0.0:8000", "tcp [::1]:80", "unix /run/x.sock", "unix @name".
[[nodiscard]] std::string to_string(const BoundPlace& place);

[[nodiscard]] bool is_listening(int socket) noexcept;
[[nodiscard]] bool is_connected(int socket) noexcept;
/// Of the socket, not of its file; 0 when it is none.
[[nodiscard]] ino_t socket_inode(int socket) noexcept;
/// The value of a number option, or `otherwise`.
[[nodiscard]] int socket_option(int socket, int level, int name, int otherwise) noexcept;

} // namespace pm::channel
