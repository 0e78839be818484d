// SPDX-License-Identifier: Apache-2.0
#include "launch/process/talk.hpp"

#include "io/fd_passing.hpp"

#include "launch/process/sentences.hpp"
#include "launch/wire.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace pm::launch {
namespace {

/// What came with a message.
struct With {
    pid_t sender = 0; ///< as the kernel vouches for; 0 when it does not say
    base::Fd fd;      ///< the last one; others are closed
};

With taken_from(msghdr& message)
{
    With with;
    for (cmsghdr* head = CMSG_FIRSTHDR(&message); head != nullptr; head = CMSG_NXTHDR(&message, head)) {
        if (head->cmsg_level != SOL_SOCKET) continue;
        if (head->cmsg_type == SCM_CREDENTIALS) {
            ucred sender{};
            std::memcpy(&sender, CMSG_DATA(head), sizeof sender);
            with.sender = sender.pid;
        }
        const std::size_t count = head->cmsg_type == SCM_RIGHTS ? (head->cmsg_len - CMSG_LEN(0)) / sizeof(int) : 0;
        for (std::size_t i = 0; i < count; ++i) {
            int fd = -1;
            std::memcpy(&fd, CMSG_DATA(head) + i * sizeof fd, sizeof fd);
            with.fd = base::Fd(fd);
        }
    }
    return with;
}

bool is_magic(std::uint32_t magic, const char* data, ssize_t size) noexcept
{
    return size == static_cast<ssize_t>(sizeof magic) && std::memcmp(data, &magic, sizeof magic) == 0;
}

} // namespace

void lift(base::Fd& fd)
{
    if (fd && fd.get() <= STDERR_FILENO) fd = base::Fd(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 3));
}

std::optional<SocketEnds> make_socket_pair()
{
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) return std::nullopt;
    SocketEnds made{base::Fd(ends[0]), base::Fd(ends[1])};
    lift(made.ours);
    lift(made.theirs);
    if (!made.ours || !made.theirs) return std::nullopt;
    return made;
}

int Talk::begin(base::Fd socket, std::string orders, bool greeted, std::span<const int> sockets)
{
    awaits_hello_ = greeted;
    socket_.fd = std::move(socket);
    unsent_ = std::move(orders);
    const int error = sockets.empty() ? 0 : send_with(sockets);
    if (error == 0) send();
    return error;
}

int Talk::send_with(std::span<const int> sockets)
{
    if (sockets.size() > wire::kMaxSockets) return E2BIG;
    const ssize_t sent = io::send_with_fds(socket_.fd.get(), unsent_, sockets);
    if (sent < 0) return errno;
    unsent_.erase(0, static_cast<std::size_t>(sent));
    return 0;
}

base::Result<void> Talk::watch(io::EventLoop& loop, std::function<void(std::uint32_t)> on_ready)
{
    const std::uint32_t events = unsent_.empty() ? EPOLLIN : EPOLLIN | EPOLLOUT;
    auto source = loop.add_io(socket_.fd.get(), events, io::Priority::Processes, std::move(on_ready));
    if (!source) return tl::unexpected(source.error());
    socket_.source = *std::move(source);
    return {};
}

bool Talk::ready(std::uint32_t events)
{
    if ((events & EPOLLOUT) != 0 && !unsent_.empty()) {
        send();
        if (unsent_.empty()) socket_.source.set_io_events(EPOLLIN);
    }
    return (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0;
}

void Talk::send()
{
    std::size_t done = 0;
    while (done < unsent_.size()) {
        const ssize_t sent = ::send(socket_.fd.get(), unsent_.data() + done, unsent_.size() - done, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0 && (errno == EAGAIN || errno == ENOBUFS)) break;
        done = sent < 0 ? unsent_.size() : done + static_cast<std::size_t>(sent); // gone: its exit tells the rest
    }
    unsent_.erase(0, done);
    if (unsent_.empty()) unsent_.shrink_to_fit();
}

Talk::Heard Talk::read()
{
    if (!socket_.fd) return Heard::Nothing;
    char buffer[sizeof(wire::Report) + 2 * wire::kMaxReportText];
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(ucred)) + CMSG_SPACE(sizeof(int))];
    // A report may lie right behind the hello: a stream keeps no boundary between them.
    iovec piece{buffer, awaits_hello_ ? sizeof wire::kHelloMagic : sizeof buffer};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    const ssize_t got = ::recvmsg(socket_.fd.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return Heard::Nothing;
    With with = got > 0 ? taken_from(message) : With();
    if (is_magic(wire::kHelloMagic, buffer, got)) {
        pid_ = with.sender;
        awaits_hello_ = false;
        return Heard::Hello;
    }
    if (is_magic(wire::kFilterMagic, buffer, got) && with.fd) {
        listener_ = std::move(with.fd);
        return Heard::Filter;
    }
    const bool complete = unsent_.empty();
    end();
    if (got > 0) {
        failure_ = from_report(std::string_view(buffer, static_cast<std::size_t>(got)));
        return Heard::Failed;
    }
    return got == 0 && complete ? Heard::Running : Heard::Nothing;
}

void Talk::end() noexcept
{
    socket_.reset();
    unsent_ = {};
}

} // namespace pm::launch
