// SPDX-License-Identifier: Apache-2.0
#include "channel/bound_place.hpp"

#include "base/text.hpp"

#include <arpa/inet.h>
#include <cstddef>
#include <cstring>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <sys/un.h>

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

namespace pm::channel {
namespace {

constexpr socklen_t kUnixHead = offsetof(sockaddr_un, sun_path);

template <typename Address>
SocketAddress packed(const Address& address, std::size_t size = sizeof(Address))
{
    SocketAddress result;
    std::memcpy(&result.bytes, &address, sizeof address);
    result.size = static_cast<socklen_t>(size);
    return result;
}

template <typename Address>
Address unpacked(const SocketAddress& from)
{
    Address address{};
    std::memcpy(&address, &from.bytes, sizeof address);
    return address;
}

/// Without what callers leave unset or the kernel does not look at.
std::optional<SocketAddress> plain_ip4(const SocketAddress& from)
{
    if (from.size < sizeof(sockaddr_in)) return std::nullopt;
    const auto given = unpacked<sockaddr_in>(from);
    sockaddr_in plain{};
    plain.sin_family = AF_INET;
    plain.sin_port = given.sin_port;
    plain.sin_addr = given.sin_addr;
    return given.sin_port == 0 ? std::nullopt : std::optional(packed(plain));
}

std::optional<SocketAddress> plain_ip6(const SocketAddress& from)
{
    if (from.size < sizeof(sockaddr_in6)) return std::nullopt;
    auto plain = unpacked<sockaddr_in6>(from);
    plain.sin6_flowinfo = 0;
    if (!IN6_IS_ADDR_LINKLOCAL(&plain.sin6_addr)) plain.sin6_scope_id = 0;
    return plain.sin6_port == 0 ? std::nullopt : std::optional(packed(plain));
}

std::optional<SocketAddress> plain_unix(const SocketAddress& from)
{
    if (from.size <= kUnixHead || from.size > sizeof(sockaddr_un)) return std::nullopt; // the kernel chooses a name
    auto plain = unpacked<sockaddr_un>(from);
    const std::size_t room = from.size - kUnixHead;
    if (plain.sun_path[0] == '\0') return packed(plain, from.size);
    if (plain.sun_path[0] != '/') return std::nullopt;
    const std::size_t length = ::strnlen(plain.sun_path, room);
    std::memset(plain.sun_path + length, 0, sizeof plain.sun_path - length);
    return packed(plain, kUnixHead + length + 1);
}

std::optional<SocketAddress> plain(const SocketAddress& from)
{
    switch (from.family()) {
    case AF_INET: return plain_ip4(from);
    case AF_INET6: return plain_ip6(from);
    case AF_UNIX: return plain_unix(from);
    default: return std::nullopt;
    }
}

} // namespace

int socket_option(int socket, int level, int name, int otherwise) noexcept
{
    int value = 0;
    socklen_t size = sizeof value;
    return ::getsockopt(socket, level, name, &value, &size) < 0 ? otherwise : value;
}

bool is_listening(int socket) noexcept
{
    return socket_option(socket, SOL_SOCKET, SO_ACCEPTCONN, 0) != 0;
}

bool is_connected(int socket) noexcept
{
    sockaddr_storage peer{};
    socklen_t size = sizeof peer;
    return ::getpeername(socket, reinterpret_cast<sockaddr*>(&peer), &size) == 0;
}

ino_t socket_inode(int socket) noexcept
{
    struct stat status {};
    return ::fstat(socket, &status) < 0 || !S_ISSOCK(status.st_mode) ? 0 : status.st_ino;
}

std::optional<BoundPlace> place_for(int socket, const SocketAddress& address)
{
    if (socket_option(socket, SOL_SOCKET, SO_TYPE, 0) != SOCK_STREAM ||
        socket_option(socket, SOL_SOCKET, SO_DOMAIN, AF_UNSPEC) != address.family())
        return std::nullopt;
    const auto at = plain(address);
    if (!at) return std::nullopt;
    BoundPlace place{*at, false, 0};
    place.v6only = address.family() == AF_INET6 && socket_option(socket, IPPROTO_IPV6, IPV6_V6ONLY, 0) != 0;
    socklen_t size = sizeof place.network;
    ::getsockopt(socket, SOL_SOCKET, SO_NETNS_COOKIE, &place.network, &size);
    return place;
}

std::optional<BoundPlace> place_of(int socket)
{
    SocketAddress address;
    address.size = sizeof address.bytes;
    if (::getsockname(socket, reinterpret_cast<sockaddr*>(&address.bytes), &address.size) < 0) return std::nullopt;
    return place_for(socket, address);
}

std::string BoundPlace::path() const
{
    if (address.family() != AF_UNIX) return {};
    const auto local = unpacked<sockaddr_un>(address);
    return std::string(local.sun_path, ::strnlen(local.sun_path, sizeof local.sun_path));
}

std::uint16_t BoundPlace::port() const noexcept
{
    if (address.family() == AF_INET) return unpacked<sockaddr_in>(address).sin_port;
    return address.family() == AF_INET6 ? unpacked<sockaddr_in6>(address).sin6_port : std::uint16_t{0};
}

bool BoundPlace::operator==(const BoundPlace& other) const noexcept
{
    return v6only == other.v6only && network == other.network && address.size == other.address.size &&
           std::memcmp(&address.bytes, &other.address.bytes, address.size) == 0;
}

std::string to_string(const BoundPlace& place)
{
    char text[INET6_ADDRSTRLEN] = "";
    if (place.address.family() == AF_INET) {
        const auto ip = unpacked<sockaddr_in>(place.address);
        ::inet_ntop(AF_INET, &ip.sin_addr, text, sizeof text);
        return fmt::format("tcp {}:{}", text, ntohs(ip.sin_port));
    }
    if (place.address.family() == AF_INET6) {
        const auto ip = unpacked<sockaddr_in6>(place.address);
        ::inet_ntop(AF_INET6, &ip.sin6_addr, text, sizeof text);
        return fmt::format("tcp [{}]:{}", text, ntohs(ip.sin6_port));
    }
    if (const std::string path = place.path(); !path.empty()) return "unix " + base::printable(path);
    const auto local = unpacked<sockaddr_un>(place.address);
    return "unix @" + base::printable(std::string(local.sun_path + 1, place.address.size - kUnixHead - 1));
}

} // namespace pm::channel
