// SPDX-License-Identifier: Apache-2.0
#include "config/listen_text.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <fmt/format.h>

namespace pm::config {
namespace {

using model::ListenAddress;
using model::SocketType;
using Kind = ListenAddress::Kind;
using Fault = tl::unexpected<std::string>;

constexpr std::size_t kMostShown = 64;

std::string shown(std::string_view text)
{
    return base::printable(text.substr(0, kMostShown));
}

Fault no_address(std::string_view text)
{
    return Fault(fmt::format("expected an address such as 8000, 127.0.0.1:8000, '[::]:8000', 'udp://*:53' or unix:/run/app.sock, "
                             "not '{}'",
                             shown(text)));
}

/// As inet_ntop(3) writes it; empty when it is none of `family`.
std::string numeric(int family, const std::string& text)
{
    std::array<unsigned char, 16> bytes{};
    std::array<char, INET6_ADDRSTRLEN> out{};
    if (inet_pton(family, text.c_str(), bytes.data()) != 1) return {};
    return inet_ntop(family, bytes.data(), out.data(), out.size()) == nullptr ? std::string() : out.data();
}

bool could_be_a_name(std::string_view host)
{
    return std::ranges::all_of(host, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
    });
}

tl::expected<ListenText, std::string> unix_address(std::string_view rest)
{
    ListenText read;
    read.with_type = false;
    const bool abstract = rest.starts_with('@');
    read.address.kind = abstract ? Kind::Abstract : Kind::Path;
    read.address.host = abstract ? rest.substr(1) : rest;
    if (read.address.host.empty()) return Fault("expected a path or '@' and a name behind 'unix:'");
    if (abstract && read.address.host.size() > kMaxSocketPath)
        return Fault(fmt::format("a name of {} bytes, at most {}", read.address.host.size(), kMaxSocketPath));
    return read;
}

/// Sets kind and host; the fault, or nothing.
std::string set_host(ListenAddress& address, std::string_view host, bool brackets)
{
    if (!brackets && (host.empty() || host == "*")) {
        address.kind = Kind::Any;
        return {};
    }
    if (brackets && host.find('%') != std::string_view::npos) return "addresses of one interface ('%') are not supported yet";
    address.kind = brackets ? Kind::Ip6 : Kind::Ip4;
    address.host = numeric(brackets ? AF_INET6 : AF_INET, std::string(host));
    if (!address.host.empty()) return {};
    if (brackets) return fmt::format("'{}' is no IPv6 address", shown(host));
    if (host.find(':') != std::string_view::npos)
        return fmt::format("an IPv6 address stands in brackets, as '[::1]:8000', not '{}'", shown(host));
    const bool digits = host.find_first_not_of("0123456789.") == std::string_view::npos;
    if (digits || !could_be_a_name(host)) return fmt::format("'{}' is no IPv4 address", shown(host));
    return fmt::format("'{}' is a name: give an IP address, such as 127.0.0.1 or [::1], or * for all", shown(host));
}

} // namespace

tl::expected<ListenText, std::string> listen_from(std::string_view text)
{
    if (text.starts_with("unix:")) return unix_address(text.substr(5));
    ListenText read;
    std::string_view rest = text;
    for (const auto& [scheme, type] : {std::pair<std::string_view, SocketType>{"tcp://", SocketType::Stream},
                                       std::pair<std::string_view, SocketType>{"udp://", SocketType::Datagram}}) {
        if (!text.starts_with(scheme)) continue;
        rest = text.substr(scheme.size());
        read.address.type = type;
        read.with_type = true;
    }
    const bool brackets = rest.starts_with('[');
    const auto closing = brackets ? rest.find(']') : std::string_view::npos;
    if (brackets && (closing == std::string_view::npos || rest.substr(closing + 1, 1) != ":")) return no_address(text);
    const auto colon = brackets ? closing + 1 : rest.rfind(':');
    const std::string_view port = colon == std::string_view::npos ? rest : rest.substr(colon + 1);
    const bool digits = !port.empty() && port.find_first_not_of("0123456789") == std::string_view::npos;
    if (!digits) return no_address(text);
    const auto number = base::parse_number<std::uint16_t>(port);
    if (!number || *number == 0) return Fault(fmt::format("port {}: expected one from 1 to 65535", shown(port)));
    read.address.port = *number;
    const std::string_view host =
        brackets ? rest.substr(1, closing - 1) : rest.substr(0, colon == std::string_view::npos ? 0 : colon);
    if (std::string fault = set_host(read.address, host, brackets); !fault.empty()) return Fault(std::move(fault));
    return read;
}

} // namespace pm::config
