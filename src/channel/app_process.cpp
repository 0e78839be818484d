// SPDX-License-Identifier: Apache-2.0
#include "channel/app_process.hpp"

#include "base/text.hpp"
#include "io/capabilities.hpp"
#include "io/small_file.hpp"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <dirent.h>
#include <fmt/format.h>
#include <iterator>
#include <memory>
#include <sys/syscall.h>
#include <unistd.h>

namespace pm::channel {
namespace {

struct CloseDir {
    void operator()(DIR* directory) const noexcept { ::closedir(directory); }
};
using Directory = std::unique_ptr<DIR, CloseDir>;

/// The numbers that are names in a directory, until `visit` returns false. False: it cannot be read.
template <typename Visit>
bool visit_numbers(const Directory& directory, Visit&& visit)
{
    if (!directory) return false;
    while (const dirent* entry = ::readdir(directory.get()))
        if (const auto number = base::parse_number<int>(entry->d_name); number && !visit(*number)) break;
    return true;
}

/// Field 3 of proc_pid_stat(5); the name before it may hold anything.
char state_in(const std::string& path)
{
    const auto line = io::read_small_file(path, 4096);
    const std::size_t name_end = line ? line->rfind(')') : std::string::npos;
    return name_end == std::string::npos || name_end + 2 >= line->size() ? 'X' : (*line)[name_end + 2];
}

/// By proc_pid_syscall(5); -1: it is in none, or we may not know.
long system_call_of(pid_t pid, pid_t thread)
{
    const io::PtraceAccess access;
    const auto line = io::read_small_file(fmt::format("/proc/{}/task/{}/syscall", pid, thread), 4096);
    return line ? base::parse_number<long>(line->substr(0, line->find(' '))).value_or(-1) : -1;
}

} // namespace

std::optional<SignalMasks> masks_of_thread(pid_t pid, pid_t thread)
{
    const auto text = io::read_small_file(fmt::format("/proc/{}/task/{}/status", pid, thread), 65536);
    if (!text) return std::nullopt;
    SignalMasks masks;
    for (const std::string& line : base::split(*text, '\n')) {
        const auto field = [&](std::string_view name, std::uint64_t& mask) {
            if (line.starts_with(name)) mask = std::strtoull(line.c_str() + name.size(), nullptr, 16);
        };
        field("SigCgt:", masks.caught);
        field("SigIgn:", masks.ignored);
        field("SigBlk:", masks.blocked);
        field("ShdPnd:", masks.pending);
    }
    return masks;
}

std::vector<pid_t> threads_of(pid_t pid)
{
    std::vector<pid_t> threads;
    (void)visit_numbers(Directory(::opendir(fmt::format("/proc/{}/task", pid).c_str())), [&](int thread) {
        threads.push_back(thread);
        return true;
    });
    return threads;
}

pid_t parent_of(pid_t pid)
{
    // Field 4 of proc_pid_stat(5), after the state.
    const auto line = io::read_small_file(fmt::format("/proc/{}/stat", pid), 4096);
    const std::size_t name_end = line ? line->rfind(')') : std::string::npos;
    return name_end == std::string::npos || name_end + 4 >= line->size() ? 0 : static_cast<pid_t>(std::strtol(line->c_str() + name_end + 4, nullptr, 10));
}

bool waits_in_epoll(pid_t pid, pid_t thread)
{
    constexpr long kWaits[] = {
#ifdef SYS_epoll_wait
        SYS_epoll_wait,
#endif
        SYS_epoll_pwait, SYS_epoll_pwait2};
    return std::ranges::find(kWaits, system_call_of(pid, thread)) != std::end(kWaits);
}

bool waits_for_signal(pid_t pid, pid_t thread) { return system_call_of(pid, thread) == SYS_rt_sigtimedwait; }

AppProcess::AppProcess(pid_t pid) : pid_(pid), pidfd_(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))) {}

void AppProcess::signal(int signal) const noexcept
{
    ::syscall(SYS_pidfd_send_signal, pidfd_.get(), signal, nullptr, 0);
}

void AppProcess::signal_threads(int signal) const
{
    const Directory tasks(::opendir(fmt::format("/proc/{}/task", pid_).c_str()));
    (void)visit_numbers(tasks, [&](int thread) {
        ::syscall(SYS_tgkill, pid_, thread, signal);
        return true;
    });
}

bool AppProcess::is_stopped() const
{
    const char state = state_in(fmt::format("/proc/{}/stat", pid_));
    return state == 'T' || state == 't';
}

bool AppProcess::has_ended() const
{
    const char state = state_in(fmt::format("/proc/{}/stat", pid_));
    return state == 'Z' || state == 'X';
}

bool AppProcess::look_at_threads() const
{
    bool all = true;
    const Directory tasks(::opendir(fmt::format("/proc/{}/task", pid_).c_str()));
    (void)visit_numbers(tasks, [&](int thread) {
        const char state = state_in(fmt::format("/proc/{}/task/{}/stat", pid_, thread));
        all = state == 'T' || state == 'Z' || state == 'X';
        return all;
    });
    return all;
}

/// Twice, as one that was made while we looked may have been missed; who is stopped makes none.
bool AppProcess::is_all_stopped() const
{
    return look_at_threads() && look_at_threads();
}

std::optional<SignalMasks> AppProcess::signals() const { return masks_of_thread(pid_, pid_); }

base::Fd AppProcess::copy(int number) const noexcept
{
    const io::PtraceAccess access;
    return base::Fd(static_cast<int>(::syscall(SYS_pidfd_getfd, pidfd_.get(), number, 0)));
}

AppProcess::Seen AppProcess::visit_sockets(std::size_t most, const std::function<bool(int, ino_t)>& visit) const
{
    const io::PtraceAccess access;
    const Directory open(::opendir(fmt::format("/proc/{}/fd", pid_).c_str()));
    std::size_t count = 0;
    const bool readable = visit_numbers(open, [&](int number) {
        if (++count > most) return false;
        char target[64];
        const ssize_t size = ::readlinkat(::dirfd(open.get()), std::to_string(number).c_str(), target, sizeof target - 1);
        const std::string_view name(target, size < 0 ? 0 : static_cast<std::size_t>(size));
        if (!name.starts_with("socket:[")) return true;
        target[size] = '\0';
        return visit(number, static_cast<ino_t>(std::strtoull(target + 8, nullptr, 10)));
    });
    if (!readable) return Seen::None;
    return count <= most ? Seen::All : Seen::First;
}

} // namespace pm::channel
