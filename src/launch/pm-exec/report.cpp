// SPDX-License-Identifier: Apache-2.0
#include "launch/pm-exec/report.hpp"

#include "launch/pm-exec/sys.hpp"

#include <cstring>
#include <sys/socket.h>
#include <sys/uio.h>

namespace pm::launch::exec {
namespace {

int report_fd = 0;

struct Message {
    wire::Report head;
    char text[2 * wire::kMaxReportText];
};
Message report;

std::uint32_t add(const char* text, std::uint32_t at) noexcept
{
    if (text == nullptr) return 0;
    std::size_t length = std::strlen(text);
    if (length > wire::kMaxReportText) length = wire::kMaxReportText;
    std::memcpy(report.text + at, text, length);
    return static_cast<std::uint32_t>(length);
}

} // namespace

void set_report_fd(int fd) noexcept { report_fd = fd; }

long send_listener(int listener) noexcept
{
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof listener)] = {};
    std::uint32_t magic = wire::kFilterMagic;
    iovec piece = {&magic, sizeof magic};
    msghdr note = {};
    note.msg_iov = &piece;
    note.msg_iovlen = 1;
    note.msg_control = control;
    note.msg_controllen = sizeof control;
    cmsghdr* head = CMSG_FIRSTHDR(&note);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof listener);
    std::memcpy(CMSG_DATA(head), &listener, sizeof listener);
    const long sent = sys::call(SYS_sendmsg, report_fd, &note, MSG_NOSIGNAL);
    return sent < 0 ? sent : 0;
}

void give_up(const Failure& failure) noexcept
{
    report.head.magic = wire::kReportMagic;
    report.head.stage = static_cast<std::uint16_t>(failure.stage);
    report.head.form = static_cast<std::uint16_t>(failure.form);
    report.head.error = failure.error;
    report.head.number = failure.number;
    report.head.first = add(failure.first, 0);
    report.head.second = add(failure.second, report.head.first);
    const std::size_t size = sizeof(wire::Report) + report.head.first + report.head.second;
    // A new socket has room for these 2 KiB, so one send takes them all; when pmd is gone, nobody needs them.
    sys::call(SYS_sendto, report_fd, &report, size, MSG_NOSIGNAL);
    sys::leave(127);
}

} // namespace pm::launch::exec
