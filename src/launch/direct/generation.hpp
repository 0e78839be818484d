// SPDX-License-Identifier: Apache-2.0
// One process from its launch to the end of all it started: Launching -> Running -> (Leftovers) -> gone.
#pragma once

#include "engine/ports.hpp"
#include "launch/process/process_table.hpp"
#include "launch/process/talk.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace pm::launch {

struct Generation {
    engine::LaunchRequest request;
    pid_t pid = 0;
    std::uint64_t start_time = 0; ///< of `pid`, once it was asked for
    bool foreign = false;         ///< no child of ours: a pmd that was killed had launched it
    bool unseen = false;          ///< foreign, and `pid` ended while no pmd looked: the number may be another's by now
    Watched main;                 ///< pidfd; empty once the main process is reaped
    Talk talk;                    ///< with pm-exec; over once it has executed the app or failed
    std::string cgroup;           ///< leaf; empty: its process tree is followed
    std::string pid_file;         ///< as written; empty: none
    model::SharedIdentity user;   ///< whose rights files that the spec names are opened with
    model::ExitInfo exit;         ///< how it ended; a failed launch as soon as it is reported
    bool waiting = false;         ///< for its launch
    bool failed = false;          ///< pm-exec reported a failed step
    bool killed = false;          ///< SIGKILL was sent: what turns up later gets it too
    bool told = false;            ///< on_main_exited() was said
    bool escape_told = false;     ///< that it left its cgroup was logged
    bool adopted = false;         ///< from the pmd before, which nobody was told yet
    std::vector<FileId> outputs;  ///< the pipes it was given: whoever holds one is of its family
    std::map<pid_t, std::uint64_t> known; ///< with start time: seen as part of it, though they may hide it later
    Watched emptiness;            ///< inotify on the leaf, or a timer where there is no inotify

    [[nodiscard]] bool main_alive() const noexcept { return static_cast<bool>(main.fd); }
    [[nodiscard]] bool group() const noexcept { return request.spec->kill_mode == model::KillMode::Group; }
};

} // namespace pm::launch
