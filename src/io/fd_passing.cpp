// SPDX-License-Identifier: Apache-2.0
#include "io/fd_passing.hpp"

#include <cerrno>
#include <cstring>
#include <sys/socket.h>
#include <sys/uio.h>

namespace pm::io {

ssize_t send_with_fds(int socket, std::string_view bytes, std::span<const int> fds)
{
    if (fds.size() > kMostPassed) {
        errno = E2BIG;
        return -1;
    }
    alignas(cmsghdr) char control[CMSG_SPACE(kMostPassed * sizeof(int))] = {};
    iovec piece{const_cast<char*>(bytes.data()), bytes.size()};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    if (!fds.empty()) {
        message.msg_control = control;
        message.msg_controllen = CMSG_SPACE(fds.size_bytes());
        cmsghdr* head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(fds.size_bytes());
        std::memcpy(CMSG_DATA(head), fds.data(), fds.size_bytes());
    }
    return ::sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

} // namespace pm::io
