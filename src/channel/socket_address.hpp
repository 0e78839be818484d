// SPDX-License-Identifier: Apache-2.0
// A ListenAddress as the kernel takes it, and whether an open socket is at it.
#pragma once

#include "model/listen_address.hpp"

#include <sys/socket.h>

namespace pm::channel {

struct SocketAddress {
    sockaddr_storage bytes{};
    socklen_t size = 0;
    [[nodiscard]] const sockaddr* get() const noexcept { return reinterpret_cast<const sockaddr*>(&bytes); }
    [[nodiscard]] int family() const noexcept { return bytes.ss_family; }
};

/// Of Any it is that of IPv6.
[[nodiscard]] SocketAddress to_kernel(const model::ListenAddress& address);
/// All addresses of IPv4: for Any on a machine without IPv6.
[[nodiscard]] SocketAddress any_of_ip4(std::uint16_t port);
/// SOCK_STREAM and so on.
[[nodiscard]] int to_kernel(model::SocketType type) noexcept;

/// True when `fd` is a socket of this type, bound to this address.
[[nodiscard]] bool is_at(int fd, const model::ListenAddress& address) noexcept;

} // namespace pm::channel
