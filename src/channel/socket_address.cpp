// SPDX-License-Identifier: Apache-2.0
#include "channel/socket_address.hpp"

#include <arpa/inet.h>
#include <cstddef>
#include <cstring>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/un.h>

namespace pm::channel {
namespace {

using Kind = model::ListenAddress::Kind;

template <typename Address>
SocketAddress packed(const Address& address, std::size_t size = sizeof(Address))
{
    SocketAddress result;
    std::memcpy(&result.bytes, &address, sizeof address);
    result.size = static_cast<socklen_t>(size);
    return result;
}

SocketAddress ip4(const std::string& host, std::uint16_t port)
{
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    ::inet_pton(AF_INET, host.c_str(), &address.sin_addr);
    return packed(address);
}

SocketAddress ip6(const std::string& host, std::uint16_t port)
{
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(port);
    const auto zone = host.find('%'); // "fe80::1%eth0"
    ::inet_pton(AF_INET6, host.substr(0, zone).c_str(), &address.sin6_addr);
    if (zone != std::string::npos) address.sin6_scope_id = ::if_nametoindex(host.c_str() + zone + 1);
    return packed(address);
}

/// A path ends with a NUL that counts; an abstract name begins with one and ends where the size says.
SocketAddress local(const std::string& name, bool abstract)
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::size_t room = sizeof address.sun_path - 1;
    const std::size_t length = name.size() < room ? name.size() : room;
    std::memcpy(address.sun_path + (abstract ? 1 : 0), name.data(), length);
    return packed(address, offsetof(sockaddr_un, sun_path) + length + 1);
}

bool is_same(const SocketAddress& left, const SocketAddress& right) noexcept
{
    return left.size == right.size && std::memcmp(&left.bytes, &right.bytes, left.size) == 0;
}

} // namespace

SocketAddress to_kernel(const model::ListenAddress& address)
{
    switch (address.kind) {
    case Kind::Any: return ip6("::", address.port);
    case Kind::Ip4: return ip4(address.host, address.port);
    case Kind::Ip6: return ip6(address.host, address.port);
    case Kind::Path: return local(address.host, false);
    case Kind::Abstract: return local(address.host, true);
    }
    return {};
}

SocketAddress any_of_ip4(std::uint16_t port)
{
    return ip4("0.0.0.0", port);
}

int to_kernel(model::SocketType type) noexcept
{
    switch (type) {
    case model::SocketType::Stream: return SOCK_STREAM;
    case model::SocketType::Datagram: return SOCK_DGRAM;
    case model::SocketType::SeqPacket: return SOCK_SEQPACKET;
    }
    return SOCK_STREAM;
}

bool is_at(int fd, const model::ListenAddress& address) noexcept
{
    int type = 0;
    socklen_t type_size = sizeof type;
    if (::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_size) < 0 || type != to_kernel(address.type)) return false;
    SocketAddress bound;
    bound.size = sizeof bound.bytes;
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&bound.bytes), &bound.size) < 0) return false;
    return is_same(bound, to_kernel(address)) || (address.kind == Kind::Any && is_same(bound, any_of_ip4(address.port)));
}

} // namespace pm::channel
