// SPDX-License-Identifier: Apache-2.0
// Taking up what an earlier pmd launched: the unit has the process, or still knows how it ended.
#include "launch/systemd/impl.hpp"
#include "launch/systemd/unit_result.hpp"
#include "model/unit_names.hpp"

namespace pm::launch {

void SystemdLauncher::Impl::adopt(const engine::LaunchRequest& request)
{
    const Process process = add(request);
    if (!process) return;
    process->adopted = true;
    if (!policy::slice_properties(*request.spec).empty()) 
        limited_.emplace(model::slice_of(request.spec->name), request.spec->limits);
    const auto account = accounts_.find(options_.user ? "" : request.spec->user, options_.user ? "" : request.spec->group);
    if (account) process->user = identity_of(*account);
    tell_unit("RefUnit", process->unit); // ours went with the pmd that had it
    ask_how(*process);
}

void SystemdLauncher::Impl::on_recognised(UnitProcess& process, const UnitResult& result)
{
    if (result.pid == 0 && result.code == 0)
        return ended(process, {.kind = model::ExitInfo::Kind::Lost, .detail = "ended unseen while pmd was away"});
    if (result.pid == 0) return ended(process, exit_of(result, true));
    process.phase = UnitProcess::Phase::Running;
    const pid_t pid = static_cast<pid_t>(result.pid);
    if (watch_main(process, pid)) events_->on_running(process.request.key, pid);
}

} // namespace pm::launch
