// SPDX-License-Identifier: Apache-2.0
#include "channel/accepted_connections.hpp"

#include <algorithm>
#include <cerrno>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>

namespace pm::channel {
namespace {

/// Its listening sockets are among the first of its descriptors.
constexpr std::size_t kMostLearned = 1'024;
constexpr std::size_t kMostOthers = 16'384;

/// Also of what place_of() knows no place to share for.
std::optional<BoundPlace> local_address(int socket)
{
    BoundPlace place;
    place.address.size = sizeof place.address.bytes;
    if (::getsockname(socket, reinterpret_cast<sockaddr*>(&place.address.bytes), &place.address.size) < 0) return std::nullopt;
    const bool unnamed = place.address.size <= sizeof(sa_family_t);
    return unnamed ? std::nullopt : std::optional(place);
}

bool may_not(int error) noexcept { return error == EPERM || error == EACCES || error == ENOSYS; }

/// The process has answered, the client has got it all, and nobody has said anything since. Of a TCP socket.
bool is_idle(int socket, std::chrono::milliseconds since)
{
    tcp_info info{};
    socklen_t size = sizeof info;
    int unread = 0;
    if (::getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) < 0 || ::ioctl(socket, SIOCINQ, &unread) < 0) return false;
    if (unread != 0 || info.tcpi_unacked != 0 || info.tcpi_notsent_bytes != 0) return false;
    const bool ours_last = info.tcpi_bytes_received == 0 || info.tcpi_last_data_sent <= info.tcpi_last_data_recv;
    return ours_last && std::min(info.tcpi_last_data_sent, info.tcpi_last_data_recv) >= since.count();
}

} // namespace

bool AcceptedConnections::learn(const AppProcess& process)
{
    bool hidden = false;
    const auto seen = process.visit_sockets(kMostLearned, [&](int number, ino_t inode) {
        const base::Fd socket = process.copy(number);
        hidden |= !socket && may_not(errno);
        if (!socket || !is_listening(socket.get())) return !hidden;
        others_.insert(inode);
        const auto place = local_address(socket.get());
        if (place && std::ranges::find(places_, *place) == places_.end()) places_.push_back(*place);
        return true;
    });
    return seen != AppProcess::Seen::None && !hidden;
}

/// A port is enough: nobody else's connection is local to one that is listened on.
bool AcceptedConnections::is_ours(const BoundPlace& local) const
{
    return std::ranges::any_of(places_, [&](const BoundPlace& place) {
        if (place.is_ip() != local.is_ip()) return false;
        return local.is_ip() ? place.port() == local.port() : place == local;
    });
}

AcceptedConnections::Kind AcceptedConnections::kind_of(int socket) const
{
    if (socket_option(socket, SOL_SOCKET, SO_TYPE, 0) != SOCK_STREAM || is_listening(socket)) return Kind::Other;
    if (!is_connected(socket)) return Kind::Unknown; // it is being made, or was broken off
    const auto local = local_address(socket);
    return local && is_ours(*local) ? Kind::Accepted : Kind::Other;
}

bool AcceptedConnections::any(const AppProcess& process, std::optional<std::chrono::milliseconds> idle_after)
{
    bool found = false;
    if (others_.size() > kMostOthers) others_.clear();
    const auto seen = process.visit_sockets(kMostDescriptors, [&](int number, ino_t inode) {
        if (others_.contains(inode)) return true;
        const base::Fd socket = process.copy(number);
        found = !socket && may_not(errno);
        if (!socket) return !found;
        const Kind kind = kind_of(socket.get());
        if (kind == Kind::Other) others_.insert(inode);
        found = kind == Kind::Accepted && !(idle_after && is_idle(socket.get(), *idle_after));
        return !found;
    });
    return found || seen != AppProcess::Seen::All;
}

} // namespace pm::channel
