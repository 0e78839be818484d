// SPDX-License-Identifier: Apache-2.0
#include "io/acting_as.hpp"

#include "io/capabilities.hpp"
#include "io/path_lookup.hpp"

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <fcntl.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

namespace pm::io {
namespace {

// The system calls themselves: those of the C library change all threads, with signals.
constexpr auto kSame = static_cast<uid_t>(-1);

int set_groups(const std::vector<gid_t>& groups) noexcept
{
    return ::syscall(SYS_setgroups, groups.size(), groups.data()) < 0 ? errno : 0;
}

int set_effective_user(uid_t uid) noexcept { return ::syscall(SYS_setresuid, kSame, uid, kSame) < 0 ? errno : 0; }
int set_effective_group(gid_t gid) noexcept { return ::syscall(SYS_setresgid, kSame, gid, kSame) < 0 ? errno : 0; }

/// What a child does with one socket, whose address only the child looks up.
struct AddressCall {
    int socket;
    const sockaddr* address;
    socklen_t size;
    bool binds;
    int error;
};

/// Runs in the child, which shares the memory of its parent but not its descriptors. No other descriptor of pmd's is left
/// to which /proc/self/fd could lead.
#if defined(__SANITIZE_ADDRESS__)
__attribute__((no_sanitize("address")))
#endif
int carry_out(void* data) noexcept
{
    auto& call = *static_cast<AddressCall*>(data);
    const auto socket = static_cast<unsigned>(call.socket);
    if (socket > 0) ::syscall(SYS_close_range, 0U, socket - 1, 0U);
    ::syscall(SYS_close_range, socket + 1, ~0U, 0U);
    const long result = ::syscall(call.binds ? SYS_bind : SYS_connect, call.socket, call.address, call.size);
    call.error = result < 0 ? errno : 0;
    return 0;
}

bool is_path(const sockaddr* address, socklen_t size) noexcept
{
    return address->sa_family == AF_UNIX && size > offsetof(sockaddr_un, sun_path) &&
           reinterpret_cast<const sockaddr_un*>(address)->sun_path[0] != '\0';
}

std::string path_of(const sockaddr* address, socklen_t size)
{
    const auto* local = reinterpret_cast<const sockaddr_un*>(address);
    return std::string(local->sun_path, ::strnlen(local->sun_path, size - offsetof(sockaddr_un, sun_path)));
}

} // namespace

std::string why_no_path(int error)
{
    if (error == ELOOP) return "it has too many symbolic links, or leads into a procfs, where pmd opens nothing for a user";
    return std::strerror(error);
}

ActingAs::ActingAs(const model::Identity* who, std::optional<int> keep)
{
    if (who == nullptr || ::geteuid() != 0) return;
    const auto own = own_capabilities();
    const int count = ::getgroups(0, nullptr);
    own_groups_.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    if (!own || count < 0 || ::getgroups(count, own_groups_.data()) != count) {
        error_ = errno;
        return;
    }
    if (who->uid == kSame || who->gid == kSame) { // setresuid(2) would change nothing
        error_ = EPERM;
        return;
    }
    own_effective_ = own->effective;
    error_ = set_groups(who->groups);
    if (error_ != 0) return;
    changed_ = true;
    error_ = set_effective_group(who->gid);
    if (error_ == 0) error_ = set_effective_user(who->uid);
    strict_ = who->uid != 0; // for user 0 pmd keeps its own rights
    if (error_ == 0 && strict_) error_ = set_effective(keep ? own_effective_ & (std::uint64_t{1} << static_cast<unsigned>(*keep)) : 0);
    if (error_ != 0) restore();
}

ActingAs::~ActingAs()
{
    const int kept = errno; // of what was done meanwhile
    restore();
    errno = kept;
}

/// Going back is always allowed: to what the real and saved ids are, with the groups and capabilities that were had.
void ActingAs::restore() noexcept
{
    if (!changed_) return;
    (void)set_effective_user(::getuid());
    (void)set_effective_group(::getgid());
    (void)set_effective(own_effective_);
    set_groups(own_groups_);
    changed_ = false;
}

base::Fd ActingAs::open(const std::string& path, int flags, mode_t mode) const
{
    if (error_ != 0) {
        errno = error_;
        return {};
    }
    if (!strict_) return base::Fd(::open(path.c_str(), flags | O_CLOEXEC, mode));
    const bool follows = (flags & O_NOFOLLOW) == 0 && (flags & (O_CREAT | O_EXCL)) != (O_CREAT | O_EXCL);
    const PathEnd at = look_up(path, follows ? LastLink::Followed : LastLink::NotFollowed);
    base::Fd fd(at.error == 0 ? ::openat(at.directory.get(), at.name.c_str(), flags | O_NOFOLLOW | O_CLOEXEC, mode) : -1);
    if (fd && !is_in_procfs(fd.get())) return fd;
    const int error = at.error != 0 ? at.error : fd ? ELOOP : errno;
    fd.reset();
    errno = error;
    return fd;
}

int ActingAs::status(const std::string& path, struct stat& status, int flags) const
{
    const base::Fd file = open(path, O_PATH | ((flags & AT_SYMLINK_NOFOLLOW) != 0 ? O_NOFOLLOW : 0));
    return !file || ::fstat(file.get(), &status) < 0 ? errno : 0;
}

PathEnd ActingAs::end_of(const std::string& path) const
{
    if (error_ != 0) return {{}, {}, error_};
    if (strict_) return look_up(path, LastLink::NotFollowed);
    return {base::Fd(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)), path, 0};
}

