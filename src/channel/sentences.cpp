// SPDX-License-Identifier: Apache-2.0
#include "channel/sentences.hpp"

#include "base/text.hpp"

#include <cerrno>
#include <cstring>
#include <fmt/format.h>

namespace pm::channel {
namespace {

using Kind = model::ListenAddress::Kind;

std::string who_shows(const model::ListenAddress& address)
{
    if (!model::is_ip(address.kind)) return fmt::format("'ss -xlp' shows which");
    const char* kind = address.type == model::SocketType::Datagram ? "u" : "t";
    return fmt::format("'ss -l{}np sport = :{}' shows which", kind, address.port);
}

} // namespace

std::string why_not(const model::ListenAddress& address, int error)
{
    switch (error) {
    case EADDRINUSE: return fmt::format("in use by another program ({})", who_shows(address));
    case EADDRNOTAVAIL: return "this machine has no such address ('ip address' lists them; 'free_bind: true' does not mind)";
    case EAFNOSUPPORT: return "this machine has no IPv6";
    case ENOENT: return "there is no such directory";
    case EACCES:
        return model::is_ip(address.kind) ? "that needs the rights of root"
                                          : std::string("the app's owner may not make a file there");
    default: return std::strerror(error);
    }
}

std::string privileged(const model::ListenAddress& address, std::uint16_t first_free)
{
    return fmt::format("port {} is for apps of root: ports below {} are (net.ipv4.ip_unprivileged_port_start)", address.port,
                       first_free);
}

} // namespace pm::channel
