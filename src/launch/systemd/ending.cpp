// SPDX-License-Identifier: Apache-2.0
#include "launch/process/cgroup_files.hpp"
#include "launch/process/pid_file.hpp"
#include "launch/process/process_table.hpp"
#include "launch/systemd/impl.hpp"
#include "launch/systemd/unit_result.hpp"
#include "model/unit_names.hpp"

#include <algorithm>
#include <csignal>
#include <fmt/format.h>
#include <set>
#include <unistd.h>

namespace pm::launch {
namespace {

using model::ExitInfo;

constexpr const char* kUnit = "org.freedesktop.systemd1.Unit";
constexpr const char* kServiceInterface = "org.freedesktop.systemd1.Service";
/// systemd hears of an end when we do, but may be busy; asked again after 1, 2, 4 ... 256 ms, some 20 s in all.
constexpr int kMostQuestions = 80;
constexpr int kSlowestShift = 8;
const ExitInfo kUnseen{.kind = ExitInfo::Kind::Lost, .detail = "ended unseen: systemd does not tell how"};
constexpr std::chrono::milliseconds kAfterStop{100}; ///< should nothing have been heard of a start that was called off

} // namespace

/// The main process ended, as its pidfd told or as there was none to be had any more.
void SystemdLauncher::Impl::on_main(UnitProcess& process)
{
    process.main.reset();
    const bool ran = process.phase == UnitProcess::Phase::Running;
    Talk::Heard heard = ran ? Talk::Heard::Nothing : process.talk.read();
    if (heard == Talk::Heard::Hello) heard = process.talk.read();
    if (heard == Talk::Heard::Failed) {
        process.failed = true;
        process.exit = process.talk.failure();
    }
    process.talk.end();
    if (!process.pid_file.empty()) remove_pid_file(process.pid_file, process.pid, process.user.get());
    process.phase = UnitProcess::Phase::Ended;
    // A program may have come and gone before the loop saw it run; the engine hears of both, in order.
    if (heard == Talk::Heard::Running) events_->on_running(process.request.key, process.pid);
    if (process.failed)
        ended(process, process.exit);
    else
        ask_how(process);
}

/// Asks for code, status and result of the unit's main process; nothing is told when the unit is not there.
void SystemdLauncher::Impl::ask(const Process& process,
                                std::function<void(UnitProcess&, const std::optional<UnitResult>&)> answered)
{
    struct Gathering {
        UnitResult result;
        bool good = true;
    };
    auto gathering = std::make_shared<Gathering>();
    const auto property = [&](const char* name, auto read) {
        bus_.send(bus_.property_call(process->unit, kServiceInterface, name), [=](const ManagerBus::Answer& answer) {
            if (!answer.ok() || read(answer.reply, gathering->result) < 0) gathering->good = false;
        });
    };
    if (process->phase == UnitProcess::Phase::Starting) { // else a pidfd told that it is gone
        property("MainPID", [](sd_bus_message* reply, UnitResult& to) { return sd_bus_message_read(reply, "v", "u", &to.pid); });
        // Not that of the process, which may have gone to another one: of a login session (su), or a scope.
        property("ControlGroup", [](sd_bus_message* reply, UnitResult& to) {
            const char* cgroup = nullptr;
            const int read = sd_bus_message_read(reply, "v", "s", &cgroup);
            if (read >= 0) to.cgroup = cgroup;
            return read;
        });
    }
    property("ExecMainCode", [](sd_bus_message* reply, UnitResult& to) { return sd_bus_message_read(reply, "v", "i", &to.code); });
    property("ExecMainStatus", [](sd_bus_message* reply, UnitResult& to) { return sd_bus_message_read(reply, "v", "i", &to.status); });
    bus_.send(bus_.property_call(process->unit, kServiceInterface, "Result"),
              [=, later = Later(process)](const ManagerBus::Answer& answer) {
                  const char* result = nullptr;
                  const bool good = answer.ok() && sd_bus_message_read(answer.reply, "v", "s", &result) >= 0;
                  if (good) gathering->result.result = result;
                  const Process asked = later.lock();
                  if (!asked) return;
                  answered(*asked, good && gathering->good ? std::optional(gathering->result) : std::nullopt);
              });
}

void SystemdLauncher::Impl::ask_how(UnitProcess& process)
{
    const Process shared = find(process.request.key);
    if (!shared) return;
    if (process.given_up) return ended(process, kUnseen);
    ++process.questions;
    ask(shared, [this](UnitProcess& asked, const std::optional<UnitResult>& result) {
        if (asked.phase == UnitProcess::Phase::Leftovers) return; // given up meanwhile
        if (!result) return ask_again(asked); // the connection, not the unit: one that is not there is told as never run
        if (asked.phase != UnitProcess::Phase::Starting) return on_told_how(asked, *result);
        if (asked.adopted) return on_recognised(asked, *result);
        if (asked.pid != 0) return;
        if (result->pid != 0) return (void)watch_main(asked, static_cast<pid_t>(result->pid), path_of_cgroup(result->cgroup)); // it has yet to greet us
        asked.phase = UnitProcess::Phase::Ended;
        on_told_how(asked, *result);
    });
}

void SystemdLauncher::Impl::on_told_how(UnitProcess& process, const UnitResult& result)
{
    const bool ran = process.pid != 0;
    if (result.code == 0 && ran && result.pid == 0) return ask_whether_there(process);
    if (result.code == 0 && result.pid != 0) return ask_again(process); // systemd has not seen it yet
    if (!ran && process.stopping)
        return ended(process, {.kind = ExitInfo::Kind::Signaled, .code = process.request.spec->kill_signal});
    ended(process, exit_of(result, ran));
}

/// A unit that somebody else stopped is unloaded at once when its process ended well, and what is asked of it is told as of one
/// that never ran. (A reference of ours would keep it, but systemd spends a match rule on each, and has 512 of them.)
void SystemdLauncher::Impl::ask_whether_there(UnitProcess& process)
{
    const Process shared = find(process.request.key);
    if (!shared) return;
    bus_.send(bus_.property_call(process.unit, kUnit, "LoadState"), [this, later = Later(shared)](const ManagerBus::Answer& answer) {
        const Process asked = later.lock();
        if (!asked || asked->phase == UnitProcess::Phase::Leftovers) return;
        const char* state = nullptr;
        const bool told = answer.ok() && sd_bus_message_read(answer.reply, "v", "s", &state) >= 0;
        if (!told || std::string_view(state) != "not-found") return ask_again(*asked); // systemd has not seen it yet
        ended(*asked, {.kind = ExitInfo::Kind::Lost, .detail = "its unit was stopped by others (systemctl stop)"});
    });
}

void SystemdLauncher::Impl::ask_again(UnitProcess& process)
{
    if (process.questions > kMostQuestions)
        return ended(process, kUnseen);
    ask_after(process, std::chrono::milliseconds(1 << std::min(std::max(process.questions - 1, 0), kSlowestShift)));
}

void SystemdLauncher::Impl::ask_after(UnitProcess& process, std::chrono::milliseconds delay)
{
    const auto when = std::chrono::steady_clock::now() + delay;
    if (process.ask_again) return process.ask_again.set_time(when);
    auto timer = loop_.add_timer(when, io::Priority::Processes, [this, &process] { ask_how(process); });
    if (timer)
        process.ask_again = *std::move(timer);
    else
        warn_(timer.error().message);
}

void SystemdLauncher::Impl::ended(UnitProcess& process, ExitInfo exit)
{
    process.exit = std::move(exit);
    process.phase = UnitProcess::Phase::Leftovers;
    check_leftovers(process);
}

/// Called when the main process has ended, and whenever something of what it left may have ended.
void SystemdLauncher::Impl::check_leftovers(UnitProcess& process)
{
    const auto left = [&] { return process.group() && !process.failed && cgroup_populated(process.cgroup); };
    if (process.cgroup.empty() || !left()) return finish(process);
    if (process.killed) signal_all(process, SIGKILL); // what was being forked when the others got it
    if (!process.emptiness.source) {
        auto watched = watch_emptiness(loop_, process.cgroup, [this, &process] { check_leftovers(process); });
        if (watched)
            process.emptiness = *std::move(watched);
        else
            warn_(watched.error().message);
    } else if (!process.emptiness.fd) {
        process.emptiness.source.set_time(emptiness_poll());
    }
    if (!left()) return finish(process); // it ended before the watch was there to see it
    // A process may be counted for a moment after it was reaped; the watch tells when that is over.
    if (cgroup_members(process.cgroup).empty() || std::exchange(process.told, true)) return;
    events_->on_main_exited(process.request.key, process.exit);
}

void SystemdLauncher::Impl::finish(UnitProcess& process)
{
    const engine::ProcessKey key = process.request.key;
    const ExitInfo exit = std::move(process.exit);
    starting_.erase(process.unit);
    tell_escaped(process);
    release(process.unit);
    processes_.erase(key);
    events_->on_gone(key, exit);
}

void SystemdLauncher::Impl::stop_unit(const std::string& unit)
{
    BusMessage call = bus_.manager_call("StopUnit");
    if (call) sd_bus_message_append(call.get(), "ss", unit.c_str(), "replace");
    bus_.send_job(std::move(call), [](const ManagerBus::Answer&) {}); // one that is gone needs no stop
}

void SystemdLauncher::Impl::tell_unit(const char* method, const std::string& unit)
{
    BusMessage call = bus_.manager_call(method);
    if (call) sd_bus_message_append(call.get(), "s", unit.c_str());
    bus_.tell(std::move(call));
}

void SystemdLauncher::Impl::signal_all(UnitProcess& process, int signal)
{
    // Dead for so long that it is to be killed, and systemd, which has a thousand others to bury, has not told how it died.
    if (signal == SIGKILL && process.phase == UnitProcess::Phase::Ended) {
        process.given_up = true;
        return ask_after(process, std::chrono::milliseconds(0));
    }
    process.killed |= signal == SIGKILL;
    if (process.pid == 0 && !process.asked_for && !process.adopted) return drop(process, signal);
    if (process.pid == 0) { // nobody to signal yet: the start is called off, or stopped as soon as it is done
        if (std::exchange(process.stopping, true) && signal != SIGKILL) return;
        stop_unit(process.unit);
        if (signal == SIGKILL && process.phase == UnitProcess::Phase::Starting) ask_after(process, kAfterStop);
        return;
    }
    if (!process.group()) {
        if (process.main.fd) send_signal(process.main.fd, signal);
        return;
    }
    // Not by way of systemd: a stop is not to wait for what else it has to do.
    if (!process.cgroup.empty()) {
        std::set<pid_t> signalled;
        if (signal != SIGKILL || !cgroup_kill(process.cgroup)) signalled = signal_cgroup(process.cgroup, signal);
        if (!signalled.contains(process.pid)) signal_escaped(process, signal);
        return;
    }
    BusMessage kill = bus_.manager_call("KillUnit");
    if (kill) sd_bus_message_append(kill.get(), "ssi", process.unit.c_str(), "all", signal);
    bus_.tell(std::move(kill));
}

/// The main process, and what it started, if it is not in the cgroup of its unit any more: PAM moves who logs in to the scope of
/// a session (su -), systemd-run --scope itself to another one.
void SystemdLauncher::Impl::signal_escaped(UnitProcess& process, int signal)
{
    if (process.main.fd) {
        const std::string now = cgroup_of(process.pid);
        const bool inside = now.empty() || now == process.cgroup || now.starts_with(process.cgroup + "/");
        const auto info = inside ? std::nullopt : read_process(process.pid);
        if (info && process.escaped.emplace(info->pid, info->start_time).second)
            warn_(fmt::format("{}: its process {} has left the cgroup of unit '{}' for '{}'; it is signalled there, with what it started",
                              process.request.spec->name, process.pid, process.unit, now));
        if (info)
            for (const ProcessInfo& child : descendants_of(process.pid, read_processes())) process.escaped.emplace(child.pid, child.start_time);
        if (!info) send_signal(process.main.fd, signal); // SIGKILL twice does no harm
    }
    for (const auto& [pid, start_time] : process.escaped) {
        const base::Fd one = open_process({.pid = pid, .start_time = start_time});
        const std::string now = one ? cgroup_of(pid) : std::string();
        if (one && now != process.cgroup && !now.starts_with(process.cgroup + "/")) send_signal(one, signal);
    }
}

/// What did not end when it was signalled, and is in nobody's care now.
void SystemdLauncher::Impl::tell_escaped(const UnitProcess& process)
{
    for (const auto& [pid, start_time] : process.escaped)
        if (const auto info = read_process(pid); info && info->start_time == start_time && !info->ended())
            warn_(fmt::format("{}: process {} runs on in '{}', out of the cgroup of unit '{}'; 'kill {}' ends it", process.request.spec->name, pid,
                              cgroup_of(pid), process.unit, pid));
}

/// It stands in line, and is not launched.
void SystemdLauncher::Impl::drop(UnitProcess& process, int signal)
{
    const engine::ProcessKey key = process.request.key;
    starting_.erase(process.unit);
    processes_.erase(key);
    defer_gone(key, {.kind = ExitInfo::Kind::Signaled, .code = signal});
}

std::optional<model::Usage> SystemdLauncher::Impl::usage(const UnitProcess& process) const
{
    const auto cpu = process.cgroup.empty() ? std::nullopt : cgroup_cpu_usec(process.cgroup);
    if (!cpu) return std::nullopt;
    model::Usage usage;
    usage.cpu_usec = *cpu;
    if (const auto memory = cgroup_memory_bytes(process.cgroup)) {
        usage.memory_bytes = *memory;
        return usage;
    }
    const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    for (const pid_t pid : cgroup_members(process.cgroup)) // no memory controller: what each has resident
        if (const auto info = read_process(pid)) usage.memory_bytes += info->resident_pages * page;
    return usage;
}

/// The slice of an app goes with its last instance, and what was set of it.
void SystemdLauncher::Impl::forget(base::InstanceId id, const std::string& app, bool last)
{
    output_.forget(id);
    if (!last) return;
    const std::string slice = model::slice_of(app);
    stop_unit(slice);
    slices_.erase(slice);
    if (limited_.erase(slice) == 0) return;
    BusMessage call = bus_.manager_call("RevertUnitFiles");
    if (call) sd_bus_message_append(call.get(), "as", 1, slice.c_str());
    bus_.tell(std::move(call));
}

} // namespace pm::launch
