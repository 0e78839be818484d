// SPDX-License-Identifier: Apache-2.0
#include "launch/pm-exec/unit.hpp"

#include "launch/pm-exec/report.hpp"
#include "launch/pm-exec/sys.hpp"

#include <cerrno>
#include <cstring>
#include <sys/socket.h>

namespace pm::launch::exec {
namespace {

constexpr std::size_t kMostFds = 3;

void place(int fd, int where) noexcept
{
    const long result = sys::call(SYS_dup3, fd, where, 0);
    if (result < 0) give_up({LaunchStage::Stdio, static_cast<int>(-result)});
    sys::call(SYS_close, fd);
}

void take_descriptors(const int* fds, std::size_t count, char which) noexcept
{
    std::size_t next = 0;
    place(fds[next++], 0);
    if ((which & wire::kUnitOut) != 0 && next < count) place(fds[next++], 1);
    if ((which & wire::kUnitErr) != 0 && next < count) place(fds[next++], 2);
}

/// The kernel adds who we are, for pmd to know the process before anybody else could tell.
void greet() noexcept
{
    const std::uint32_t hello = wire::kHelloMagic;
    const long sent = sys::call(SYS_sendto, 0, &hello, sizeof hello, MSG_NOSIGNAL);
    if (sent < 0) sys::leave(127); // pmd is gone: nobody wants this process
}

} // namespace

std::size_t receive_first(char* data, std::size_t room, bool& in_unit) noexcept
{
    alignas(cmsghdr) char control[CMSG_SPACE(kMostFds * sizeof(int))];
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
    const cmsghdr* head = CMSG_FIRSTHDR(&message);
    in_unit = head != nullptr && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS;
    if (!in_unit) return static_cast<std::size_t>(got);
    int fds[kMostFds];
    const std::size_t count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    if (count == 0 || count > kMostFds || got != 1) give_up({LaunchStage::Wire, EBADMSG});
    std::memcpy(fds, CMSG_DATA(head), count * sizeof(int));
    take_descriptors(fds, count, data[0]);
    greet();
    return 0;
}

} // namespace pm::launch::exec
