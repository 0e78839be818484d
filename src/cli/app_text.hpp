// SPDX-License-Identifier: Apache-2.0
// App files as pmctl reads them, and the app file that a script on the command line amounts to.
#pragma once

#include "cli/context.hpp"
#include "config/app_file.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace pm::cli {

struct AppText {
    std::string text;
    std::string origin;             ///< absolute path, "stdin" or "command line"
    std::string shown;              ///< the name in messages
    std::string directory;          ///< what relative paths are seen from
    bool caller_environment = false;
    std::vector<std::string> names; ///< of its apps, once checked
    config::Dialect dialect = config::Dialect::Own;
    bool evaluated = false;         ///< `text` is what a program exported
    std::map<std::string, std::string> files; ///< what base::file_fact() said of those that it runs, once checked
};

/// `file`: a path, or "-" for standard input. Bounded: a file that is too large is refused unread. JavaScript is run.
/// `strict`: one of PM2's is read as one of ours.
[[nodiscard]] Outcome<AppText> read_app_text(const Context& context, const std::string& file, bool strict = false);

struct Selection {
    std::string profile;
    std::vector<std::string> only;
    std::string name_space;
};

/// Parses; prints every fault as file:line:column: path: message on standard error. Fills in `names`. False: it has errors.
/// `warnings`: prints these too.
[[nodiscard]] bool check_app_text(const Context& context, AppText& text, const Selection& selection, bool warnings = true);

/// The failure to bring up what the text declares, and where its relative paths start when one of them may have led nowhere: at the
/// file's directory, and not at the caller's as PM2's.
[[nodiscard]] Failure with_place_of_paths(const Context& context, const AppText& text, Failure failure);

/// The options of `start` that are about a script; names are those of app files.
struct ScriptOptions {
    std::optional<std::string> name, name_space, instances, interpreter, cwd, out_file, error_file, log_file, pid_file,
        log_date_format, log_type, kill_timeout, kill_signal, restart_delay, exp_backoff_restart_delay, max_restarts,
        min_uptime, user, group, cluster, ready, listen_timeout, drain, max_memory_restart, cron_restart;
    std::optional<std::string> interpreter_args;
    std::optional<std::string> watch_delay;
    std::vector<std::string> stop_exit_codes, filter_env, args, watch_paths, ignore_watch;
    bool watch = false, time = false, merge_logs = false, disable_logs = false, no_autorestart = false, no_autostart = false,
         no_treekill = false, wait_ready = false, shutdown_with_message = false;
};

/// `script` as find_script() gives it; `environment` is the caller's ("NAME=value").
[[nodiscard]] AppText script_text(const std::string& script, const std::string& cwd, const ScriptOptions& options,
                                  const std::vector<std::string>& environment);

} // namespace pm::cli
