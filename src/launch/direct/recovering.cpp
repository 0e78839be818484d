// SPDX-License-Identifier: Apache-2.0
// A pmd that was killed leaves processes that nobody is the parent of. The next one finds them by what was written down of
// them, watches them by pidfd, and has their sockets and the pipes of their output from the processes themselves.
#include "launch/direct/impl.hpp"

#include <algorithm>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace pm::launch {

std::string DirectLauncher::Impl::trace(std::span<const engine::ProcessKey> keys)
{
    EarlierLauncher left;
    for (const engine::ProcessKey key : keys) {
        Generation* generation = find(key);
        if (generation == nullptr || generation->waiting || generation->pid == 0) continue;
        if (generation->start_time == 0)
            if (const auto info = read_process(generation->pid)) generation->start_time = info->start_time;
        Earlier process = left_as(*generation);
        if (!process.cgroup.empty()) process.cgroup = cgroups_->seen_from_beside(process.cgroup);
        process.foreign = true;
        left.processes.emplace(key, std::move(process));
    }
    return left.processes.empty() ? std::string() : to_bytes(left);
}

void DirectLauncher::Impl::recover(const std::string& trace)
{
    auto left = earlier_from(trace);
    if (!left) return warn_("what a pmd that was killed wrote down of its processes cannot be read: " + left.error().message);
    for (auto& [key, process] : left->processes) {
        if (!process.cgroup.empty() && !(cgroups_ && cgroups_->usable())) process.cgroup.clear(); // its session tells
        earlier_.insert_or_assign(key, std::move(process));
    }
}

/// Its main process, if it lives.
std::optional<ProcessInfo> DirectLauncher::Impl::recovered(engine::ProcessKey key) const
{
    const auto found = earlier_.find(key);
    if (found == earlier_.end() || !found->second.foreign || !found->second.main_alive) return std::nullopt;
    const auto info = read_process(found->second.pid);
    if (!info || info->start_time != found->second.start_time || info->ended()) return std::nullopt;
    return info;
}

std::string DirectLauncher::trace(std::span<const engine::ProcessKey> keys) { return impl_->trace(keys); }

void DirectLauncher::recover(const std::string& trace) { impl_->recover(trace); }

base::Fd DirectLauncher::descriptor_of(engine::ProcessKey key, int number)
{
    const auto info = impl_->recovered(key);
    const base::Fd process = info ? open_process(*info) : base::Fd();
    return process ? base::Fd(static_cast<int>(::syscall(SYS_pidfd_getfd, process.get(), number, 0))) : base::Fd(); // close-on-exec
}

base::Fd DirectLauncher::output_of(engine::ProcessKey key, int number)
{
    const auto info = impl_->recovered(key);
    if (!info) return {};
    // What the program has there now may be another pipe, which others read; and another process may have the number.
    const std::string path = "/proc/" + std::to_string(info->pid) + "/fd/" + std::to_string(number);
    const auto is_given = [&given = impl_->earlier_.at(key).outputs](const struct stat& status) {
        return S_ISFIFO(status.st_mode) && std::ranges::find(given, FileId{status.st_dev, status.st_ino}) != given.end();
    };
    struct stat status {};
    if (::stat(path.c_str(), &status) < 0 || !is_given(status)) return {};
    base::Fd pipe(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    return pipe && ::fstat(pipe.get(), &status) == 0 && is_given(status) ? std::move(pipe) : base::Fd();
}

} // namespace pm::launch
