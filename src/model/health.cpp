// SPDX-License-Identifier: Apache-2.0
#include "model/health.hpp"

#include "base/text.hpp"
#include "model/name_table.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <optional>

namespace pm::model {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;

constexpr NameTable<OnUnhealthy, 3> kActions{{{{OnUnhealthy::Reload, "reload"}, {OnUnhealthy::Restart, "restart"}, {OnUnhealthy::None, "none"}}}};

constexpr std::string_view kHttp = "http://";
constexpr std::uint16_t kHttpPort = 80;
constexpr std::size_t kMostPath = 2048;
constexpr std::size_t kMostShown = 64;
constexpr std::size_t kMostVariable = 128;

base::Unexpected wrong(std::string_view expected, std::string_view text)
{
    return fail(ErrorCode::InvalidArgument, "expected " + std::string(expected) + ", not '" + base::printable(text.substr(0, kMostShown)) + "'");
}

bool is_numeric(int family, const std::string& text)
{
    std::array<unsigned char, sizeof(in6_addr)> bytes{};
    return ::inet_pton(family, text.c_str(), bytes.data()) == 1;
}

/// "$PORT" or "${PORT}"; empty: neither.
std::string variable_from(std::string_view text)
{
    if (text.starts_with("${") && text.ends_with('}'))
        text = text.substr(2, text.size() - 3);
    else if (text.starts_with('$'))
        text.remove_prefix(1);
    else
        return {};
    const auto is_letter = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_'; };
    const bool good = !text.empty() && text.size() <= kMostVariable && is_letter(text.front()) &&
                      std::ranges::all_of(text, [&](char c) { return is_letter(c) || (c >= '0' && c <= '9'); });
    return good ? std::string(text) : std::string();
}

/// host, or [host], and perhaps a port. False when it is neither.
bool read_place(std::string_view text, std::uint16_t usual_port, HealthTarget& target)
{
    const bool bracket = text.starts_with('[');
    const std::size_t end = bracket ? text.find(']') : text.find(':');
    if (bracket && end == std::string_view::npos) return false;
    target.host = bracket ? text.substr(1, end - 1) : text.substr(0, end);
    text.remove_prefix(std::min(bracket ? end + 1 : end, text.size()));
    target.port = usual_port;
    if (!text.empty()) {
        if (!text.starts_with(':')) return false;
        text.remove_prefix(1);
        target.port_variable = variable_from(text);
        const auto port = target.port_variable.empty() ? base::parse_number<std::uint16_t>(text) : std::optional<std::uint16_t>(0);
        if (!port) return false;
        target.port = *port;
    }
    const bool good = bracket ? is_numeric(AF_INET6, target.host) : target.host == "localhost" || is_numeric(AF_INET, target.host);
    return good && (target.port != 0 || !target.port_variable.empty());
}

bool is_path(std::string_view path)
{
    return path.size() <= kMostPath && std::ranges::all_of(path, [](char c) { return c > ' ' && c < '\x7f'; });
}

} // namespace

Result<HealthTarget> http_target_from(std::string_view url)
{
    constexpr std::string_view kExpected = "a URL such as http://127.0.0.1:8080/health or http://localhost:$PORT/, with a numeric host or localhost";
    if (url.starts_with("https://")) return fail(ErrorCode::InvalidArgument, "https is not supported: ask over http, or by tcp");
    if (!url.starts_with(kHttp)) return wrong(kExpected, url);
    const std::string_view rest = url.substr(kHttp.size());
    const std::size_t slash = std::min(rest.find_first_of("/?"), rest.size());
    HealthTarget target{.kind = HealthTarget::Kind::Http};
    target.path = rest.substr(slash);
    target.path.resize(std::min(target.path.find('#'), target.path.size()));
    if (!target.path.starts_with('/')) target.path.insert(0, "/");
    if (!read_place(rest.substr(0, slash), kHttpPort, target) || !is_path(target.path)) return wrong(kExpected, url);
    return target;
}

Result<HealthTarget> tcp_target_from(std::string_view address)
{
    HealthTarget target{.kind = HealthTarget::Kind::Tcp};
    if (!read_place(address, 0, target)) return wrong("an address such as 127.0.0.1:5432, [::1]:5432 or localhost:$PORT", address);
    return target;
}

std::string host_and_port(const HealthTarget& target)
{
    const bool six = target.host.find(':') != std::string::npos;
    const std::string port = target.port_variable.empty() ? std::to_string(target.port) : "$" + target.port_variable;
    return (six ? "[" + target.host + "]" : target.host) + ":" + port;
}

std::string_view to_string(OnUnhealthy action) noexcept { return kActions.name(action); }
std::optional<OnUnhealthy> on_unhealthy_from(std::string_view name) noexcept { return kActions.value(name); }

std::string to_string(const HealthTarget& target)
{
    const std::string place = host_and_port(target);
    return target.kind == HealthTarget::Kind::Http ? std::string(kHttp) + place + target.path : place;
}

} // namespace pm::model
