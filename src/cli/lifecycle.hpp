// SPDX-License-Identifier: Apache-2.0
// What the commands that change apps have in common: waiting with progress, and what is said at the end.
#pragma once

#include "cli/client.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace pm::cli {

/// Runs `call` with a progress line on a terminal, none in a pipe.
Outcome<void> with_progress(const Context& context, const std::string& doing,
                            const std::function<Outcome<void>(Watcher*)>& call);

/// Prints why `doing` failed, where to look, and for apps among `targets` that crashed what they wrote last. Gives the
/// exit status.
int explain(Client& client, const Failure& failure, const std::vector<std::string>& targets);

/// After success: sees for a second at most that what was started does not end at once, and tells what does. Gives the exit status.
int check_that_they_stay(const Context& context, Client& client, const std::vector<std::string>& targets);

/// What `pmctl logs` shows of `targets`, until Ctrl-C. Gives the exit status.
int follow_logs(const Context& context, Client& client, const std::vector<std::string>& targets);

/// After success: the table on a terminal, nothing in a pipe.
void show_table(const Context& context, Client& client);

/// Switches `watch` of the apps that `words` name: on where it is off, and off where it is on. The status of the program.
int toggle_watching(Context& context, const std::vector<std::string>& words);

/// After a reload: what it lost of the apps among `targets` and need not have.
void show_reload_hints(const Context& context, Client& client, const std::vector<std::string>& targets);

/// What of app files is meant, and how they are read.
struct FileOptions {
    std::optional<std::string> profile; ///< --env
    std::vector<std::string> only;
    bool strict = false;
};

/// stop, restart, reload, delete: `method` of D-Bus on all targets at once; the first failure's status counts. A target may
/// also be a script, which means the apps that run it, or an app file, which means its apps (those in `only`, if any).
int operate_all(Context& context, const std::string& method, const std::string& doing,
                const std::vector<std::string>& targets, const FileOptions& files);

/// Loads an app file, so that what it changes or adds holds, and restarts ("Restart") or reloads ("Reload") what of it ran already and
/// did not change. `start_daemon`: a pmd is started where none runs.
int apply_file(Context& context, const std::string& method, const std::string& file, const FileOptions& files, bool start_daemon);

/// restart and reload: app files as apply_file(), the other targets as operate_all().
int apply_all(Context& context, const std::string& method, const std::string& doing, const std::vector<std::string>& targets,
              const FileOptions& files);

} // namespace pm::cli
