// SPDX-License-Identifier: Apache-2.0
// Taking up what an earlier pmd launched: the unit has the process, or still knows how it ended.
#include "launch/systemd/impl.hpp"
#include "launch/systemd/unit_result.hpp"
#include "model/unit_names.hpp"

#include <fmt/format.h>
#include <set>
#include <string_view>

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
    if (result.pid == 0 && result.code == 0)
        return ended(process, {.kind = model::ExitInfo::Kind::Lost, .detail = "ended unseen while pmd was away"});
    if (result.pid == 0) return ended(process, exit_of(result, true));
    process.phase = UnitProcess::Phase::Running;
    const pid_t pid = static_cast<pid_t>(result.pid);
    if (watch_main(process, pid)) events_->on_running(process.request.key, pid);
}

/// Nobody tells any more of jobs that an earlier connection asked for.
void SystemdLauncher::Impl::on_connected()
{
    std::vector<std::string> units;
    for (const auto& [unit, release] : releasing_) units.push_back(unit);
    for (const std::string& unit : units) on_released(unit);
    sweep();
}

/// What a pmd that was killed had no time to release is released; what runs and nobody knows is told.
void SystemdLauncher::Impl::sweep()
{
    BusMessage call = bus_.manager_call("ListUnitsByPatterns");
    if (!call || sd_bus_message_append(call.get(), "asas", 0, 1, "pm-*.service") < 0) return;
    bus_.send(std::move(call), [this](const ManagerBus::Answer& answer) { on_listed(answer); });
}

void SystemdLauncher::Impl::on_listed(const ManagerBus::Answer& answer)
{
    if (!answer.ok()) return warn_("listing the units of apps: " + answer.message);
    std::set<std::string> ours;
    for (const auto& [key, process] : processes_) ours.insert(process->unit);
    if (sd_bus_message_enter_container(answer.reply, 'a', "(ssssssouso)") < 0) return;
    const char* name = nullptr;
    const char* active = nullptr;
    const char* sub = nullptr;
    while (sd_bus_message_read(answer.reply, "(ssssssouso)", &name, nullptr, nullptr, &active, &sub, nullptr, nullptr, nullptr,
                               nullptr, nullptr) > 0) {
        if (!model::parse_unit_name(name) || ours.contains(name)) continue;
        const bool over = std::string_view(sub) == "exited" || std::string_view(active) == "failed" ||
                          std::string_view(active) == "inactive";
        if (over)
            release(name);
        else
            warn_(fmt::format("unit '{}' runs, but no app here has it; 'systemctl stop' ends it", name));
    }
}

} // namespace pm::launch
