// SPDX-License-Identifier: Apache-2.0
// One process in its unit: Starting -> Running -> Ended (systemd is asked how) -> (Leftovers) -> gone.
#pragma once

#include "engine/ports.hpp"
#include "launch/process/talk.hpp"
#include "launch/process/watched.hpp"

#include <map>
#include <optional>
#include <string>

namespace pm::launch {

/// What systemd says of a service's main process (org.freedesktop.systemd1(5), Service).
struct UnitResult {
    std::string result;      ///< "success", "exit-code", "signal", "oom-kill", "timeout", "watchdog", "resources", ...
    std::int32_t code = 0;   ///< CLD_EXITED and so on; 0: it has not ended, or never was
    std::int32_t status = 0; ///< exit code or signal
    std::uint32_t pid = 0;   ///< of the main process while it lives
    std::string cgroup;      ///< ControlGroup= of the unit
};

struct UnitProcess {
    enum class Phase {
        Starting,  ///< the unit is asked for
        Running,   ///< the app has been executed
        Ended,     ///< the main process is gone; systemd is asked how
        Leftovers, ///< only others that it started are left
    };

    engine::LaunchRequest request;
    std::string unit;
    Phase phase = Phase::Starting;
    bool adopted = false;       ///< an earlier pmd launched it
    base::Fd theirs;            ///< the unit's stdin, until systemd has taken it
    bool name_was_taken = false; ///< by a unit that has been released since
    bool asked_for = false;     ///< the unit is; before that, nobody but pmd knows of it
    base::Fd invitation;        ///< our end of the unit's stdin; needed until pm-exec has greeted us
    Talk talk;
    std::string notify_socket;  ///< its path; empty: it has none
    pid_t pid = 0;
    Watched main;               ///< pidfd
    std::string cgroup;         ///< of the unit, in the file system; empty: not known
    std::map<pid_t, std::uint64_t> escaped; ///< signalled beside the cgroup, which they had left: pid and start time
    std::string pid_file;       ///< as written; empty: none
    model::SharedIdentity user; ///< whose rights files that the spec names are opened with
    model::ExitInfo exit;       ///< how it ended; a failed launch as soon as it is reported
    bool failed = false;        ///< pm-exec reported a failed step
    bool stopping = false;      ///< the unit was told to stop before there was a process to signal
    bool killed = false;        ///< SIGKILL was sent: what turns up later gets it too
    bool told = false;          ///< on_main_exited() was said
    bool given_up = false;      ///< how it ended is not waited for any more
    int questions = 0;          ///< asked about its end so far
    io::Source ask_again;       ///< armed while systemd has not seen the end yet
    Watched emptiness;

    [[nodiscard]] bool group() const noexcept { return request.spec->kill_mode == model::KillMode::Group; }
};

} // namespace pm::launch
