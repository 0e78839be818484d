// SPDX-License-Identifier: Apache-2.0
#include "daemon/fd_store.hpp"

#include "io/fd_passing.hpp"

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <utility>

namespace pm::daemon {
namespace {

/// More than as many descriptors as pmd may have, so that only notifications that the manager never reads come to it.
constexpr std::size_t kMostQueued = 65'536;

/// A socket connected to $NOTIFY_SOCKET, sd_notify(3): a path, or an abstract name with '@' in front.
base::Fd connect_to_manager()
{
    const char* path = std::getenv("NOTIFY_SOCKET");
    sockaddr_un address{};
    const std::size_t length = path == nullptr ? 0 : std::strlen(path);
    if (length < 2 || length >= sizeof address.sun_path || (path[0] != '/' && path[0] != '@')) return base::Fd();
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path, length);
    if (path[0] == '@') address.sun_path[0] = '\0';
    base::Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length);
    if (!socket || ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), size) < 0) return base::Fd();
    return socket;
}

} // namespace

FdStore::FdStore(io::EventLoop& loop, io::Log& log) : loop_(loop), log_(log), socket_(connect_to_manager())
{
    char** names = nullptr;
    const int count = sd_listen_fds_with_names(1, &names);
    for (int i = 0; i < count; ++i) {
        base::Fd fd(SD_LISTEN_FDS_START + i);
        ::fcntl(fd.get(), F_SETFD, FD_CLOEXEC);
        kept_.insert_or_assign(names[i], std::move(fd));
    }
    for (int i = 0; i < count; ++i) std::free(names[i]);
    std::free(names);
}

void FdStore::keep(const std::string& name, int fd) { notify("FDSTORE=1\nFDNAME=" + name, fd); }

void FdStore::store(const std::string& name, int fd) { notify("FDSTORE=1\nFDPOLL=0\nFDNAME=" + name, fd); }

/// The manager has done what it was told when it closes its end of the barrier, sd_notify_barrier(3).
void FdStore::settle()
{
    constexpr std::uint64_t kMostUsec = 1'000'000;
    if (!socket_) return;
    flush();
    sd_notify_barrier(0, kMostUsec);
}

void FdStore::flush()
{
    constexpr int kMostMsec = 1000;
    pollfd room{socket_.get(), POLLOUT, 0};
    while (!queue_.empty() && ::poll(&room, 1, kMostMsec) > 0) send_queued();
}

void FdStore::drop(const std::string& name) { notify("FDSTOREREMOVE=1\nFDNAME=" + name, -1); }

base::Fd FdStore::take(const std::string& name)
{
    const auto found = kept_.find(name);
    if (found == kept_.end()) return base::Fd();
    base::Fd fd = std::move(found->second);
    kept_.erase(found);
    return fd;
}

void FdStore::forget_rest()
{
    for (const auto& [name, fd] : std::exchange(kept_, {})) drop(name);
}

void FdStore::notify(std::string text, int fd)
{
    if (!socket_) return;
    if (!queue_.empty()) return enqueue(std::move(text), fd);
    if (io::send_with_fds(socket_.get(), text, {&fd, fd >= 0 ? 1U : 0U}) >= 0) return;
    if (errno != EAGAIN) return complain(errno);
    enqueue(std::move(text), fd);
}

void FdStore::enqueue(std::string text, int fd)
{
    if (queue_.size() >= kMostQueued) return complain(ENOBUFS);
    Notification notification{std::move(text), base::Fd()};
    if (fd >= 0) {
        notification.fd = base::Fd(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
        if (!notification.fd) return complain(errno);
    }
    if (!writable_) {
        auto source = loop_.add_io(socket_.get(), 0, io::Priority::Normal, [this](std::uint32_t) { send_queued(); });
        if (!source) return complain(source.error().system_error);
        writable_ = *std::move(source);
    }
    queue_.push_back(std::move(notification));
    writable_.set_io_events(EPOLLOUT);
}

void FdStore::send_queued()
{
    while (!queue_.empty()) {
        const Notification& first = queue_.front();
        const int fd = first.fd.get();
        if (io::send_with_fds(socket_.get(), first.text, {&fd, first.fd ? 1U : 0U}) < 0) {
            if (errno == EAGAIN) return;
            complain(errno);
        }
        queue_.pop_front();
    }
    if (writable_) writable_.set_io_events(0);
}

void FdStore::complain(int error)
{
    if (std::exchange(complained_, true)) return;
    log_.warning(fmt::format("the service manager does not keep a pipe or socket ({}): should pmd be restarted, apps that "
                             "write to files may end by SIGPIPE, and connections that wait may be lost", std::strerror(error)));
}

} // namespace pm::daemon
