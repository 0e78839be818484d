// SPDX-License-Identifier: Apache-2.0
// pmd's own configuration (pmd.yaml), and where things are when it says nothing.
#pragma once

#include "base/error.hpp"
#include "config/app_file.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace pm::config {

enum class BusKind { System, Session, Embedded };
[[nodiscard]] std::string_view to_string(BusKind kind) noexcept;
[[nodiscard]] std::optional<BusKind> bus_kind_from(std::string_view name) noexcept;

/// Who makes the processes.
enum class LauncherKind { Systemd, Direct };
[[nodiscard]] std::string_view to_string(LauncherKind kind) noexcept;
[[nodiscard]] std::optional<LauncherKind> launcher_kind_from(std::string_view name) noexcept;

enum class LogLevel { Error, Warning, Notice, Info, Debug };
[[nodiscard]] std::string_view to_string(LogLevel level) noexcept;
[[nodiscard]] std::optional<LogLevel> log_level_from(std::string_view name) noexcept;

/// Every setting of pmd.yaml, config/pmd.yaml documents each. What SIGHUP cannot change is marked [start].
struct Settings {
    std::optional<BusKind> bus;               ///< [start] unset: system for root under systemd, else embedded
    std::optional<LauncherKind> launcher;     ///< [start] unset: systemd where it runs, on the system and session bus
    std::string state_dir;                    ///< [start] absolute; empty: by locations()
    std::string apps_dir;                     ///< [start] absolute; empty: by locations()
    model::LogTarget logs = model::LogTarget::Default; ///< [start] of apps whose file does not say; Default: the journal where it can be
    LogLevel log_level = LogLevel::Info;
    std::string path;                         ///< PATH of apps; empty: pmd's own, or the system default
    bool cgroups = true;                      ///< use a cgroup per app where a writable cgroup2 tree exists
    model::Milliseconds stop_timeout{90'000}; ///< all apps on SIGTERM, then what is left is killed
    std::uint32_t max_apps = 10'000;
    std::uint32_t max_instances = 10'000;
    std::uint32_t max_file_bytes = 4u << 20;  ///< of one Load
    std::uint32_t max_calls_per_caller = 256; ///< unanswered calls of one bus connection
    std::uint32_t max_calls_per_user = 512;   ///< of an ordinary user: calls that wait for their turn or for their answer
    std::uint32_t max_sockets = 8'192;        ///< that are held for apps (`listen`)
    std::uint32_t max_sockets_per_user = 256;
    std::uint32_t max_file_bytes_per_user = 64u << 10; ///< of one Load of an ordinary user
    std::uint32_t max_apps_per_user = 200;
    std::uint32_t max_instances_per_user = 400;
    std::uint32_t max_state_per_user = 8u << 20; ///< bytes of what is kept of an ordinary user's apps (policy/quota)
    std::uint32_t max_readers_per_user = 16;     ///< of logs and messages
    std::uint32_t max_log_line = 64u << 10;   ///< bytes; longer lines are passed on in pieces
    std::uint32_t max_log_buffer = 1u << 20;  ///< bytes waiting for one slow reader of logs or messages
    bool operator==(const Settings&) const = default;
};

struct SettingsFile {
    Settings settings;
    std::vector<Diagnostic> diagnostics;
    [[nodiscard]] bool ok() const noexcept;
};
/// Same rules as app files: all faults in one go, unknown keys are faults. An empty text is the defaults.
[[nodiscard]] SettingsFile parse_settings(std::string_view text);

/// Looks a variable of the environment up; nothing when it is not set.
using Environment = std::function<std::optional<std::string>(const std::string&)>;

/// What the machine has to offer to those whose environment does not say.
struct Machine {
    std::string user_runtime_dir; ///< the user's, as /run/user/1000; empty: there is none
    std::string host;             ///< of this machine or container; a home directory may be that of many
};

struct Locations {
    std::string runtime_dir;      ///< bus socket, lock, pid file; 0700 when embedded
    std::vector<std::string> other_runtime_dirs; ///< where a pmd of this user may run that was started in other surroundings
    std::string state_dir;        ///< logs and saved state
    std::string embedded_address; ///< D-Bus address of the embedded bus
    std::string settings_file;    ///< may not exist
    std::string apps_dir;         ///< app files of what starts with pmd; empty: none
};

/// What the next pmd goes on with if this one is killed.
struct KeptApps {
    std::string directory;      ///< a file for each app, its name with `suffix`
    std::string launch_journal; ///< processes that were launched; empty or not there: none
    static constexpr std::string_view suffix = ".json";
};
/// Where apps outlive pmd by themselves: for as long as the runtime directory lives.
[[nodiscard]] KeptApps kept_with_units(const std::string& runtime_dir);
/// Elsewhere: in the state directory, as nobody cleans that, for one life of the machine or container, which is a name of a file.
[[nodiscard]] KeptApps kept_for_life(const std::string& state_dir, BusKind bus, const std::string& life);

/// D-Bus address of the embedded bus in `runtime_dir`, escaped as the D-Bus Specification says ("Server Addresses").
[[nodiscard]] std::string embedded_address(const std::string& runtime_dir);

/// PMD_RUNTIME_DIR and PMD_STATE_DIR win. Otherwise, system: /run/pmd, /var/lib/pmd, /etc/pmd/pmd.yaml. Session and
/// embedded: $XDG_RUNTIME_DIR/pmd; else /run/pmd for root, else what `machine` has, else run-<host> in the state directory unless that makes the
/// path too long for a socket, else /tmp/pmd-<uid>; $XDG_STATE_HOME/pmd or ~/.local/state/pmd (root: /var/lib/pmd); $XDG_CONFIG_HOME/pmd/pmd.yaml or ~/.config/pmd/pmd.yaml (root: /etc/pmd).
/// apps.d beside the settings file, but for an embedded pmd, which starts at any pmctl.
/// XDG Base Directory Specification; `home` is used when HOME is not set.
[[nodiscard]] Locations locations(BusKind bus, uid_t uid, const std::string& home, const Environment& environment, const Machine& machine);

/// Error: InvalidArgument when PMD_RUNTIME_DIR or PMD_STATE_DIR is set and no absolute path; locations() would ignore it.
[[nodiscard]] base::Result<void> check_locations(const Environment& environment);

} // namespace pm::config
