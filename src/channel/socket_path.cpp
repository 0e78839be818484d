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
bool is_answered(const io::ActingAs& acting, const model::ListenAddress& address)
{
    const base::Fd probe(::socket(AF_UNIX, to_kernel(address.type) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const SocketAddress place = to_kernel(address);
    return !probe || acting.connect(probe.get(), place.get(), place.size) != ECONNREFUSED;
}

} // namespace

std::optional<SocketFile> socket_file(const io::ActingAs& acting, const std::string& path)
{
    struct stat status {};
    if (acting.status(path, status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISSOCK(status.st_mode)) return std::nullopt;
    return SocketFile{status.st_dev, status.st_ino};
}

std::optional<SocketFile> socket_file(const model::SharedIdentity& owner, const std::string& path)
{
    return socket_file(io::ActingAs(owner.get()), path);
}

int remove_stale(const io::ActingAs& acting, const model::ListenAddress& address)
{
    struct stat status {};
    if (const int error = acting.status(address.host, status, AT_SYMLINK_NOFOLLOW); error != 0) return error == ENOENT ? 0 : error;
    if (!S_ISSOCK(status.st_mode)) return ENOTSOCK;
    if (is_answered(acting, address)) return EADDRINUSE;
    const int error = acting.remove(address.host);
    return error == ENOENT ? 0 : error;
}

int set_access(const io::ActingAs& acting, const std::string& path, uid_t uid, gid_t gid, mode_t mode)
{
    // Somebody may move things about in that directory meanwhile: only a socket with no other name is touched.
    const base::Fd file = acting.open(path, O_PATH | O_NOFOLLOW);
    struct stat status {};
    if (!file || ::fstat(file.get(), &status) < 0) return errno;
    if (!S_ISSOCK(status.st_mode) || status.st_nlink != 1) return ESTALE;
    if (::fchownat(file.get(), "", uid, gid, AT_EMPTY_PATH) < 0) return errno;
    return ::chmod(("/proc/self/fd/" + std::to_string(file.get())).c_str(), mode) < 0 ? errno : 0;
}

void remove_own(const model::SharedIdentity& owner, const std::string& path, const SocketFile& ours)
{
    const io::ActingAs acting(owner.get());
    if (socket_file(acting, path) == ours) (void)acting.remove(path);
}

} // namespace pm::channel
