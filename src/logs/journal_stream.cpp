// SPDX-License-Identifier: Apache-2.0
#include "logs/journal_stream.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>

namespace pm::logs {
namespace {

/// What sd_journal_stream_fd(3) asks for, so that a burst does not wait for journald.
constexpr int kSendBuffer = 8 << 20;

base::Unexpected failed(const std::string& socket, int error)
{
    return base::fail_errno(fmt::format("connecting to the journal at '{}'", socket), error);
}

} // namespace

int journal_priority(Stream stream) noexcept
{
    return stream == Stream::Out ? LOG_DAEMON | LOG_INFO : LOG_USER | LOG_NOTICE;
}

std::string journal_header(const JournalStream& stream)
{
    constexpr int kReadLevels = 1;
    constexpr int kForward = 0; // to syslog, kmsg, the console
    return fmt::format("{}\n{}\n{}\n{}\n{}\n{}\n{}\n", stream.identifier, stream.unit, stream.priority, kReadLevels,
                       kForward, kForward, kForward);
}

base::Result<base::Fd> open_journal_stream(const std::string& socket, const JournalStream& stream)
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (socket.size() >= sizeof address.sun_path) return failed(socket, ENAMETOOLONG);
    std::memcpy(address.sun_path, socket.c_str(), socket.size());
    base::Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) return failed(socket, errno);
    if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) return failed(socket, errno);
    shutdown(fd.get(), SHUT_RD);
    setsockopt(fd.get(), SOL_SOCKET, SO_SNDBUF, &kSendBuffer, sizeof kSendBuffer);
    const std::string header = journal_header(stream);
    const ssize_t sent = send(fd.get(), header.data(), header.size(), MSG_NOSIGNAL);
    if (sent != static_cast<ssize_t>(header.size())) return failed(socket, sent < 0 ? errno : EAGAIN);
    if (fcntl(fd.get(), F_SETFL, 0) < 0) return failed(socket, errno); // the app's end waits, as programs expect of stdout
    return fd;
}

} // namespace pm::logs
