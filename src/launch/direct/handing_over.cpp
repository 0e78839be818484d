// SPDX-License-Identifier: Apache-2.0
// Another pmd is executed in the place of this one, and goes on with its children.
#include "launch/direct/impl.hpp"

#include "launch/process/accounts.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace pm::launch {
namespace {

using model::ExitInfo;

/// Only a parent learns how a process ended.
ExitInfo end_of_foreign() { return {.kind = ExitInfo::Kind::Lost, .detail = "ended, how is unknown (started by a pmd that was killed)"}; }

ExitInfo unseen() { return {.kind = ExitInfo::Kind::Lost, .detail = "ended unseen while pmd was away"}; }

} // namespace

Earlier left_as(const Generation& generation)
{
    Earlier left;
    left.waiting = generation.waiting;
    left.main_alive = generation.main_alive();
    left.pid = generation.pid;
    left.foreign = generation.foreign;
    left.start_time = generation.start_time;
    left.cgroup = generation.cgroup;
    left.pid_file = generation.pid_file;
    left.exit = generation.exit;
    left.killed = generation.killed;
    left.told = generation.told;
    left.outputs = generation.outputs;
    left.known = generation.known;
    return left;
}

/// What pm-exec has yet to say would be lost, as would the end of one that failed.
bool DirectLauncher::Impl::at_rest() const
{
    return failed_.empty() && adopted_.empty() && decisions_.empty() && std::ranges::none_of(generations_, [](const auto& entry) {
               const Generation& generation = *entry.second;
               return generation.talk.open() || (generation.failed && generation.main_alive());
           });
}

std::string DirectLauncher::Impl::state() const
{
    EarlierLauncher left;
    if (cgroups_ && !cgroups_->root().empty()) {
        left.cgroup_root = cgroups_->root();
        left.cgroup_root_name = cgroups_->root_name();
    }
    for (const Lingering& one : lingering_)
        if (!one.leaf.starts_with("../")) left.lingering.push_back(one.leaf); // those are found again
    for (const auto& [key, generation] : generations_) left.processes.emplace(key, left_as(*generation));
    return to_bytes(left);
}

/// Before the first adopt(): also the cgroups of the launcher before, which are ours.
void DirectLauncher::Impl::read_earlier()
{
    if (options_.earlier.empty()) {
        if (options_.cgroups) cgroups_.emplace();
        return;
    }
    auto earlier = earlier_from(std::exchange(options_.earlier, {}));
    if (!earlier) warn_("what the pmd before knew of its processes cannot be read: " + earlier.error().message);
    if (!earlier) earlier.emplace();
    if (options_.cgroups || !earlier->cgroup_root.empty()) cgroups_.emplace(earlier->cgroup_root, earlier->cgroup_root_name);
    if (cgroups_ && !options_.cgroups) cgroups_->disable();
    earlier_ = std::move(earlier->processes);
    for (const std::string& leaf : earlier->lingering)
        if (cgroups_) linger(leaf);
}

void DirectLauncher::Impl::adopt(const engine::LaunchRequest& request)
{
    auto earlier = earlier_.extract(request.key);
    if (!earlier && !request.ran) return launch(request); // end_unclaimed() ended what there was of it
    if (!earlier) return defer_gone(request.key, unseen());
    if (earlier.mapped().waiting) return launch(request);
    const auto [at, fresh] = generations_.try_emplace(request.key);
    if (!fresh) return warn_("internal error: a process was adopted twice under one key");
    at->second = std::make_unique<Generation>();
    Generation& generation = *at->second;
    generation.request = request;
    if (const auto account = accounts_.find(request.spec->user, request.spec->group)) generation.user = identity_of(*account);
    output_.resume(request, generation.user);
    channels_.reconnect(request, generation.user);
    if (!take_up(generation, earlier.mapped())) {
        generations_.erase(at);
        return defer_gone(request.key, unseen());
    }
    adopted_.push_back(request.key);
    deferred_.set_enabled(true);
}

/// False: the main process cannot be watched.
bool DirectLauncher::Impl::take_up(Generation& generation, Earlier& earlier)
{
    generation.pid = earlier.pid;
    generation.cgroup = std::move(earlier.cgroup);
    generation.pid_file = std::move(earlier.pid_file);
    generation.exit = std::move(earlier.exit);
    generation.killed = earlier.killed;
    generation.told = earlier.told;
    generation.outputs = std::move(earlier.outputs);
    generation.known = std::move(earlier.known);
    generation.adopted = true;
    generation.foreign = earlier.foreign;
    generation.start_time = earlier.start_time;
    generation.unseen = earlier.foreign && !earlier.main_alive;
    if (!earlier.main_alive) return true;
    return earlier.foreign ? take_up_foreign(generation) : watch_earlier(generation);
}

/// True also when it has ended: what it left is looked at.
bool DirectLauncher::Impl::take_up_foreign(Generation& generation)
{
    generation.exit = end_of_foreign();
    const auto info = read_process(generation.pid);
    if (info && info->start_time == generation.start_time && !info->ended()) generation.main.fd = open_process(*info);
    generation.unseen = !generation.main.fd;
    return generation.unseen || watch_earlier(generation);
}

bool DirectLauncher::Impl::watch_earlier(Generation& generation)
{
    // Our child, not yet reaped: the number is its own, even if it has ended.
    if (!generation.main.fd) generation.main.fd = base::Fd(static_cast<int>(::syscall(SYS_pidfd_open, generation.pid, 0)));
    if (!generation.main.fd) {
        warn_(generation.request.spec->name + ": process " + std::to_string(generation.pid) + " cannot be watched: " + std::strerror(errno));
        return false;
    }
    auto main = loop_.add_io(generation.main.fd.get(), EPOLLIN, io::Priority::Processes,
                             [this, &generation](std::uint32_t) { on_main(generation); });
    if (!main) return false;
    generation.main.source = *std::move(main);
    mains_.emplace(generation.pid, &generation);
    return true;
}

void DirectLauncher::Impl::tell_adopted()
{
    for (const engine::ProcessKey key : std::exchange(adopted_, {}))
        if (Generation* generation = find(key)) tell_adopted(*generation);
}

void DirectLauncher::Impl::tell_adopted(Generation& generation)
{
    if (!std::exchange(generation.adopted, false)) return; // it ended meanwhile, which told it
    if (generation.main_alive()) return events_->on_running(generation.request.key, generation.pid);
    check_leftovers(generation);
}

} // namespace pm::launch
