// SPDX-License-Identifier: Apache-2.0
#include "policy/listen_variables.hpp"

#include <string_view>

namespace pm::policy {
namespace {

using Addresses = std::vector<model::ListenAddress>;
using Kind = model::ListenAddress::Kind;

/// "<one><separator><one>", with one(address, descriptor) empty for what is left out.
template <typename One>
std::string joined(const Addresses& addresses, std::string_view separator, One&& one)
{
    std::string text;
    int fd = kFirstSocket;
    for (const model::ListenAddress& address : addresses) {
        const std::string part = one(address, std::to_string(fd++));
        if (part.empty()) continue;
        if (!text.empty()) text += separator;
        text += part;
    }
    return text;
}

/// "host:port", a path; empty for what such a list has no way to write. `any` stands for all addresses.
std::string place(const model::ListenAddress& address, std::string_view any)
{
    if (address.type != model::SocketType::Stream || address.kind == Kind::Abstract) return {};
    if (address.kind == Kind::Path) return address.host;
    if (address.kind == Kind::Any) return std::string(any) + std::to_string(address.port);
    return model::to_string(address);
}

std::string places(const Addresses& addresses, std::string_view separator, std::string_view any)
{
    return joined(addresses, separator, [&](const model::ListenAddress& address, const std::string& fd) {
        const std::string text = place(address, any);
        return text.empty() ? text : text + "=" + fd;
    });
}

std::string numbers(const Addresses& addresses, std::string_view separator)
{
    return joined(addresses, separator, [](const model::ListenAddress&, const std::string& fd) { return fd; });
}

/// Made for these programs' upgrade of themselves: they take the sockets of an earlier process of theirs by it.
struct Own {
    std::string_view program; ///< what its file name begins with
    std::string_view variable;
    std::string (*value)(const Addresses&);
};
constexpr Own kOwn[] = {
    {"nginx", "NGINX", [](const Addresses& addresses) { return numbers(addresses, ";") + ";"; }},
    {"php-fpm", "FPM_SOCKETS", [](const Addresses& addresses) { return places(addresses, ",", ""); }},
    {"unicorn", "UNICORN_FD", [](const Addresses& addresses) { return numbers(addresses, ","); }},
};

/// "nginx" of "/usr/sbin/nginx -g 'daemon off;'".
std::string_view program_of(std::string_view script)
{
    script = script.substr(0, script.find(' '));
    return script.substr(script.rfind('/') + 1);
}

} // namespace

std::map<std::string, std::string> listen_variables(const model::AppSpec& spec)
{
    const Addresses& addresses = spec.listen;
    if (addresses.empty()) return {};
    std::map<std::string, std::string> all;
    const std::string count = std::to_string(addresses.size());
    all["LISTEN_FDS"] = count;
    all["LISTEN_FDNAMES"] =
        joined(addresses, ":", [](const model::ListenAddress& address, const std::string&) { return address.name; });
    all["EINHORN_FD_COUNT"] = count;
    all["EINHORN_FDS"] = numbers(addresses, " ");
    for (std::size_t index = 0; index < addresses.size(); ++index)
        all["EINHORN_FD_" + std::to_string(index)] = std::to_string(kFirstSocket + static_cast<int>(index));
    if (const std::string ports = places(addresses, ";", ""); !ports.empty()) all["SERVER_STARTER_PORT"] = ports;
    for (const Own& own : kOwn)
        if (program_of(spec.script).starts_with(own.program)) all[std::string(own.variable)] = own.value(addresses);
    return all;
}

} // namespace pm::policy
