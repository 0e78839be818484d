// SPDX-License-Identifier: Apache-2.0
// What one entry of an app file declares, as plain data with every default already filled in.
//
// config/ is the only maker of an AppSpec from text; everybody else reads it. Durations are milliseconds, sizes bytes.
// Two specs that compare equal mean the same running app: `apply` restarts an app only when its spec differs.
#pragma once

#include "model/health.hpp"
#include "model/listen_address.hpp"
#include "model/serving.hpp"
#include "model/unit_property.hpp"
#include "model/upkeep.hpp"

#include <chrono>
#include <compare>
#include <cstdint>
#include <csignal>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <sys/resource.h>
#include <utility>
#include <vector>

namespace pm::model {

using Milliseconds = std::chrono::milliseconds;

/// "4", "max" (one per CPU) or "-1" (CPUs minus one), as PM2: instances. Never fewer than one process.
struct InstanceCount {
    enum class Kind { Exact, PerCpu } kind = Kind::Exact;
    std::int32_t number = 1; ///< Exact: the count; PerCpu: 0 for max, -k for CPUs - k
    bool operator==(const InstanceCount&) const = default;
};

/// What a stop signals and what it ends: everything the app started, or its first process only (PM2: treekill).
enum class KillMode { Group, Main };

enum class LogType { Raw, Json };

/// Where the lines of an app go. Default: the journal where the launcher gives them a unit of systemd, unless a key names
/// files (file_keys()).
enum class LogTarget { Default, Journal, Files };

/// When an app that ended is started again. Source of the rules: PM2's God.handleExit, without its faults.
struct RestartPolicy {
    bool autorestart = true;
    std::uint32_t max_restarts = 16;            ///< unstable exits in a row before `errored`
    Milliseconds min_uptime{1000};              ///< an exit earlier than this is unstable
    Milliseconds restart_delay{0};
    Milliseconds exp_backoff_restart_delay{0};  ///< 0: none; grows by half each time, to 15 s
    std::vector<std::uint8_t> stop_exit_codes;  ///< sorted; these codes mean "done"
    bool operator==(const RestartPolicy&) const = default;
};

/// Where the lines of stdout and stderr go. An empty path means the default below the state directory.
/// When a log file is put aside and a new one begun, and what becomes of those put aside. Nothing set: never.
struct RotateSpec {
    std::uint64_t size = 0;   ///< bytes beyond which it does not grow; 0: no bound
    Milliseconds age{0};      ///< from its beginning; 0: no bound
    std::uint32_t keep = 10;  ///< so many are kept
    bool compress = false;    ///< by gzip(1)
    std::uint64_t budget = 0; ///< bytes that those put aside may take together; 0: no bound
    [[nodiscard]] bool is_on() const noexcept { return size > 0 || age.count() > 0; }
    bool operator==(const RotateSpec&) const = default;
};

struct LogSpec {
    LogTarget to = LogTarget::Default;
    std::string out_file;    ///< absolute; "/dev/null" keeps none
    std::string error_file;  ///< absolute; "/dev/null" keeps none
    std::string log_file;    ///< absolute; both streams in addition; empty: none ("default": <state>/logs/<app>.log)
    bool merge_logs = false; ///< instances share files: no slot in the file name
    bool disable_logs = false;
    LogType type = LogType::Raw;
    std::string date_format; ///< strftime(3) format put before each line; empty: none
    std::string folder;      ///< below the default place of files: whose apps' output is kept apart; empty: the place itself
    RotateSpec rotate;
    bool operator==(const LogSpec&) const = default;
};

struct ResourceLimit {
    int resource = 0;          ///< RLIMIT_NOFILE and so on, setrlimit(2)
    rlim_t soft = RLIM_INFINITY;
    rlim_t hard = RLIM_INFINITY;
    bool operator==(const ResourceLimit&) const = default;
};

/// Whom `limits` hold for: each instance, or all of an app's instances together.
enum class LimitScope { Instance, App };

/// What cgroups limit (systemd.resource-control(5)). Unset: no limit of ours.
struct ResourceControl {
    static constexpr std::uint64_t kInfinity = UINT64_MAX;

    LimitScope scope = LimitScope::Instance;
    std::optional<std::uint64_t> memory_low;      ///< bytes that are spared when memory runs short; kInfinity: all
    std::optional<std::uint64_t> memory_high;     ///< bytes from which the app is slowed down; kInfinity: none
    std::optional<std::uint64_t> memory_max;      ///< bytes; beyond, the kernel kills; kInfinity: none
    std::optional<std::uint64_t> memory_swap_max; ///< bytes; kInfinity: none
    std::optional<std::uint32_t> cpu;             ///< percent of one CPU, 1 or more
    std::optional<std::uint32_t> cpu_weight;      ///< 1 to 10000, the usual is 100
    std::optional<std::uint32_t> io_weight;       ///< 1 to 10000, the usual is 100
    std::optional<std::uint64_t> tasks;           ///< processes and threads; kInfinity: no limit

