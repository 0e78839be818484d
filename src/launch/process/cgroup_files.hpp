// SPDX-License-Identifier: Apache-2.0
// Questions to one cgroup2 directory, by its path in the file system (kernel: Documentation/admin-guide/cgroup-v2).
#pragma once

#include "launch/process/watched.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace pm::launch {

/// Of cgroups that an app made below its own: how many levels are looked at.
inline constexpr int kMaxCgroupDepth = 16;

/// Where cgroup2 is mounted and where in it a process is, from the texts of /proc/self/mountinfo and /proc/<pid>/cgroup:
/// {file system path, cgroup name}. Nothing when there is none.
struct OwnCgroup {
    std::string path;
    std::string name;
};
[[nodiscard]] std::optional<OwnCgroup> find_own_cgroup(std::string_view mountinfo, std::string_view cgroup);

/// The cgroup2 directory of a living process; empty when it has none.
[[nodiscard]] std::string cgroup_of(pid_t pid);

/// The same of a cgroup as systemd calls it (ControlGroup=); empty when it cannot be told.
[[nodiscard]] std::string path_of_cgroup(std::string_view name);

/// The processes in the cgroup and below it.
[[nodiscard]] std::vector<pid_t> cgroup_members(const std::string& path);
/// True while something lives in the cgroup or below it.
[[nodiscard]] bool cgroup_populated(const std::string& path);
/// Sends `signal` once to each process in the cgroup and below it, also to what they start meanwhile. Returns who got it.
std::set<pid_t> signal_cgroup(const std::string& path, int signal);
/// SIGKILL to all of it at once; false when the kernel cannot (before Linux 5.14) or we may not.
bool cgroup_kill(const std::string& path);
[[nodiscard]] std::optional<std::uint64_t> cgroup_cpu_usec(const std::string& path);
/// Nothing when the memory controller is not there.
[[nodiscard]] std::optional<std::uint64_t> cgroup_memory_bytes(const std::string& path);
/// The same without the pages of files that the kernel can drop (memory.stat, active_file and inactive_file).
[[nodiscard]] std::optional<std::uint64_t> cgroup_held_bytes(const std::string& path);
[[nodiscard]] std::vector<std::string> cgroups_below(const std::string& path);

/// Calls back when the cgroup may have become empty, and perhaps at other times. Where the kernel does not tell, a timer
/// does it once, and is to be armed again (`fd` is empty then) for emptiness_poll().
[[nodiscard]] base::Result<Watched> watch_emptiness(io::EventLoop& loop, const std::string& path,
                                                    std::function<void()> callback);
[[nodiscard]] model::TimePoint emptiness_poll();

} // namespace pm::launch
