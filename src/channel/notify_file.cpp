// SPDX-License-Identifier: Apache-2.0
#include "channel/notify_file.hpp"

#include "io/acting_as.hpp"

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <vector>

namespace pm::channel {
namespace {

using base::ErrorCode;
using base::Result;

constexpr mode_t kReady = S_ISVTX; ///< means nothing on a socket
constexpr std::size_t kMostSwept = 65536;

bool is_root() noexcept { return ::geteuid() == 0; }

Result<sockaddr_un> address_of(const std::string& path)
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path)
        return base::fail(ErrorCode::Failed, fmt::format("its notify socket would be '{}', {} bytes and {} is the most: give pmd a shorter "
                                                         "--runtime-dir",
                                                         path, path.size(), sizeof address.sun_path - 1));
    std::memcpy(address.sun_path, path.data(), path.size());
    return address;
}

/// What the app's user finds behind the path.
Result<void> check_reach(const std::string& path, const model::SharedIdentity& user)
{
    const io::ActingAs acting(user.get());
    struct stat status {};
    const int error = acting.status(path, status);
    if (acting.error() != 0 || error == 0) return {};
    return base::fail(ErrorCode::Failed, fmt::format("user '{}' cannot reach its notify socket '{}' ({}): give pmd a --runtime-dir "
                                                     "beside which all may pass, as below /run",
                                                     user->name, path, std::strerror(error)));
}

Result<void> bind_to(int fd, const std::string& path)
{
    const auto address = address_of(path);
    if (!address) return tl::unexpected(address.error());
    const int on = 1;
    ::unlink(path.c_str());
    // The file gets the permissions that the socket has: at no time may others send.
    if (::setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) < 0 || ::fchmod(fd, 0600) < 0 ||
        ::bind(fd, reinterpret_cast<const sockaddr*>(&*address), sizeof *address) < 0)
        return base::fail_errno(fmt::format("making notify socket '{}'", path), errno);
    return {};
}

} // namespace

Result<void> NotifyDirectory::prepare() const
{
    const mode_t mode = is_root() ? 0711 : 0700; // apps of other users pass, and do not look around
    struct stat status {};
    if (::mkdir(path_.c_str(), mode) < 0 && errno != EEXIST) return base::fail_errno(fmt::format("making directory '{}'", path_), errno);
    if (::lstat(path_.c_str(), &status) < 0) return base::fail_errno(fmt::format("looking at '{}'", path_), errno);
    if (!S_ISDIR(status.st_mode) || status.st_uid != ::geteuid())
        return base::fail(ErrorCode::Failed, fmt::format("'{}' is not a directory of ours: remove it", path_));
    if ((status.st_mode & 07777) != mode && ::chmod(path_.c_str(), mode) < 0)
        return base::fail_errno(fmt::format("changing the mode of '{}'", path_), errno);
    return {};
}

Result<base::Fd> NotifyDirectory::make(const std::string& name, const model::SharedIdentity& user, bool anybody) const
{
    if (auto ready = prepare(); !ready) return tl::unexpected(ready.error());
    const std::string path = path_of(name);
    base::Fd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) return base::fail_errno(fmt::format("making notify socket '{}'", path), errno);
    if (auto bound = bind_to(fd.get(), path); !bound) return tl::unexpected(bound.error());
    Result<void> good;
    if (anybody && ::chmod(path.c_str(), 0666) < 0) good = base::fail_errno(fmt::format("changing the mode of '{}'", path), errno);
    if (good && (!user || !is_root())) return fd;
    if (good && ::lchown(path.c_str(), user->uid, user->gid) < 0) good = base::fail_errno(fmt::format("giving '{}' to user '{}'", path, user->name), errno);
    if (good) good = check_reach(path, user);
    if (good) return fd;
    remove(name);
    return tl::unexpected(good.error());
}

bool NotifyDirectory::leads_to(const std::string& name, int socket) const
{
    sockaddr_un address{};
    socklen_t size = sizeof address;
    struct stat status {};
    const std::string path = path_of(name);
    return ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) == 0 && address.sun_family == AF_UNIX &&
           size > offsetof(sockaddr_un, sun_path) && path == std::string(address.sun_path, ::strnlen(address.sun_path, sizeof address.sun_path)) &&
           ::lstat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode);
}

void NotifyDirectory::remove(const std::string& name) const { ::unlink(path_of(name).c_str()); }

void NotifyDirectory::remove_empty() const { ::rmdir(path_.c_str()); }

void NotifyDirectory::sweep(const std::function<bool(const std::string& name)>& wanted) const
{
    std::error_code none;
    std::vector<std::string> stale;
    for (std::filesystem::directory_iterator at(path_, none), end; !none && at != end && stale.size() < kMostSwept; at.increment(none))
        if (std::string name = at->path().filename(); !wanted(name)) stale.push_back(std::move(name));
    for (const std::string& name : stale) remove(name);
}

void NotifyDirectory::mark_ready(const std::string& name) const
{
    struct stat status {};
    const std::string path = path_of(name);
    if (::lstat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode)) ::chmod(path.c_str(), (status.st_mode & 0777) | kReady);
}

bool NotifyDirectory::is_marked_ready(const std::string& name) const
{
    struct stat status {};
    return ::lstat(path_of(name).c_str(), &status) == 0 && (status.st_mode & kReady) != 0;
}

} // namespace pm::channel