    bool operator==(const ResourceControl&) const = default;
    /// True when nothing is limited; a scope alone limits nothing.
    [[nodiscard]] bool empty() const { return *this == ResourceControl{.scope = scope}; }
};

/// What of another app must be there before an app is started.
enum class DependencyCondition {
    Ready,     ///< it is online
    Started,   ///< its processes run
    Completed, ///< it ended with exit code 0 and stays ended
};

struct AppSpec {
    std::string name;
    std::string name_space = "default";

    std::string script;                          ///< path, program in PATH, or a line with spaces (run by a shell)
    std::vector<std::string> args;
    std::optional<std::string> interpreter;      ///< unset: by extension; "none": run the script itself
    std::vector<std::string> interpreter_args;
    std::string cwd;                             ///< absolute

    InstanceCount instances;
    bool instances_given = false;                ///< `instances` was declared, be it as 1
    std::string instance_var = "NODE_APP_INSTANCE";
    std::string increment_var;                   ///< variable counted up per slot from its value in env; empty: none

    std::map<std::string, std::string> env;      ///< as declared, profile merged in
    std::vector<std::string> env_files;          ///< absolute; read at each start, with the app's rights
    bool env_from_caller = false;                ///< env holds the caller's whole environment; no base is put under it

    ServingSpec serving;
    std::optional<HealthSpec> health;            ///< there exactly when serving.ready is Probe
    std::vector<ListenAddress> listen;           ///< held by pmd; in this order fds 3, 4, ... of every process

    std::string user;                            ///< name or number; empty: pmd's own
    std::string group;                           ///< name or number; empty: the user's own
    std::optional<std::uint32_t> umask;          ///< unset: 0022
    std::optional<int> nice;
    std::optional<int> oom_score_adj;
    std::vector<ResourceLimit> rlimits;          ///< sorted by resource, one each
    ResourceControl limits;
    std::vector<SandboxSetting> sandbox;         ///< sorted by name, one each

    /// By the name of the other app. Holds for starts by command and by pmd's own start, not for restarts after a crash.
    std::map<std::string, DependencyCondition> depends_on;

    bool autostart = true;
    RestartPolicy restart;
    UpkeepSpec upkeep;
    int kill_signal = SIGTERM;                   ///< default: SIGINT for Node apps, as PM2
    Milliseconds kill_timeout{1600};
    KillMode kill_mode = KillMode::Group;

    LogSpec logs;
    std::string pid_file;                        ///< absolute; written while a process runs, slot before the extension
                                                 ///< when there are several; empty: none

    bool operator==(const AppSpec&) const = default;
};

/// The processes that `count` means on a machine with `cpus` processors; at least 1.
[[nodiscard]] std::uint32_t resolve(InstanceCount count, std::uint32_t cpus) noexcept;

[[nodiscard]] std::string_view to_string(DependencyCondition condition) noexcept;
[[nodiscard]] std::optional<DependencyCondition> dependency_condition_from(std::string_view name) noexcept;
[[nodiscard]] std::string_view to_string(KillMode mode) noexcept;
[[nodiscard]] std::optional<KillMode> kill_mode_from(std::string_view name) noexcept;
[[nodiscard]] std::string_view to_string(LimitScope scope) noexcept;
[[nodiscard]] std::optional<LimitScope> limit_scope_from(std::string_view name) noexcept;
[[nodiscard]] std::string_view to_string(LogType type) noexcept;
[[nodiscard]] std::optional<LogType> log_type_from(std::string_view name) noexcept;
[[nodiscard]] std::string_view to_string(LogTarget target) noexcept;
[[nodiscard]] std::optional<LogTarget> log_target_from(std::string_view name) noexcept;
/// The keys of an app file that say something about log files, of those that `logs` has set: "out_file", "merge_logs".
[[nodiscard]] std::vector<std::string_view> file_keys(const LogSpec& logs);

/// Names of setrlimit(2) resources as systemd.exec(5) spells them, lower case: "nofile", "core", ...
[[nodiscard]] std::string_view resource_name(int resource) noexcept;
[[nodiscard]] std::optional<int> resource_from(std::string_view name) noexcept;
/// All of them, for messages and completion.
[[nodiscard]] std::vector<std::string_view> resource_names();

} // namespace pm::model
