// SPDX-License-Identifier: Apache-2.0
// What an app may ask of a pmd that is root when an ordinary user declares it: what this user could do without pmd.
#pragma once

#include "model/app_spec.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace pm::policy {

/// An ordinary user who loads an app file.
struct Loader {
    uid_t uid = 0;
    std::string name; ///< in the user database; the number where it is not known
    /// The hard limit that pmd itself has on a resource of setrlimit(2): what a process of anybody may have.
    std::function<rlim_t(int resource)> hard_limit;
    std::uint64_t most_tasks = 0; ///< processes and threads that this user's sessions may have by themselves
};

/// A key that asks for more.
struct Excess {
    std::string app;
    std::string key;  ///< as in an app file
    std::string what; ///< "user: root"
};

/// Makes the app the loader's: it runs as them unless it names another user, and its output is kept apart from that of
/// others.
void make_own(model::AppSpec& spec, const Loader& loader);

/// The keys that need more than the rights of the loader: another user, any group, a nice or oom_score_adj below 0,
/// rlimits above those of pmd, more tasks than a user's sessions may have, more than the usual share of memory, CPU or disk, a sandbox setting that does more than
/// shut out, pmd's own output as a log file. Any key that pmd carries out as root belongs here.
[[nodiscard]] std::vector<Excess> excesses_of(const model::AppSpec& spec, const Loader& loader);

} // namespace pm::policy
