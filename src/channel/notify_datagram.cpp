// SPDX-License-Identifier: Apache-2.0
#include "channel/notify_datagram.hpp"

#include <cstring>

namespace pm::channel {

/// There is room for the sender alone: of descriptors it is only told that there are some.
bool NotifyDatagram::peek(int socket)
{
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(ucred))> control{};
    iovec piece{bytes.data(), bytes.size()};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t count = ::recvmsg(socket, &message, MSG_PEEK | MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (count < 0) return false;
    const cmsghdr* head = CMSG_FIRSTHDR(&message);
    is_message = head != nullptr && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_CREDENTIALS;
    sender = {};
    if (is_message) std::memcpy(&sender, CMSG_DATA(head), sizeof sender);
    size = static_cast<std::size_t>(count);
    whole = (message.msg_flags & MSG_TRUNC) == 0;
    descriptors = (message.msg_flags & MSG_CTRUNC) != 0;
    return true;
}

} // namespace pm::channel
