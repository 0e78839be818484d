// SPDX-License-Identifier: Apache-2.0
#include "channel/socket_path.hpp"

#include "base/fd.hpp"
#include "channel/socket_address.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace pm::channel {
namespace {

/// Whether a program answers at the address: ECONNREFUSED says that none does.
bool is_answered(const model::ListenAddress& address)
{
    const base::Fd probe(::socket(AF_UNIX, to_kernel(address.type) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const SocketAddress place = to_kernel(address);
    return !probe || ::connect(probe.get(), place.get(), place.size) == 0 || errno != ECONNREFUSED;
}

} // namespace

std::optional<SocketFile> socket_file(const std::string& path)
{
    struct stat status {};
    if (::lstat(path.c_str(), &status) < 0 || !S_ISSOCK(status.st_mode)) return std::nullopt;
    return SocketFile{status.st_dev, status.st_ino};
}

int remove_stale(const model::ListenAddress& address)
{
    struct stat status {};
    if (::lstat(address.host.c_str(), &status) < 0) return errno == ENOENT ? 0 : errno;
    if (!S_ISSOCK(status.st_mode)) return ENOTSOCK;
    if (is_answered(address)) return EADDRINUSE;
    return ::unlink(address.host.c_str()) < 0 && errno != ENOENT ? errno : 0;
}

int set_access(const std::string& path, uid_t uid, gid_t gid, mode_t mode)
{
    // Somebody may move things about in that directory meanwhile: only a socket with no other name is touched.
    const base::Fd file(::open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    struct stat status {};
    if (!file || ::fstat(file.get(), &status) < 0) return errno;
    if (!S_ISSOCK(status.st_mode) || status.st_nlink != 1) return ESTALE;
    if (::fchownat(file.get(), "", uid, gid, AT_EMPTY_PATH) < 0) return errno;
    return ::chmod(("/proc/self/fd/" + std::to_string(file.get())).c_str(), mode) < 0 ? errno : 0;
}

void remove_own(const std::string& path, const SocketFile& ours)
{
    if (socket_file(path) == ours) ::unlink(path.c_str());
}

} // namespace pm::channel
