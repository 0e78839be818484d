// SPDX-License-Identifier: Apache-2.0
#include "channel/cluster_address.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/un.h>

namespace pm::channel {
namespace {

using model::ListenAddress;
using Kind = ListenAddress::Kind;
using Family = ServerQuery::Family;

constexpr std::uint32_t kIpv6Only = 1;
constexpr int kUsualBacklog = 511; ///< Node's net.Server

bool is_numeric(int family, const std::string& host)
{
    std::array<unsigned char, sizeof(in6_addr)> bytes{};
    return ::inet_pton(family, host.substr(0, host.find('%')).c_str(), bytes.data()) == 1;
}

tl::expected<ListenAddress, int> path_of(const ServerQuery& query, mode_t umask)
{
    const std::string& path = *query.address;
    ListenAddress address{.kind = Kind::Path, .host = path};
    if (path.starts_with('\0')) {
        address.kind = Kind::Abstract;
        address.host.erase(0, 1);
    } else if (path.empty() || path.front() != '/' || path.find('\0') != std::string::npos) {
        return tl::unexpected(EINVAL);
    }
    if (address.host.size() >= sizeof sockaddr_un{}.sun_path) return tl::unexpected(ENAMETOOLONG);
    address.mode = 0777U & ~umask;
    if (query.readable_all) address.mode |= 0444U;
    if (query.writable_all) address.mode |= 0222U;
    return address;
}

/// Without an address a TCP socket is of both families.
tl::expected<ListenAddress, int> ip_of(const ServerQuery& query)
{
    const bool six = query.family == Family::Ip6 || query.family == Family::Udp6;
    const bool only_six = (query.flags & kIpv6Only) != 0;
    ListenAddress address{.kind = six ? Kind::Ip6 : Kind::Ip4, .host = query.address.value_or(six ? "::" : "0.0.0.0")};
    if (is_udp(query)) address.type = model::SocketType::Datagram;
    address.port = query.port;
    address.v6only = only_six;
    if (!query.address && !is_udp(query)) {
        address.kind = only_six ? Kind::Ip6 : Kind::Any;
        address.host = only_six ? "::" : "";
    }
    const int family = address.kind == Kind::Ip6 ? AF_INET6 : AF_INET;
    if (address.kind != Kind::Any && !is_numeric(family, address.host)) return tl::unexpected(EINVAL);
    return address;
}

bool says_yes(const model::PropertyValue& value)
{
    if (const auto* flag = std::get_if<bool>(&value)) return *flag;
    const auto* text = std::get_if<std::string>(&value);
    return text != nullptr && !text->empty() && *text != "/";
}

bool has(const model::AppSpec& spec, std::string_view property)
{
    return std::ranges::any_of(spec.sandbox, [&](const model::SandboxSetting& setting) {
        return std::ranges::any_of(setting.properties,
                                   [&](const model::UnitProperty& one) { return one.name == property && says_yes(one.value); });
    });
}

} // namespace

tl::expected<ListenAddress, int> address_of(const ServerQuery& query, mode_t umask)
{
    if (query.family == Family::Path && !query.address) return tl::unexpected(EINVAL);
    auto address = query.family == Family::Path ? path_of(query, umask) : ip_of(query);
    if (address) address->backlog = static_cast<std::uint32_t>(query.backlog > 0 ? query.backlog : kUsualBacklog);
    return address;
}

int refused_by_sandbox(const model::AppSpec& spec, const ServerQuery& query)
{
    if (query.family == Family::Descriptor) return 0;
    if (has(spec, "PrivateNetwork") || has(spec, "NetworkNamespacePath")) return EACCES;
    return query.family == Family::Path && has_other_root(spec) ? EACCES : 0;
}

bool has_other_root(const model::AppSpec& spec)
{
    return has(spec, "RootDirectory") || has(spec, "RootImage");
}

bool may_bind_low_ports(const model::AppSpec& spec)
{
    constexpr std::uint64_t kNetBindService = std::uint64_t{1} << 10; // capabilities(7)
    return std::ranges::any_of(spec.sandbox, [&](const model::SandboxSetting& setting) {
        return std::ranges::any_of(setting.properties, [&](const model::UnitProperty& one) {
            const auto* mask = std::get_if<std::uint64_t>(&one.value);
            return one.name == "AmbientCapabilities" && mask != nullptr && (*mask & kNetBindService) != 0;
        });
    });
}

std::string for_people(const ServerQuery& query)
{
    const std::string host = query.address.value_or("*");
    switch (query.family) {
    case Family::Path: return "unix:" + base::printable(host);
    case Family::Descriptor: return fmt::format("fd {}", query.fd);
    case Family::Ip4:
    case Family::Ip6:
    case Family::Udp4:
    case Family::Udp6: break;
    }
    const bool colons = host.find(':') != std::string::npos;
    return fmt::format("{} {}{}{}:{}", is_udp(query) ? "udp" : "tcp", colons ? "[" : "", base::printable(host), colons ? "]" : "",
                       query.port);
}

} // namespace pm::channel
