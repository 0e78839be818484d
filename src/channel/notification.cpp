// SPDX-License-Identifier: Apache-2.0
#include "channel/notification.hpp"

#include <cerrno>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

namespace pm::channel {

std::optional<Notification> receive_notification(int listener) noexcept
{
    seccomp_notif raw{};
    if (::ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &raw) < 0) return std::nullopt;
    Notification notification;
    notification.id = raw.id;
    notification.thread = static_cast<pid_t>(raw.pid);
    notification.listens = raw.data.nr == SYS_listen;
    notification.fd = static_cast<int>(raw.data.args[0]);
    notification.address = raw.data.args[1];
    notification.size = raw.data.args[2];
    return notification;
}

bool is_waiting(int listener, std::uint64_t id) noexcept
{
    return ::ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
}

void let_go_on(int listener, std::uint64_t id) noexcept
{
    seccomp_notif_resp response{};
    response.id = id;
    response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    ::ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
}

void answer(int listener, std::uint64_t id, int error) noexcept
{
    seccomp_notif_resp response{};
    response.id = id;
    response.error = -error;
    ::ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
}

int put_in_place(int listener, std::uint64_t id, int ours, int theirs, bool close_on_exec) noexcept
{
    seccomp_notif_addfd request{};
    request.id = id;
    request.flags = SECCOMP_ADDFD_FLAG_SETFD;
    request.srcfd = static_cast<__u32>(ours);
    request.newfd = static_cast<__u32>(theirs);
    request.newfd_flags = close_on_exec ? O_CLOEXEC : 0;
    return ::ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &request) < 0 ? errno : 0;
}

} // namespace pm::channel
