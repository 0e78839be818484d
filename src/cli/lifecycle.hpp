// SPDX-License-Identifier: Apache-2.0
// What the commands that change apps have in common: waiting with progress, and what is said at the end.
#pragma once

#include "cli/client.hpp"

#include <functional>
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

/// After a reload: what it lost of the apps among `targets` and need not have.
void show_reload_hints(const Context& context, Client& client, const std::vector<std::string>& targets);

/// stop, restart, reload, delete: `method` of D-Bus on all targets at once; the first failure's status counts. A target may
/// also be a script, which means the apps that run it, or an app file, which means its apps (those in `only`, if any).
int operate_all(Context& context, const std::string& method, const std::string& doing,
                const std::vector<std::string>& targets, const std::vector<std::string>& only);

} // namespace pm::cli
