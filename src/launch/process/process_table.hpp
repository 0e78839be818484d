// SPDX-License-Identifier: Apache-2.0
// What /proc says about processes at one moment, and signals that reach the very process that was meant.
#pragma once

#include "base/error.hpp"
#include "base/fd.hpp"

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace pm::launch {

struct ProcessInfo {
    pid_t pid = 0;
    pid_t parent = 0;
    pid_t group = 0;
    pid_t session = 0;
    char state = '?';
    std::uint64_t start_time = 0; ///< ticks after boot: with the pid, this names a process for ever
    std::uint64_t cpu_ticks = 0;
    std::uint64_t resident_pages = 0;
    std::uint64_t threads = 1;
    /// All of it: a first thread that has ended is a zombie while others run on.
    [[nodiscard]] bool ended() const noexcept { return (state == 'Z' && threads <= 1) || state == 'X'; }
};

using ProcessTable = std::map<pid_t, ProcessInfo>;

/// A line of /proc/<pid>/stat, proc(5); the name in it may hold anything.
[[nodiscard]] std::optional<ProcessInfo> parse_stat(std::string_view line);
[[nodiscard]] std::optional<ProcessInfo> read_process(pid_t pid);
/// All processes.
[[nodiscard]] ProcessTable read_processes();
/// Those of `table` that descend from `pid`, without itself.
[[nodiscard]] std::vector<ProcessInfo> descendants_of(pid_t pid, const ProcessTable& table);
/// The living or ended children of this thread; nothing when the kernel does not list them.
[[nodiscard]] std::optional<std::vector<pid_t>> read_own_children();
/// "NAME=value" lines, at most 8 MiB of them.
[[nodiscard]] std::optional<std::vector<std::string>> read_environment(pid_t pid);
/// read_environment() for a caller who asked. Error: Busy in the middle of execve(2): ask again.
[[nodiscard]] base::Result<std::vector<std::string>> environment_of_process(pid_t pid);
/// True while `pid` is in the middle of execve(2): it has no environment then, and no arguments either.
[[nodiscard]] bool between_programs(pid_t pid);

/// What an fd is open on, as stat(2) numbers it.
struct FileId {
    dev_t device = 0;
    ino_t inode = 0;
    auto operator<=>(const FileId&) const = default;
};
/// What `pid` has for stdout and stderr, as far as that can be told.
[[nodiscard]] std::vector<FileId> read_outputs(pid_t pid);

/// A pidfd of exactly the process that `info` describes; none when it is gone or its number was given away.
[[nodiscard]] base::Fd open_process(const ProcessInfo& info);
/// 0 or errno.
int send_signal(const base::Fd& pidfd, int signal) noexcept;

/// The whole of a small file, at most `bound` bytes; nothing when it cannot be read.
[[nodiscard]] std::optional<std::string> read_small_file(const std::string& path, std::size_t bound = 1U << 20U);

} // namespace pm::launch
