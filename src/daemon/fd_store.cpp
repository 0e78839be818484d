// SPDX-License-Identifier: Apache-2.0
#include "daemon/fd_store.hpp"

#include "io/fd_passing.hpp"

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <utility>

namespace pm::daemon {
namespace {

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

FdStore::FdStore(io::Log& log) : log_(log), socket_(connect_to_manager())
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

/// The manager has done what it was told when it closes its end.
void FdStore::settle()
{
    constexpr std::uint64_t kMostUsec = 1'000'000;
    if (socket_) sd_notify_barrier(0, kMostUsec);
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

void FdStore::notify(const std::string& text, int fd)
{
    if (!socket_) return;
    if (io::send_with_fds(socket_.get(), text, {&fd, fd >= 0 ? 1U : 0U}) >= 0 || std::exchange(complained_, true)) return;
    log_.warning(fmt::format("the service manager does not keep a pipe or socket ({}): should pmd be restarted, apps that "
                             "write to files may end by SIGPIPE, and connections that wait may be lost", std::strerror(errno)));
}

} // namespace pm::daemon
