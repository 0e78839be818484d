// SPDX-License-Identifier: Apache-2.0
// Whose units are: what a pmd that was killed left is released or ended before anything takes its name or its place.
#include "launch/process/cgroup_files.hpp"
#include "launch/systemd/impl.hpp"
#include "model/unit_names.hpp"

#include <fmt/format.h>
#include <string_view>

namespace pm::launch {
namespace {

constexpr const char* kServiceInterface = "org.freedesktop.systemd1.Service";
constexpr const char* kSliceInterface = "org.freedesktop.systemd1.Slice";

/// Reads ExecStart= (org.freedesktop.systemd1(5)): true when it is pm-exec for the app of the unit's name.
bool executes_app(sd_bus_message* reply, std::string_view escaped_app)
{
    const char* path = nullptr;
    const char* program = nullptr;
    const char* app = nullptr;
    if (sd_bus_message_enter_container(reply, 'v', "a(sasbttttuii)") < 0 || sd_bus_message_enter_container(reply, 'a', "(sasbttttuii)") < 0 ||
        sd_bus_message_enter_container(reply, 'r', "sasbttttuii") <= 0 || sd_bus_message_read(reply, "s", &path) <= 0 ||
        sd_bus_message_enter_container(reply, 'a', "s") <= 0 || sd_bus_message_read(reply, "s", &program) <= 0 ||
        sd_bus_message_read(reply, "s", &app) <= 0)
        return false;
    return std::string_view(path).ends_with("/pm-exec") && model::escape_for_unit(app) == escaped_app;
}

/// "pm-web.slice": one level below pm.slice, as '-' is escaped in names of apps.
bool is_slice_of_app(std::string_view unit)
{
    return unit.ends_with(".slice") && unit.find('-') == unit.rfind('-');
}

} // namespace

/// The unit has been seen to its end: nothing of it stays.
void SystemdLauncher::Impl::release(const std::string& unit)
{
    if (releasing_.try_emplace(unit).second) decisions_.once_written([this, unit] { stop_and_forget(unit); });
}

/// What does not apply to the state of the unit is refused, and that is well.
void SystemdLauncher::Impl::stop_and_forget(const std::string& unit)
{
    BusMessage call = bus_.manager_call("StopUnit");
    if (call) sd_bus_message_append(call.get(), "ss", unit.c_str(), "replace");
    bus_.send_job(std::move(call), [this, unit](const ManagerBus::Answer& answer) {
        const auto found = releasing_.find(unit);
        const char* job = nullptr;
        if (!answer.ok() || sd_bus_message_read(answer.reply, "o", &job) < 0) return on_released(unit); // it is not there any more
        if (found != releasing_.end()) found->second.job = job;
    });
    tell_unit("ResetFailedUnit", unit);
}

/// The name is free again; the app may have been deleted and started anew meanwhile, and its processes have the same names.
void SystemdLauncher::Impl::on_released(const std::string& unit)
{
    if (const auto name = model::parse_unit_name(unit))
        if (const auto strays = strays_.find(name->escaped_app); strays != strays_.end()) {
            strays->second.erase(unit);
            if (strays->second.empty()) strays_.erase(strays);
        }
    const auto node = releasing_.extract(unit);
    if (!node) return;
    for (const Later& later : node.mapped().next)
        if (const Process next = later.lock()) begin(next);
}

/// The unit that has the name of this one, or runs in its place, and is being released.
const std::string* SystemdLauncher::Impl::in_the_way_of(const UnitProcess& process) const
{
    if (const auto own = releasing_.find(process.unit); own != releasing_.end()) return &own->first;
    const auto strays = strays_.find(model::escape_for_unit(process.request.spec->name));
    return strays == strays_.end() ? nullptr : &*strays->second.begin();
}

void SystemdLauncher::Impl::sweep()
{
    ++unanswered_;
    BusMessage call = bus_.manager_call("ListUnitsByPatterns");
    if (call) sd_bus_message_append(call.get(), "asas", 0, 2, "pm-*.service", "pm-*.slice");
    bus_.send(std::move(call), [this](const ManagerBus::Answer& answer) {
        on_listed(answer);
        swept();
    });
}

/// One of the questions of the sweep is answered. When all are, launches go on.
void SystemdLauncher::Impl::swept()
{
    if (--unanswered_ > 0) return;
    for (const Later& later : std::exchange(after_sweep_, {}))
        if (const Process next = later.lock()) begin(next);
}

void SystemdLauncher::Impl::on_listed(const ManagerBus::Answer& answer)
{
    if (!answer.ok()) return warn_("listing the units of apps: " + answer.message);
    std::set<std::string> ours = slices_;
    for (const auto& [key, process] : processes_) ours.insert(process->unit);
    if (sd_bus_message_enter_container(answer.reply, 'a', "(ssssssouso)") < 0) return;
    const char* name = nullptr;
    const char* active = nullptr;
    const char* sub = nullptr;
    while (sd_bus_message_read(answer.reply, "(ssssssouso)", &name, nullptr, nullptr, &active, &sub, nullptr, nullptr, nullptr,
                               nullptr, nullptr) > 0) {
        if (ours.contains(name) || releasing_.contains(name)) continue;
        if (is_slice_of_app(name))
            judge_slice(name);
        else if (model::parse_unit_name(name))
            judge_unknown(name, std::string_view(sub) == "exited" || std::string_view(active) == "failed" || std::string_view(active) == "inactive");
    }
}

/// What is over is released. What runs is ended: the pmd before could not write it down, so that nobody supervises it, and what
/// it is of would be started beside it.
void SystemdLauncher::Impl::judge_unknown(const std::string& unit, bool over)
{
    ++unanswered_;
    ask_whose(unit, [this, unit, over](bool ours) {
        if (ours && !over && all_claimed_) {
            warn_(fmt::format("unit '{}' was started by a pmd that could not write it down: stopped", unit));
            strays_[model::parse_unit_name(unit)->escaped_app].insert(unit);
        } else if (ours && !over) {
            warn_(fmt::format("unit '{}' runs, but no app here has it; 'systemctl stop' ends it", unit));
        }
        if (ours && (over || all_claimed_)) release(unit);
        swept();
    });
}

void SystemdLauncher::Impl::ask_whose(const std::string& unit, std::function<void(bool ours)> answered)
{
    const auto name = model::parse_unit_name(unit);
    bus_.send(bus_.property_call(unit, kServiceInterface, "ExecStart"),
              [app = name ? name->escaped_app : std::string(), answered = std::move(answered)](const ManagerBus::Answer& answer) {
                  answered(answer.ok() && executes_app(answer.reply, app));
              });
}

/// Of an app that is deleted, or at rest: the slice goes, unless something is in it.
void SystemdLauncher::Impl::judge_slice(const std::string& slice)
{
    bus_.send(bus_.property_call(slice, kSliceInterface, "ControlGroup"), [this, slice](const ManagerBus::Answer& answer) {
        const char* cgroup = nullptr;
        if (!answer.ok() || sd_bus_message_read(answer.reply, "v", "s", &cgroup) < 0 || slices_.contains(slice)) return;
        const std::string path = path_of_cgroup(cgroup);
        if (!path.empty() && !cgroup_populated(path)) stop_unit(slice);
    });
}

} // namespace pm::launch
