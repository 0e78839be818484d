// SPDX-License-Identifier: Apache-2.0
#include "launch/direct/impl.hpp"

#include "launch/direct/checking.hpp"
#include "launch/process/pid_file.hpp"

#include <cerrno>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/wait.h>
#include <unistd.h>

namespace pm::launch {
namespace {

using model::ExitInfo;

constexpr int kReapsAtOnce = 1024; ///< then others are served first
constexpr auto kBetweenLooks = std::chrono::milliseconds(100);
constexpr auto kSettling = std::chrono::milliseconds(2); ///< an execve(2) takes less, most of the time

} // namespace

ExitInfo to_exit(const siginfo_t& info)
{
    ExitInfo exit;
    exit.kind = info.si_code == CLD_EXITED ? ExitInfo::Kind::Exited : ExitInfo::Kind::Signaled;
    exit.code = info.si_status;
    exit.core_dumped = info.si_code == CLD_DUMPED;
    return exit;
}

void DirectLauncher::Impl::on_main(Generation& generation)
{
    siginfo_t info{};
    const auto pidfd = static_cast<id_t>(generation.main.fd.get());
    if (::waitid(static_cast<idtype_t>(P_PIDFD), pidfd, &info, WEXITED | WNOHANG) < 0) {
        if (errno != ECHILD) return;
        info.si_pid = 0; // somebody else's wait took it
    } else if (info.si_pid == 0) {
        return;
    }
    main_ended(generation, info);
}

/// The main process is reaped; `info.si_pid` is 0 when nobody knows how it ended.
void DirectLauncher::Impl::main_ended(Generation& generation, const siginfo_t& info)
{
    const Talk::Heard heard = read_answer(generation);
    if (!generation.failed && info.si_pid != 0) generation.exit = to_exit(info);
    generation.talk.end();
    generation.main.reset();
    mains_.erase(generation.pid);
    if (!generation.pid_file.empty()) remove_pid_file(generation.pid_file, generation.pid, generation.user.get());
    // A program may have come and gone before the loop saw it run; the engine hears of both, in order.
    const bool unheard = std::exchange(generation.adopted, false) && info.si_pid != 0; // of its adoption
    if (heard == Talk::Heard::Running || unheard) events_->on_running(generation.request.key, generation.pid);
    check_leftovers(generation);
}

/// Called when the main process has ended, and whenever something of what it left may have ended.
void DirectLauncher::Impl::check_leftovers(Generation& generation)
{
    if (!generation.group() || generation.failed || left(generation) == Left::Nothing) {
        finish(generation);
        return;
    }
    if (generation.killed) signal_all(generation, SIGKILL); // what was being forked when the others got it
    watch_leftovers(generation);
    const Left now = left(generation);
    if (now == Left::Nothing) { // it ended before the watch was there to see it
        finish(generation);
        return;
    }
    if (now == Left::Perhaps) {
        ask_again_.set_time(std::chrono::steady_clock::now() + kSettling);
        return;
    }
    // A process may be counted for a moment after it was reaped; the watch tells when that is over.
    if (!generation.cgroup.empty() && cgroups_->members(generation.cgroup).empty()) return;
    if (std::exchange(generation.told, true)) return;
    events_->on_main_exited(generation.request.key, generation.exit);
}

DirectLauncher::Impl::Left DirectLauncher::Impl::left(Generation& generation)
{
    if (!generation.cgroup.empty())
        return cgroups_->remove(generation.cgroup) == Cgroups::Removal::Populated ? Left::Something : Left::Nothing;
    const auto adopted = family_.adopted(generation);
    if (!adopted.members.empty()) return Left::Something;
    return adopted.unsettled ? Left::Perhaps : Left::Nothing;
}

void DirectLauncher::Impl::check_all_leftovers()
{
    const auto waiting = waiting_; // what is told may change the set
    for (const engine::ProcessKey key : waiting)
        if (Generation* generation = find(key)) check_leftovers(*generation);
}

/// Has check_leftovers() called again: by the leaf's own events, or by reap(), as what is left are our children.
void DirectLauncher::Impl::watch_leftovers(Generation& generation)
{
    if (generation.cgroup.empty()) {
        waiting_.insert(generation.request.key);
        if (generation.foreign) ask_again_.set_time(std::chrono::steady_clock::now() + kBetweenLooks); // nobody tells us of strangers
        return;
    }
    if (generation.emptiness.source) {
        if (!generation.emptiness.fd) generation.emptiness.source.set_time(emptiness_poll());
        return;
    }
    auto watched = watch_emptiness(loop_, cgroups_->path(generation.cgroup), [this, &generation] { check_leftovers(generation); });
    if (watched)
        generation.emptiness = *std::move(watched);
    else
        warn_(watched.error().message);
}

/// Removes a leaf whose processes are spared, now or when they have ended by themselves.
void DirectLauncher::Impl::linger(const std::string& leaf)
{
    if (cgroups_->remove(leaf) == Cgroups::Removal::Removed) return;
    lingering_.push_back({leaf, {}});
    const auto at = std::prev(lingering_.end());
    const auto check = [this, at] {
        if (cgroups_->remove(at->leaf) == Cgroups::Removal::Removed)
            lingering_.erase(at);
        else if (!at->emptiness.fd)
            at->emptiness.source.set_time(emptiness_poll());
    };
    if (auto watched = watch_emptiness(loop_, cgroups_->path(leaf), check)) at->emptiness = *std::move(watched);
    check(); // it may have become empty before the watch was there to see it
}

void DirectLauncher::Impl::finish(Generation& generation)
{
    const engine::ProcessKey key = generation.request.key;
    const ExitInfo exit = std::move(generation.exit);
    const bool spared = !generation.group() || generation.failed;
    if (spared && !generation.cgroup.empty()) linger(generation.cgroup);
    waiting_.erase(key);
    generations_.erase(key);
    events_->on_gone(key, exit);
}

/// Reaps adopted processes. A main process met here is handled as its pidfd would have it: no exit status is lost.
void DirectLauncher::Impl::reap()
{
    bool adopted_ended = false;
    int count = 0;
    for (; count < kReapsAtOnce; ++count) {
        siginfo_t info{};
        if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0) break;
        if (info.si_code == CLD_TRAPPED) { // it is held while it ends (channel/thread_hold)
            siginfo_t told{};
            ::waitid(P_PID, static_cast<id_t>(info.si_pid), &told, WSTOPPED | WNOHANG | __WALL);
            continue;
        }
        const auto found = mains_.find(info.si_pid);
        if (found != mains_.end()) {
            on_main(*found->second);
            continue;
        }
        if (const auto check = checks_.find(info.si_pid); check != checks_.end()) {
            check->second->on_main();
            continue;
        }
        adopted_ended = true;
        family_.forget(info.si_pid);
        siginfo_t reaped{};
        ::waitid(P_PID, static_cast<id_t>(info.si_pid), &reaped, WEXITED | WNOHANG);
    }
    if (count == kReapsAtOnce) {
        reap_again_ = true;
        deferred_.set_enabled(true);
    }
    if (adopted_ended) check_all_leftovers();
}

} // namespace pm::launch
