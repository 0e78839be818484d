// SPDX-License-Identifier: Apache-2.0
#include "model/listen_address.hpp"

#include "model/name_table.hpp"

#include <algorithm>

namespace pm::model {
namespace {

using Kind = ListenAddress::Kind;

constexpr NameTable<SocketType, 3> kTypes{{{
    {SocketType::Stream, "stream"},
    {SocketType::Datagram, "dgram"},
    {SocketType::SeqPacket, "seqpacket"},
}}};

} // namespace

bool same_place(const ListenAddress& left, const ListenAddress& right) noexcept
{
    return left.kind == right.kind && left.type == right.type && left.host == right.host && left.port == right.port;
}

std::string to_string(const ListenAddress& address)
{
    const std::string scheme = is_ip(address.kind) && address.type == SocketType::Datagram ? "udp://" : "";
    const std::string port = ":" + std::to_string(address.port);
    switch (address.kind) {
    case Kind::Any: return scheme + "*" + port;
    case Kind::Ip4: return scheme + address.host + port;
    case Kind::Ip6: return scheme + "[" + address.host + "]" + port;
    case Kind::Path: return "unix:" + address.host;
    case Kind::Abstract: return "unix:@" + address.host;
    }
    return {};
}

std::string usual_name(const ListenAddress& address)
{
    if (is_ip(address.kind)) return std::to_string(address.port);
    const auto slash = address.kind == Kind::Path ? address.host.rfind('/') : std::string::npos;
    std::string name = slash == std::string::npos ? address.host : address.host.substr(slash + 1);
    return is_socket_name(name) ? name : "unix";
}

bool is_socket_name(std::string_view name) noexcept
{
    const auto good = [](char c) { return c > ' ' && c < '\x7f' && c != ':'; };
    return !name.empty() && name.size() <= 255 && std::ranges::all_of(name, good);
}

std::string_view to_string(SocketType type) noexcept
{
    return kTypes.name(type);
}
std::optional<SocketType> socket_type_from(std::string_view name) noexcept
{
    return kTypes.value(name);
}

} // namespace pm::model