int ActingAs::make_directory(const std::string& path, mode_t mode) const
{
    const PathEnd at = end_of(path);
    if (at.error != 0) return at.error;
    return ::mkdirat(at.directory.get(), at.name.c_str(), mode) < 0 ? errno : 0;
}

int ActingAs::remove(const std::string& path) const
{
    const PathEnd at = end_of(path);
    if (at.error != 0) return at.error;
    return ::unlinkat(at.directory.get(), at.name.c_str(), 0) < 0 ? errno : 0;
}

int ActingAs::rename(const std::string& from, const std::string& to) const
{
    const PathEnd source = end_of(from);
    const PathEnd target = end_of(to);
    if (source.error != 0 || target.error != 0) return source.error != 0 ? source.error : target.error;
    return ::renameat(source.directory.get(), source.name.c_str(), target.directory.get(), target.name.c_str()) < 0 ? errno : 0;
}

int ActingAs::bind(int socket, const sockaddr* address, socklen_t size) const { return by_child(socket, address, size, true); }
int ActingAs::connect(int socket, const sockaddr* address, socklen_t size) const { return by_child(socket, address, size, false); }

/// bind(2) and connect(2) take no descriptor of a directory, and follow magic links. The child has the same credentials,
/// and nothing of pmd's that they could lead to; pmd waits the microseconds that it lives. No user can stop or trace it.
int ActingAs::by_child(int socket, const sockaddr* address, socklen_t size, bool binds) const
{
    if (error_ != 0) return error_;
    if (!strict_ || !is_path(address, size))
        return (binds ? ::bind(socket, address, size) : ::connect(socket, address, size)) < 0 ? errno : 0;
    if (const PathEnd at = end_of(path_of(address, size)); at.error != 0) return at.error;
    AddressCall call{socket, address, size, binds, ECHILD};
    alignas(16) std::array<std::byte, 32U << 10U> stack;
    const pid_t child = ::clone(carry_out, stack.data() + stack.size(), CLONE_VM | CLONE_VFORK, &call);
    if (child < 0) return errno;
    while (::waitpid(child, nullptr, __WALL) < 0 && errno == EINTR) {
    }
    return call.error;
}

} // namespace pm::io
