// SPDX-License-Identifier: Apache-2.0
// What pmd needs of the machine before it begins: its directories, its lock, its settings, its helper.
#pragma once

#include "base/error.hpp"
#include "base/fd.hpp"
#include "config/settings.hpp"
#include "daemon/handover.hpp"
#include "daemon/invocation.hpp"
#include "daemon/options.hpp"

#include <memory>
#include <optional>
#include <string>

namespace pm::daemon {

struct Runtime {
    Invocation invocation;
    std::shared_ptr<Handover> earlier;         ///< from the pmd that executed this one in its place; null: there is none
    int lock = -1;                             ///< of take_lock(), for the next pmd
    int state_lock = -1;                       ///< of base::take_state_lock(); -1: none
    config::BusKind bus = config::BusKind::Embedded;
    config::LauncherKind launcher = config::LauncherKind::Direct;
    config::Locations locations;
    std::string config_file;
    std::string drain_script;                  ///< pmd-drain.cjs
    std::string pm_exec;
    std::string pm_watch;
    std::string pm_tidy;
    std::string home;      ///< of the user pmd runs as
    std::string user;      ///< its name; a number if it has none
    config::Settings settings;
    Options options;       ///< of the command line: they win over settings that are read again
    std::optional<model::ResourceLimit> nofile; ///< of apps that declare none
};

/// Where everything is, and the settings. Error: InvalidSpec with all faults of the settings file, a line each;
/// InvalidArgument for a variable that names no absolute path.
[[nodiscard]] base::Result<Runtime> find_runtime(const Options& options);

/// The settings of `path`; defaults when it does not exist and `must_exist` is false.
[[nodiscard]] base::Result<config::Settings> load_settings(const std::string& path, bool must_exist);

/// Puts what the command line says over what the settings say.
void override_settings(config::Settings& settings, const Options& options);

/// Makes `path` with its parents, mode 0700; refuses one that is somebody else's, a link, or (when `is_private`) open to
/// others.
[[nodiscard]] base::Result<void> prepare_directory(const std::string& path, bool is_private);

/// Where notify sockets are: in the runtime directory, or beside it when root has apps of other users, who may not pass it.
[[nodiscard]] std::string notify_directory(const std::string& runtime_dir);

/// Held for the life of the daemon: one pmd per runtime directory. Nothing when another one holds it.
[[nodiscard]] base::Result<base::Fd> take_lock(const std::string& runtime_dir);

/// True when `lock`, of take_lock(), is of the file that is there now.
[[nodiscard]] bool is_lock_there(const std::string& runtime_dir, int lock);

/// A pmd that an earlier version, or another environment, put at one of the other places stays there when it is upgraded.
void stay_where_it_is(Runtime& runtime, const Handover& handover);

/// Where what the next pmd goes on with is written down.
[[nodiscard]] config::KeptApps kept_apps(const Runtime& runtime);

/// Of a state directory that keeps them by the lives of machines: writes down whose this one is, and removes what earlier ones of this machine
/// left. Those of another machine or container may still be of use to it.
void mark_life(const Runtime& runtime);
void forget_earlier_lives(const Runtime& runtime);

[[nodiscard]] Whereabouts whereabouts(const Runtime& runtime);

/// Whether this pmd, with the settings as they are, can go on with what `handover` has.
[[nodiscard]] base::Result<void> check_upgrade(const Handover& handover, const Runtime& runtime);

/// As many descriptors as the kernel allows us. Returns the limit pmd began with, which apps get.
std::optional<model::ResourceLimit> raise_descriptor_limit() noexcept;

} // namespace pm::daemon
