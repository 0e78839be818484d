// SPDX-License-Identifier: Apache-2.0
// An address that pmd holds a socket on for an app, and how that socket is to be (key `listen`). Plain data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pm::model {

/// What a socket carries: connections (TCP), packets (UDP), or connections that keep the bounds of packets (unix only).
enum class SocketType { Stream, Datagram, SeqPacket };

struct ListenAddress {
    /// Any: all addresses of the machine, of IPv6 and IPv4, with one socket.
    enum class Kind { Any, Ip4, Ip6, Path, Abstract };

    Kind kind = Kind::Any;
    SocketType type = SocketType::Stream;
    std::string host;       ///< Ip4, Ip6: numeric, as inet_ntop(3) writes it; Path: absolute; Abstract: without the NUL
    std::uint16_t port = 0; ///< Any, Ip4, Ip6: 1 or more

    std::string name;                      ///< in LISTEN_FDNAMES; usual_name() unless the app file says otherwise
    std::uint32_t backlog = kUsualBacklog; ///< connections that wait; the kernel's net.core.somaxconn bounds it
    bool v6only = true;                    ///< Ip6: no connections of IPv4
    bool reuseport = false;                ///< SO_REUSEPORT: others of the same user may listen there too
    bool nodelay = false;                  ///< TCP_NODELAY of the connections
    bool free_bind = false;                ///< the machine need not have the address (yet)
    std::string user;                      ///< Path: owner of the file, name or number; empty: the user the app runs as
    std::string group;                     ///< Path: likewise
    std::uint32_t mode = kUsualMode;       ///< Path: permissions; who may write may connect

    static constexpr std::uint32_t kUsualBacklog = 4096;
    static constexpr std::uint32_t kUsualMode = 0660;
    bool operator==(const ListenAddress&) const = default;
};

/// Most addresses of one app; what one message of the kernel carries is more (SCM_MAX_FD).
inline constexpr std::size_t kMaxListen = 64;

[[nodiscard]] constexpr bool is_ip(ListenAddress::Kind kind) noexcept
{
    return kind != ListenAddress::Kind::Path && kind != ListenAddress::Kind::Abstract;
}
/// Both mean the same place: only one socket can be there.
[[nodiscard]] bool same_place(const ListenAddress& left, const ListenAddress& right) noexcept;
/// "0.0.0.0:8000", "[::]:8000", "*:8000", "udp://0.0.0.0:53", "unix:/run/x.sock", "unix:@name": as an app file has it.
/// The type of a unix socket is not in it.
[[nodiscard]] std::string to_string(const ListenAddress& address);
/// "8000", "http.sock", the abstract name; "unix" where that would not do for LISTEN_FDNAMES.
[[nodiscard]] std::string usual_name(const ListenAddress& address);
/// ASCII without ':' and control characters, at most 255 bytes: sd_listen_fds_with_names(3).
[[nodiscard]] bool is_socket_name(std::string_view name) noexcept;

[[nodiscard]] std::string_view to_string(SocketType type) noexcept;
[[nodiscard]] std::optional<SocketType> socket_type_from(std::string_view name) noexcept;

} // namespace pm::model
