// SPDX-License-Identifier: Apache-2.0
#include "launch/pm-exec/sockets.hpp"

#include "launch/pm-exec/report.hpp"
#include "launch/pm-exec/sys.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/socket.h>

namespace pm::launch::exec {
namespace {

void close_from(unsigned first) noexcept
{
    if (sys::call(SYS_close_range, first, ~0U) >= 0) return;
    for (unsigned fd = first; fd < 65536; ++fd) sys::call(SYS_close, fd); // Linux before 5.9
}

int checked(long result) noexcept
{
    if (result < 0) give_up({LaunchStage::Listen, static_cast<int>(-result)});
    return static_cast<int>(result);
}

void take(const msghdr& message, Descriptors& with) noexcept
{
    const cmsghdr* head = CMSG_FIRSTHDR(&message);
    if (head == nullptr || head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS) return;
    if ((message.msg_flags & MSG_CTRUNC) != 0) give_up({LaunchStage::Wire, EMFILE});
    with.count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    std::memcpy(with.fds, CMSG_DATA(head), with.count * sizeof(int));
}

} // namespace

std::size_t receive(char* data, std::size_t room, Descriptors& with) noexcept
{
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof with.fds)] = {};
    struct {
        char* data;
        std::size_t size;
    } piece = {data, room};
    msghdr message = {};
    message.msg_iov = reinterpret_cast<iovec*>(&piece);
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    long got = -EINTR;
    while (got == -EINTR) got = sys::call(SYS_recvmsg, 0, &message, MSG_CMSG_CLOEXEC);
    if (got < 0) give_up({LaunchStage::Wire, static_cast<int>(-got)});
    with.count = 0;
    take(message, with);
    return static_cast<std::size_t>(got);
}

void place_sockets(const Descriptors& sockets) noexcept
{
    const int behind = kFirstSocket + static_cast<int>(sockets.count);
    int from[wire::kMaxSockets];
    // One that lies where another is to be is moved away first.
    for (std::size_t i = 0; i < sockets.count; ++i) {
        const bool there = sockets.fds[i] == kFirstSocket + static_cast<int>(i);
        from[i] = there || sockets.fds[i] >= behind ? sockets.fds[i]
                                                    : checked(sys::call(SYS_fcntl, sockets.fds[i], F_DUPFD_CLOEXEC, behind));
    }
    for (std::size_t i = 0; i < sockets.count; ++i) {
        const int to = kFirstSocket + static_cast<int>(i);
        checked(from[i] == to ? sys::call(SYS_fcntl, to, F_SETFD, 0) : sys::call(SYS_dup3, from[i], to, 0));
    }
    close_from(static_cast<unsigned>(behind));
}

} // namespace pm::launch::exec
