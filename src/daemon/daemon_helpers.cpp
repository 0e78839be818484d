// SPDX-License-Identifier: Apache-2.0
// What watching files and tidying log files take of the daemon: a process, and whose rights that takes on.
#include "daemon/daemon.hpp"

#include "launch/direct/spawn.hpp"

#include <unistd.h>

namespace pm::daemon {

base::Result<base::Fd> Daemon::start_helper(const std::string& program, int socket)
{
    auto made = launch::spawn({.program = program.c_str(), .in = socket});
    if (!made) return base::fail_errno("executing '" + program + "'", made.error().error);
    return std::move(made->pidfd);
}

std::optional<model::Identity> Daemon::user_of(const model::AppSpec& spec)
{
    if (::geteuid() != 0 || (spec.user.empty() && spec.group.empty())) return std::nullopt;
    const auto ids = accounts_.find(spec.user, spec.group);
    if (!ids) return *model::not_known_yet(spec.user);
    return model::Identity{ids->uid.value_or(0), ids->gid.value_or(0), ids->groups, spec.user};
}

} // namespace pm::daemon
