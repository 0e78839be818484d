// SPDX-License-Identifier: Apache-2.0
#include "launch/pm-exec/unit.hpp"

#include "launch/pm-exec/report.hpp"
#include "launch/pm-exec/sys.hpp"

#include <cerrno>
#include <sys/socket.h>

namespace pm::launch::exec {
namespace {

constexpr std::size_t kMostInvited = 3;

void place(int fd, int where) noexcept
{
    const long result = sys::call(SYS_dup3, fd, where, 0);
    if (result < 0) give_up({LaunchStage::Stdio, static_cast<int>(-result)});
    sys::call(SYS_close, fd);
}

void take_descriptors(const Descriptors& sent, char which) noexcept
{
    std::size_t next = 0;
    place(sent.fds[next++], 0);
    if ((which & wire::kUnitOut) != 0 && next < sent.count) place(sent.fds[next++], 1);
    if ((which & wire::kUnitErr) != 0 && next < sent.count) place(sent.fds[next++], 2);
}

/// The kernel adds who we are, for pmd to know the process before anybody else could tell.
void greet() noexcept
{
    const std::uint32_t hello = wire::kHelloMagic;
    const long sent = sys::call(SYS_sendto, 0, &hello, sizeof hello, MSG_NOSIGNAL);
    if (sent < 0) sys::leave(wire::kNobodyThere); // pmd is gone: nobody wants this process
}

/// Orders begin with another byte.
bool is_invitation(const char* data, std::size_t size) noexcept
{
    return size == 1 && static_cast<unsigned char>(data[0]) <= (wire::kUnitOut | wire::kUnitErr);
}

} // namespace

std::size_t receive_first(char* data, std::size_t room, bool& in_unit, Descriptors& sockets) noexcept
{
    const std::size_t got = receive(data, room, sockets);
    in_unit = is_invitation(data, got);
    if (!in_unit) return got;
    if (sockets.count == 0 || sockets.count > kMostInvited) give_up({LaunchStage::Wire, EBADMSG});
    take_descriptors(sockets, data[0]);
    greet();
    return receive(data, room, sockets);
}

} // namespace pm::launch::exec
