// SPDX-License-Identifier: Apache-2.0
// The command of a check (`health: {exec: ...}`) as a launch beside that of the process it checks: what both launchers need of it.
#pragma once

#include "engine/ports.hpp"
#include "launch/process/watched.hpp"

#include <string>
#include <sys/types.h>

namespace pm::launch {

/// Launches the command as another process of the app: same key, user, directory, variables, limits and sandbox; no sockets.
[[nodiscard]] engine::LaunchRequest check_request(const engine::LaunchRequest& of);
/// With which it gets MAINPID, the process that it checks.
[[nodiscard]] engine::ChannelEnds check_ends(pid_t checked);

/// What it says: the last line of stdout and stderr is why it fails. Memory is bounded.
class CheckOutput {
public:
    /// Begins to read; the other end, for both streams, or nothing with errno.
    [[nodiscard]] base::Fd open(io::EventLoop& loop);
    /// Reads what is there still and lets go.
    void end();
    /// Printable, and not long; empty: it said nothing.
    [[nodiscard]] std::string last_line() const;

private:
    bool read();

    Watched pipe_;
    std::string tail_;
};

/// "check-db: exit code 3: no answer". Without its arguments, which may be secret. `spec`: of check_request().
[[nodiscard]] base::Result<void> check_failed(const model::AppSpec& spec, const std::string& how, const std::string& last_line);

} // namespace pm::launch
