// SPDX-License-Identifier: Apache-2.0
#include "io/directory_watch.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <utility>
#include <vector>

namespace pm::io {
namespace {

constexpr std::uint32_t kEvents = IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
constexpr std::uint32_t kSelf = IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_Q_OVERFLOW;

} // namespace

base::Result<void> DirectoryWatch::open()
{
    if (fd_) return {};
    base::Fd fd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (!fd) return base::fail_errno("making an inotify instance", errno);
    auto source = loop_.add_io(fd.get(), EPOLLIN, priority_, [this](std::uint32_t) { read(); });
    if (!source) return tl::unexpected(std::move(source).error());
    fd_ = std::move(fd);
    source_ = *std::move(source);
    return {};
}

base::Result<int> DirectoryWatch::add(const std::string& path)
{
    if (auto opened = open(); !opened) return tl::unexpected(std::move(opened).error());
    const int watch = ::inotify_add_watch(fd_.get(), path.c_str(), kEvents);
    if (watch < 0) return base::fail_errno(fmt::format("watching '{}'", path), errno);
    watches_.insert(watch);
    return watch;
}

void DirectoryWatch::remove(int watch)
{
    if (watches_.erase(watch) > 0) ::inotify_rm_watch(fd_.get(), watch);
}

/// One portion: what is left makes the descriptor readable again.
void DirectoryWatch::read()
{
    alignas(inotify_event) std::array<char, 16384> bytes;
    const ssize_t count = ::read(fd_.get(), bytes.data(), bytes.size());
    for (ssize_t at = 0; at < count;) {
        inotify_event event{};
        std::memcpy(&event, bytes.data() + at, sizeof event);
        const char* name = bytes.data() + at + sizeof event;
        at += static_cast<ssize_t>(sizeof event + event.len);
        if ((event.mask & IN_Q_OVERFLOW) != 0)
            removed_(-1, {});
        else if ((event.mask & IN_IGNORED) != 0)
            watches_.erase(event.wd);
        else if (watches_.contains(event.wd))
            removed_(event.wd, (event.mask & kSelf) != 0 || event.len == 0 ? std::string() : std::string(name));
    }
}

} // namespace pm::io
