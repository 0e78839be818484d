// SPDX-License-Identifier: Apache-2.0
#include "launch/direct/impl.hpp"
#include "launch/process/cgroup_files.hpp"

#include <unistd.h>
#include <utility>

namespace pm::launch {
namespace {

/// Each round signals what the one before did not see; what forks faster than this is left to the next kill().
constexpr int kRounds = 64;

/// Signals `info` unless that was done before; true if it is new.
bool signal_once(const ProcessInfo& info, int signal, std::map<pid_t, std::uint64_t>& done, const Cgroups* cgroups,
                 const std::string& leaf)
{
    const auto seen = done.find(info.pid);
    if (info.ended() || (seen != done.end() && seen->second == info.start_time)) return false;
    done[info.pid] = info.start_time;
    const base::Fd pidfd = open_process(info);
    if (!pidfd || (cgroups != nullptr && !cgroups->contains(leaf, info.pid))) return true;
    send_signal(pidfd, signal);
    return true;
}

} // namespace

void DirectLauncher::Impl::signal_all(Generation& generation, int signal)
{
    const bool by_cgroup = !generation.cgroup.empty();
    generation.killed |= signal == SIGKILL;
    // Who is below the main process is remembered before it ends and they are not below it any more.
    if (generation.group() && !by_cgroup) (void)family_.members(generation);
    const std::vector<ProcessInfo> away = escaped(generation);
    if (generation.main_alive()) send_signal(generation.main.fd, signal);
    if (!generation.group()) return;
    for (const ProcessInfo& process : away)
        if (const base::Fd one = open_process(process); one && !cgroups_->contains(generation.cgroup, process.pid)) send_signal(one, signal);
    if (by_cgroup && signal == SIGKILL && cgroups_->kill(generation.cgroup)) return;
    std::map<pid_t, std::uint64_t> done;
    for (int round = 0; round < kRounds; ++round) {
        const bool fresh = by_cgroup ? signal_cgroup_once(generation, signal, done)
                                     : signal_family_once(generation, signal, done);
        if (!fresh) return;
    }
}

/// What the main process started, if it is not in its cgroup any more: a login session (su -) or systemd-run --scope takes it elsewhere.
std::vector<ProcessInfo> DirectLauncher::Impl::escaped(Generation& generation)
{
    if (!generation.group() || generation.cgroup.empty() || !generation.main_alive()) return {};
    const std::string now = cgroup_of(generation.pid);
    if (now.empty() || cgroups_->contains(generation.cgroup, generation.pid)) return {};
    if (!std::exchange(generation.escape_told, true))
        warn_(generation.request.spec->name + ": its process " + std::to_string(generation.pid) + " has left its cgroup for '" + now +
              "'; it is signalled there, with what it started");
    return descendants_of(generation.pid, read_processes());
}

bool DirectLauncher::Impl::signal_cgroup_once(Generation& generation, int signal,
                                              std::map<pid_t, std::uint64_t>& done)
{
    bool fresh = false;
    for (const pid_t pid : cgroups_->members(generation.cgroup)) {
        if (pid == generation.pid && generation.main_alive()) continue; // it had its signal through its pidfd
        if (const auto info = read_process(pid))
            fresh |= signal_once(*info, signal, done, &*cgroups_, generation.cgroup);
    }
    return fresh;
}

bool DirectLauncher::Impl::signal_family_once(Generation& generation, int signal,
                                              std::map<pid_t, std::uint64_t>& done)
{
    bool fresh = false;
    for (const ProcessInfo& info : family_.members(generation))
        fresh |= signal_once(info, signal, done, nullptr, {});
    return fresh;
}

std::optional<model::Usage> DirectLauncher::Impl::usage(Generation& generation)
{
    const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    const auto tick_usec = 1'000'000ULL / static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
    model::Usage usage;
    if (!generation.cgroup.empty()) {
        const auto cpu = cgroups_->cpu_usec(generation.cgroup);
        if (!cpu) return std::nullopt;
        usage.cpu_usec = *cpu;
        if (const auto memory = cgroups_->memory_bytes(generation.cgroup)) {
            usage.memory_bytes = *memory;
            return usage;
        }
        for (const pid_t pid : cgroups_->members(generation.cgroup)) // no memory controller: what each has resident
            if (const auto info = read_process(pid)) usage.memory_bytes += info->resident_pages * page;
        return usage;
    }
    if (!generation.main_alive()) return std::nullopt;
    const auto info = read_process(generation.pid);
    if (!info) return std::nullopt;
    usage.cpu_usec = info->cpu_ticks * tick_usec;
    usage.memory_bytes = info->resident_pages * page;
    return usage;
}

} // namespace pm::launch
