// SPDX-License-Identifier: Apache-2.0
// Taking up what an earlier pmd launched: the unit has the process, or still knows how it ended.
#include "launch/process/cgroup_files.hpp"
#include "launch/systemd/impl.hpp"
#include "launch/systemd/unit_result.hpp"
#include "launch/wire.hpp"
#include "model/unit_names.hpp"

#include <csignal>

namespace pm::launch {

void SystemdLauncher::Impl::adopt(const engine::LaunchRequest& request)
{
    if (held_earlier_.erase(request.key) > 0) return launch(request);
    const Process process = add(request);
    if (!process) return;
    process->adopted = true;
    if (!policy::slice_properties(*request.spec).empty()) 
        limited_.emplace(model::slice_of(request.spec->name), request.spec->limits);
    const auto account = accounts_.find(options_.user ? "" : request.spec->user, options_.user ? "" : request.spec->group);
    if (account) process->user = identity_of(*account);
    output_.resume(request, process->user);
    channels_.reconnect(request, process->user);
    ask_how(*process);
}

void SystemdLauncher::Impl::on_recognised(UnitProcess& process, const UnitResult& result)
{
    const bool asked_in_vain = result.code == CLD_EXITED && result.status == wire::kNobodyThere;
    if (result.pid == 0 && !process.request.ran && (result.code == 0 || asked_in_vain)) return launch_anew(process);
    if (result.pid == 0 && result.code == 0)
        return ended(process, {.kind = model::ExitInfo::Kind::Lost, .detail = "ended unseen while pmd was away"});
    if (result.pid == 0) return ended(process, exit_of(result, true));
    process.phase = UnitProcess::Phase::Running;
    const pid_t pid = static_cast<pid_t>(result.pid);
    if (watch_main(process, pid, path_of_cgroup(result.cgroup))) events_->on_running(process.request.key, pid);
}

/// It was written down and not asked for, or pm-exec found nobody to give it orders: the pmd before was killed in between.
void SystemdLauncher::Impl::launch_anew(UnitProcess& process)
{
    const engine::LaunchRequest request = process.request;
    release(process.unit);
    processes_.erase(request.key);
    channels_.ended(request.key);
    launch(request);
}

/// Nobody tells any more of jobs that an earlier connection asked for.
void SystemdLauncher::Impl::on_connected()
{
    std::vector<std::string> units;
    for (const auto& [unit, release] : releasing_) units.push_back(unit);
    for (const std::string& unit : units) on_released(unit);
    sweep();
}

} // namespace pm::launch
