// SPDX-License-Identifier: Apache-2.0
#include "channel/open_socket.hpp"

#include "base/text.hpp"
#include "channel/sentences.hpp"
#include "channel/socket_address.hpp"
#include "io/acting_as.hpp"
#include "io/small_file.hpp"

#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <unistd.h>

namespace pm::channel {
namespace {

using model::ListenAddress;
using model::SocketType;
using Kind = ListenAddress::Kind;

constexpr std::uint16_t kUsualFirstFree = 1024;

std::uint16_t first_free_port()
{
    const auto text = io::read_small_file("/proc/sys/net/ipv4/ip_unprivileged_port_start", 64);
    const auto number = text ? base::parse_number<std::uint16_t>(base::trim(*text)) : std::nullopt;
    return number.value_or(kUsualFirstFree);
}

NotOpened failed(const ListenAddress& address, int error)
{
    return {error, why_not(address, error)};
}

int set(int fd, int level, int option, bool on) noexcept
{
    const int value = on ? 1 : 0;
    return ::setsockopt(fd, level, option, &value, sizeof value) < 0 ? errno : 0;
}

int set_options(int fd, const ListenAddress& address, int family, bool reuse_address) noexcept
{
    const bool tcp = address.type == SocketType::Stream;
    int error = 0;
    const auto also = [&](int level, int option, bool on) {
        if (error == 0) error = set(fd, level, option, on);
    };
    // TCP alone, unless it was asked for: of a UDP port it lets others take the packets.
    if (model::is_ip(address.kind) && (tcp || reuse_address)) also(SOL_SOCKET, SO_REUSEADDR, true);
    if (family == AF_INET6) also(IPPROTO_IPV6, IPV6_V6ONLY, address.kind == Kind::Ip6 && address.v6only);
    if (address.reuseport) also(SOL_SOCKET, SO_REUSEPORT, true);
    if (address.free_bind) also(IPPROTO_IP, IP_FREEBIND, true);
    if (address.nodelay) also(IPPROTO_TCP, TCP_NODELAY, true);
    return error;
}

/// The file gets the permissions that the socket has, less pmd's umask: at no time is it open to more than it should be.
int bind_to(const io::ActingAs& acting, int fd, const ListenAddress& address, const SocketAddress& place)
{
    if (address.kind == Kind::Path && ::fchmod(fd, address.mode) < 0) return errno;
    return acting.bind(fd, place.get(), place.size);
}

tl::expected<base::Fd, NotOpened> bound(const io::ActingAs& acting, const ListenAddress& address, const SocketAddress& place, bool reuse_address)
{
    base::Fd fd(::socket(place.family(), to_kernel(address.type) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    int error = fd ? set_options(fd.get(), address, place.family(), reuse_address) : errno;
    if (error == 0) error = bind_to(acting, fd.get(), address, place);
    if (error == EADDRINUSE && address.kind == Kind::Path) {
        error = remove_stale(acting, address);
        if (error == ENOTSOCK) return tl::unexpected(NotOpened{EADDRINUSE, "there is a file that is no socket"});
        if (error == 0) error = bind_to(acting, fd.get(), address, place);
    }
    if (error != 0) return tl::unexpected(failed(address, error));
    return fd;
}

tl::expected<base::Fd, NotOpened> bound(const io::ActingAs& acting, const ListenAddress& address, bool reuse_address)
{
    auto fd = bound(acting, address, to_kernel(address), reuse_address);
    if (fd || address.kind != Kind::Any) return fd;
    const bool no_ip6 = fd.error().error == EAFNOSUPPORT || fd.error().error == EADDRNOTAVAIL; // not built in; switched off
    if (no_ip6) return bound(acting, address, any_of_ip4(address.port), reuse_address);
    return fd;
}

std::optional<int> kept_by(const Rights& rights)
{
    return rights.may_have_low_ports ? std::optional<int>(CAP_NET_BIND_SERVICE) : std::nullopt;
}

} // namespace

tl::expected<OpenSocket, NotOpened> open_socket(const ListenAddress& address, const Rights& rights, bool reuse_address)
{
    if (model::is_ip(address.kind) && address.port != 0 && !rights.may_have_low_ports)
        if (const auto first = first_free_port(); address.port < first)
            return tl::unexpected(NotOpened{EACCES, privileged(address, first)});
    const io::ActingAs acting(rights.owner.get(), kept_by(rights));
    if (acting.error() != 0)
        return tl::unexpected(NotOpened{acting.error(), fmt::format("acting as its owner: {}", std::strerror(acting.error()))});
    auto fd = bound(acting, address, reuse_address);
    if (!fd) return tl::unexpected(fd.error());
    OpenSocket open{*std::move(fd), std::nullopt};
    int error = 0;
    if (address.kind == Kind::Path) {
        open.file = socket_file(acting, address.host);
        error = set_access(acting, address.host, rights.file_user, rights.file_group, address.mode);
    }
    if (error == 0 && address.type != SocketType::Datagram && ::listen(open.fd.get(), static_cast<int>(address.backlog)) < 0)
        error = errno;
    if (error == 0) return open;
    if (open.file && socket_file(acting, address.host) == open.file) (void)acting.remove(address.host);
    if (error == EPERM) return tl::unexpected(NotOpened{error, "the app's owner may not give the file to that user or group"});
    return tl::unexpected(failed(address, error));
}

void adjust_socket(int fd, const ListenAddress& address, const Rights& rights)
{
    if (model::is_ip(address.kind) && address.type == SocketType::Stream) set(fd, IPPROTO_TCP, TCP_NODELAY, address.nodelay);
    const io::ActingAs acting(rights.owner.get(), kept_by(rights));
    if (acting.error() != 0) return;
    // Whoever connects sees the credentials of the last listen(2) as those of the other side (SO_PEERCRED, unix(7)).
    if (address.type != SocketType::Datagram) ::listen(fd, static_cast<int>(address.backlog));
    if (address.kind == Kind::Path) (void)set_access(acting, address.host, rights.file_user, rights.file_group, address.mode);
}

} // namespace pm::channel
