// SPDX-License-Identifier: Apache-2.0
// What a launcher leaves the one that is executed in its place. Children stay children of the same pid, so each is named
// by its pid until it is reaped; of units only those that are not asked for yet need telling. What a pmd wrote down in case
// that it is killed has the same form: its processes are somebody else's children then, and named with their start time.
#pragma once

#include "base/error.hpp"
#include "engine/ports.hpp"
#include "launch/process/process_table.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace pm::launch {

/// A generation as it was left.
struct Earlier {
    bool waiting = false;        ///< for its launch: nothing else is known of it
    bool main_alive = false;     ///< not reaped: it may have ended
    pid_t pid = 0;
    bool foreign = false;        ///< no child of this process
    std::uint64_t start_time = 0; ///< of one that is or may become foreign: ticks after boot
    std::string cgroup;
    std::string pid_file;
    model::ExitInfo exit;
    bool killed = false;
    bool told = false;
    std::vector<FileId> outputs;
    std::map<pid_t, std::uint64_t> known;
};

struct EarlierLauncher {
    std::string cgroup_root;      ///< Cgroups::root(); empty: none
    std::string cgroup_root_name;
    std::vector<std::string> lingering;
    std::map<engine::ProcessKey, Earlier> processes;
};

[[nodiscard]] std::string to_bytes(const EarlierLauncher& launcher);
[[nodiscard]] base::Result<EarlierLauncher> earlier_from(std::string_view bytes);

} // namespace pm::launch
