// SPDX-License-Identifier: Apache-2.0
// A pmd that was killed leaves processes that nobody is the parent of. The next one finds them by what was written down of
// them, watches them by pidfd, and has their sockets and the pipes of their output from the processes themselves.
#include "launch/direct/impl.hpp"

#include "io/capabilities.hpp"
#include <algorithm>
#include <chrono>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace pm::launch {
namespace {

/// What was killed is gone within moments; what is not, a disk keeps.
constexpr auto kMostWaiting = std::chrono::seconds(1);
/// Each round kills what was being forked in the one before.
constexpr int kKillRounds = 64;

/// Kills `entry` and its session, which is its own; pidfds of what was there.
std::vector<base::Fd> kill_session(const LaunchJournal::Entry& entry)
{
    std::vector<base::Fd> killed;
    std::set<pid_t> done;
    for (int round = 0; round < kKillRounds; ++round) {
        const std::size_t before = done.size();
        for (const auto& [pid, info] : read_processes()) {
            if (info.ended() || (pid != entry.pid && info.session != entry.pid && info.group != entry.pid) || !done.insert(pid).second) continue;
            base::Fd process = open_process(info);
            if (process && send_signal(process, SIGKILL) == 0) killed.push_back(std::move(process));
        }
        if (done.size() == before) break;
    }
    return killed;
}

bool lives(const LaunchJournal::Entry& entry)
{
    const auto info = read_process(entry.pid);
    return info && !info->ended() && info->start_time == entry.start_time;
}

void await_ends(const std::vector<base::Fd>& processes)
{
    const auto deadline = std::chrono::steady_clock::now() + kMostWaiting;
    for (const base::Fd& process : processes) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
        pollfd end{process.get(), POLLIN, 0};
        (void)::poll(&end, 1, std::max(0, static_cast<int>(left.count())));
    }
}

} // namespace

std::string DirectLauncher::Impl::trace(std::span<const engine::ProcessKey> keys)
{
    EarlierLauncher left;
    for (const engine::ProcessKey key : keys) {
        Generation* generation = find(key);
        if (generation == nullptr || generation->waiting || generation->pid == 0) continue;
        if (generation->start_time == 0)
            if (const auto info = read_process(generation->pid)) generation->start_time = info->start_time;
        Earlier process = left_as(*generation);
        process.cgroup = seen_from_beside(process.cgroup);
        process.foreign = true;
        left.processes.emplace(key, std::move(process));
    }
    return left.processes.empty() ? std::string() : to_bytes(left);
}

void DirectLauncher::Impl::recover(const std::string& trace)
{
    auto left = earlier_from(trace);
    if (!left) {
        claims_known_ = false;
        return warn_("what a pmd that was killed wrote down of its processes cannot be read: " + left.error().message);
    }
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

std::string DirectLauncher::Impl::seen_from_beside(const std::string& leaf) const
{
    return leaf.empty() ? leaf : cgroups_->seen_from_beside(leaf);
}

void DirectLauncher::Impl::note_launch(Generation& generation)
{
    const auto info = read_process(generation.pid);
    if (!info) return;
    generation.start_time = info->start_time;
    note_launch({generation.pid, generation.start_time, seen_from_beside(generation.cgroup)});
}

void DirectLauncher::Impl::note_launch(const LaunchJournal::Entry& entry)
{
    const int error = journal_.note(entry);
    if (error == 0 && !journal_.is_long()) return;
    std::vector<LaunchJournal::Entry> living;
    for (const auto& [key, generation] : generations_)
        if (generation->main_alive() && generation->start_time != 0)
            living.push_back({generation->pid, generation->start_time, seen_from_beside(generation->cgroup)});
    for (const auto& [pid, check] : checks_)
        if (const auto info = read_process(pid)) living.push_back({pid, info->start_time, {}});
    if (living.empty() || living.back() != entry) living.push_back(entry);
    const auto kept = journal_.keep(living);
    if (!kept && !std::exchange(journal_complained_, true))
        warn_(kept.error().message + "; what is being launched while pmd is killed may run on beside its replacement");
}

/// Nothing that was noted runs any more.
void DirectLauncher::Impl::note_end()
{
    if (generations_.empty() && checks_.empty()) journal_.clear();
}

/// Before anything else is launched: sockets it was given would be in the way.
void DirectLauncher::Impl::end_unclaimed()
{
    if (!claims_known_) return;
    std::set<std::pair<pid_t, std::uint64_t>> claimed;
    for (const auto& [key, process] : earlier_) claimed.emplace(process.pid, process.start_time);
    std::vector<base::Fd> ending;
    std::vector<LaunchJournal::Entry> unclaimed;
    for (LaunchJournal::Entry& entry : journal_.read()) {
        if (claimed.contains({entry.pid, entry.start_time}) || !lives(entry)) continue;
        warn_("process " + std::to_string(entry.pid) + " was being launched when the pmd before was killed, which could not write down for what: ended");
        if (!entry.cgroup.empty() && cgroups_ && cgroups_->usable() && cgroups_->contains(entry.cgroup, entry.pid)) (void)cgroups_->kill(entry.cgroup);
        for (base::Fd& process : kill_session(entry)) ending.push_back(std::move(process));
        unclaimed.push_back(std::move(entry));
    }
    await_ends(ending);
    std::erase_if(unclaimed, [](const LaunchJournal::Entry& entry) { return !lives(entry); });
    (void)journal_.keep(unclaimed); // for the next pmd; what was there before does no harm
}

void DirectLauncher::end_unclaimed() { impl_->end_unclaimed(); }

std::string DirectLauncher::trace(std::span<const engine::ProcessKey> keys) { return impl_->trace(keys); }

void DirectLauncher::recover(const std::string& trace) { impl_->recover(trace); }

base::Fd DirectLauncher::descriptor_of(engine::ProcessKey key, int number)
{
    const auto info = impl_->recovered(key);
    const io::PtraceAccess access;
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
    const io::PtraceAccess access;
    struct stat status {};
    if (::stat(path.c_str(), &status) < 0 || !is_given(status)) return {};
    base::Fd pipe(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    return pipe && ::fstat(pipe.get(), &status) == 0 && is_given(status) ? std::move(pipe) : base::Fd();
}

} // namespace pm::launch
