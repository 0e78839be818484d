// SPDX-License-Identifier: Apache-2.0
#include "channel/asking_process.hpp"

#include "base/text.hpp"
#include "io/capabilities.hpp"
#include "io/path_lookup.hpp"
#include "io/small_file.hpp"

#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>

namespace pm::channel {
namespace {

/// The number behind "name:" in a file of /proc; nothing when there is none.
std::optional<unsigned> field_of(const std::string& path, std::string_view name, int base)
{
    const auto text = io::read_small_file(path, 8192);
    if (!text) return std::nullopt;
    for (const std::string& line : base::split(*text, '\n'))
        if (line.starts_with(name)) return static_cast<unsigned>(std::strtoul(line.c_str() + name.size(), nullptr, base));
    return std::nullopt;
}

/// The path is looked up in it without CAP_SYS_PTRACE.
base::Fd root_of(pid_t pid)
{
    const io::PtraceAccess access;
    return base::Fd(::open(fmt::format("/proc/{}/root", pid).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
}

} // namespace

AskingProcess::AskingProcess(pid_t thread)
{
    const auto leader = thread > 0 ? field_of(fmt::format("/proc/{}/status", thread), "Tgid:", 10) : std::nullopt;
    if (!leader) return;
    pid_ = static_cast<pid_t>(*leader);
    pidfd_ = base::Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
}

AskingProcess AskingProcess::duplicate() const noexcept
{
    AskingProcess other;
    other.pid_ = pid_;
    other.pidfd_ = base::Fd(::fcntl(pidfd_.get(), F_DUPFD_CLOEXEC, 3));
    return other;
}

base::Fd AskingProcess::copy(int number) const noexcept
{
    const io::PtraceAccess access;
    return base::Fd(static_cast<int>(::syscall(SYS_pidfd_getfd, pidfd_.get(), number, 0)));
}

bool AskingProcess::read(std::uint64_t from, void* to, std::size_t size) const noexcept
{
    const io::PtraceAccess access;
    const iovec local{to, size};
    const iovec remote{reinterpret_cast<void*>(from), size};
    return ::process_vm_readv(pid_, &local, 1, &remote, 1, 0) == static_cast<ssize_t>(size);
}

bool AskingProcess::closes_on_exec(int number) const
{
    const io::PtraceAccess access;
    const auto flags = field_of(fmt::format("/proc/{}/fdinfo/{}", pid_, number), "flags:", 8);
    return flags && (*flags & O_CLOEXEC) != 0;
}

base::Fd AskingProcess::root() const { return root_of(pid_); }

std::optional<SocketFile> AskingProcess::find_socket(const std::string& path) const
{
    const base::Fd root = root_of(pid_);
    if (!root) return std::nullopt;
    const io::PathEnd end = io::look_up(path, io::LastLink::Followed, root.get());
    const base::Fd file(end.error == 0 ? ::openat(end.directory.get(), end.name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC) : -1);
    struct statx status {};
    if (!file || ::statx(file.get(), "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE | STATX_INO, &status) < 0 ||
        !S_ISSOCK(status.stx_mode))
        return std::nullopt;
    return SocketFile{makedev(status.stx_dev_major, status.stx_dev_minor), status.stx_ino};
}

} // namespace pm::channel
