// SPDX-License-Identifier: Apache-2.0
// What is known of a running app: states, how a process ended, and the snapshots that lists are made of.
#pragma once

#include "base/ids.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace pm::model {

/// CLOCK_MONOTONIC; decisions are made with it.
using TimePoint = std::chrono::steady_clock::time_point;
using Duration = std::chrono::microseconds;
/// CLOCK_REALTIME; only ever shown.
using WallTime = std::chrono::system_clock::time_point;

/// State of an instance, and by its "worst" instance of an app. Waiting: for the apps it depends on.
/// Unhealthy: online, but its checks fail (`health`).
enum class Status { Stopped, Waiting, Starting, Online, Unhealthy, Stopping, Backoff, Errored };

/// The step of starting a process that failed. The messages are in launch/process/ ("changing to directory").
enum class LaunchStage {
    Resources,      // pipes, sockets, fork: something pmd itself ran out of
    Cgroup,         // placing the process in its cgroup
    Wire,           // pm-exec could not read its orders
    Session,        // setsid
    Stdio,          // connecting stdin, stdout, stderr
    Listen,         // opening the sockets of `listen`, or handing them over
    Filter,         // the seccomp filter by which pmd hears of bind()
    Limits,         // rlimits
    Nice,
    OomScore,
    Umask,
    Group,          // unknown group, setgid, setgroups
    User,           // unknown user, setuid
    WorkingDirectory,
    EnvironmentFile,
    FindProgram,    // program not in PATH
    FindScript,     // script not there, not readable
    FindInterpreter,// the interpreter of the spec, or of the script's first line, is not there
    Execute,        // execve itself: permission, format, memory
};

/// How a process ended, or why it never began. Exactly one kind.
struct ExitInfo {
    enum class Kind {
        Exited,       ///< code is its exit code
        Signaled,     ///< code is the signal; core_dumped
        LaunchFailed, ///< code is the errno, stage the step, detail the whole sentence
        Lost,         ///< the process is gone and nobody knows how
    } kind = Kind::Lost;
    /// Who brought the end about, where that is known.
    enum class Cause {
        Own,         ///< the process itself, or a signal that anybody sent
        OutOfMemory, ///< the kernel's OOM killer, or systemd-oomd
        Watchdog,    ///< it did not give the sign of life it owed
        Timeout,     ///< it took longer to start or stop than systemd lets it
    } cause = Cause::Own;
    int code = 0;
    bool core_dumped = false;
    LaunchStage stage = LaunchStage::Execute;
    std::string detail;
    bool operator==(const ExitInfo&) const = default;
};

/// "exit code 3", "SIGKILL", "SIGSEGV (core dumped)", or the detail of a failed launch.
[[nodiscard]] std::string describe(const ExitInfo& exit);

[[nodiscard]] std::string_view to_string(Status status) noexcept;
[[nodiscard]] std::optional<Status> status_from(std::string_view name) noexcept;
[[nodiscard]] std::string_view to_string(ExitInfo::Kind kind) noexcept;
[[nodiscard]] std::string_view to_string(ExitInfo::Cause cause) noexcept;
[[nodiscard]] std::string_view to_string(LaunchStage stage) noexcept;
[[nodiscard]] std::optional<LaunchStage> launch_stage_from(std::string_view name) noexcept;

/// CPU time and memory of the processes of an instance at one moment.
struct Usage {
    std::uint64_t cpu_usec = 0;     ///< consumed since the process began
    std::uint64_t memory_bytes = 0;
};

/// One instance as lists and `describe` show it.
struct InstanceSnapshot {
    base::InstanceId id;
    base::Slot slot;
    base::Generation generation;          ///< 0 before the first start
    Status status = Status::Stopped;
    std::string reason;                   ///< why it is in this state; may be empty
    pid_t pid = 0;                        ///< 0 when no process runs
    WallTime since{};                     ///< when it came into this state
    std::optional<Duration> uptime;       ///< since the process was started, while there is one
    std::uint64_t restarts = 0;
    std::uint32_t unstable_restarts = 0;
    std::optional<ExitInfo> last_exit;
    bool finished = false;                ///< Stopped: its process ended by itself, and no command has said since that it is to rest
};

struct AppSnapshot {
    std::string name;
    std::string name_space;
    uid_t owner = 0;
    Status status = Status::Stopped;
    std::string reason;
    WallTime created_at{};
    std::vector<InstanceSnapshot> instances; ///< by slot
};

} // namespace pm::model
