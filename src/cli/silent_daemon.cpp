// SPDX-License-Identifier: Apache-2.0
#include "cli/silent_daemon.hpp"

#include "base/text.hpp"

#include <fmt/format.h>
#include <fstream>
#include <string>

namespace pm::cli {
namespace {

std::string first_line(const std::string& path)
{
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    return line;
}

/// The letter of proc_pid_stat(5), '?' when there is no such process.
char state_of(pid_t pid)
{
    const std::string stat = first_line(fmt::format("/proc/{}/stat", pid));
    const auto name_ends = stat.rfind(") ");
    return name_ends == std::string::npos || name_ends + 2 >= stat.size() ? '?' : stat[name_ends + 2];
}

/// One that has ended stays a zombie where nobody waits for it, as below the first process of many containers.
bool is_pmd(pid_t pid)
{
    const char state = state_of(pid);
    return state != '?' && state != 'Z' && state != 'X' && first_line(fmt::format("/proc/{}/comm", pid)) == "pmd";
}

/// The cause and the advice.
std::string explain(pid_t pid, const BusChoice* embedded)
{
    const std::string see =
        embedded == nullptr ? std::string() : fmt::format("; see the end of '{}/pmd.log'", embedded->state_dir);
    switch (state_of(pid)) {
    case '?':
    case 'Z':
    case 'X': return "it has just ended; try again";
    case 'T': return fmt::format("it was stopped by a signal; 'kill -CONT {}' lets it go on", pid);
    case 't': return "a debugger has stopped it";
    case 'D': return "it waits for a disk or a network file system" + see;
    default: break;
    }
    return fmt::format(
        "it is busy, or hangs{}. If it stays so, 'kill -KILL {}' ends it; its apps run on, and the next pmd goes on with them",
        see, pid);
}

} // namespace

std::optional<base::StateLockHolder> running_daemon(const BusChoice& embedded)
{
    if (auto holder = base::holder_of({embedded.state_dir, false})) return holder;
    // One that has its state elsewhere, by its settings file.
    const auto pid = base::parse_number<pid_t>(first_line(embedded.runtime_dir + "/pmd.lock"));
    if (pid && is_pmd(*pid)) return base::StateLockHolder{*pid, {}};
    return std::nullopt;
}

bool is_stopped(pid_t pid)
{
    return state_of(pid) == 'T' && is_pmd(pid);
}

Failure silent_daemon(const std::string& bus, pid_t pid, const BusChoice* embedded)
{
    if (pid <= 0) return {kNoDaemon, fmt::format("pmd runs, but does not answer ({})", bus), base::ErrorCode::NoDaemon};
    return {kNoDaemon, fmt::format("pmd (pid {}) runs, but does not answer ({}): {}", pid, bus, explain(pid, embedded)),
            base::ErrorCode::NoDaemon};
}

} // namespace pm::cli
