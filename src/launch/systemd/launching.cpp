// SPDX-License-Identifier: Apache-2.0
#include "base/guard.hpp"
#include "launch/process/cgroup_files.hpp"
#include "launch/process/orders.hpp"
#include "launch/process/pid_file.hpp"
#include "launch/process/process_table.hpp"
#include "launch/process/sentences.hpp"
#include "launch/systemd/impl.hpp"
#include "launch/systemd/invitation.hpp"
#include "launch/systemd/transient.hpp"
#include "launch/systemd/unit_result.hpp"
#include "launch/wire.hpp"
#include "model/unit_names.hpp"

#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace pm::launch {
namespace {

using model::ExitInfo;
using model::LaunchStage;

constexpr std::chrono::milliseconds kGreeting{500}; ///< it takes microseconds
constexpr const char* kUnitExists = "org.freedesktop.systemd1.UnitExists";

/// What takes the limits of `before` away that `after` does not have, and sets the others.
policy::Properties slice_change(const model::ResourceControl& before, const model::AppSpec& after)
{
    model::AppSpec was = after;
    was.limits = before;
    if (auto change = policy::live_changes(was, after)) return std::move(change->slice);
    was.limits.tasks.reset(); // of a slice it can be taken away: no default is put in its place
    auto change = policy::live_changes(was, after);
    policy::Properties properties = change ? std::move(change->slice) : policy::Properties();
    properties.push_back({"TasksMax", model::ResourceControl::kInfinity});
    return properties;
}

} // namespace

SystemdLauncher::Impl::Process SystemdLauncher::Impl::add(const engine::LaunchRequest& request)
{
    const auto [at, fresh] = processes_.try_emplace(request.key);
    if (!fresh) {
        warn_("internal error: a process was launched twice under one key");
        return nullptr;
    }
    at->second = std::make_shared<UnitProcess>();
    at->second->request = request;
    at->second->unit = model::unit_of(request.spec->name, request.slot, request.key.generation);
    slices_.insert(model::slice_of(request.spec->name));
    return at->second;
}

void SystemdLauncher::Impl::launch(const engine::LaunchRequest& request)
{
    if (paused_) {
        held_[request.key] = request;
        return;
    }
    const Process process = add(request);
    if (!process) return;
    std::optional<ExitInfo> failure;
    base::guard(
        [&] {
            failure = prepare(process);
            if (failure) return;
            decisions_.once_written([this, later = Later(process)] {
                if (const Process decided = later.lock()) begin(decided);
            });
        },
        [&](const std::string& what) { failure = launch_failed(LaunchStage::Resources, ENOMEM, what); });
    if (!failure) return;
    starting_.erase(process->unit);
    processes_.erase(request.key);
    defer_gone(request.key, *std::move(failure));
}

std::optional<ExitInfo> SystemdLauncher::Impl::prepare(const Process& process)
{
    const engine::LaunchRequest& request = process->request;
    const auto account = accounts_.find(options_.user ? "" : request.spec->user, options_.user ? "" : request.spec->group);
    if (!account) return account.error();
    if (options_.user && !request.spec->user.empty())
        return launch_failed(LaunchStage::User, EPERM,
                             fmt::format("changing to user '{}': only the system's pmd can do that", request.spec->user));
    process->user = identity_of(*account);
    auto stdio = output_.open(request, process->user);
    if (!stdio) return launch_failed(LaunchStage::Resources, EIO, stdio.error());
    const auto sockets = sockets_.descriptors(request);
    if (!sockets) return launch_failed(LaunchStage::Listen, EADDRNOTAVAIL, sockets.error());
    const auto channel = channels_.connect(request, process->user);
    if (!channel) return launch_failed(LaunchStage::Resources, EIO, channel.error());
    if (const auto notify = channel->environment.find("NOTIFY_SOCKET"); notify != channel->environment.end())
        process->notify_socket = notify->second;
    auto orders = make_orders(request, {*account, !stdio->out, !stdio->err, options_.path, std::nullopt, *channel, true});
    if (!orders) return step_failed(LaunchStage::Wire, E2BIG, {});
    auto talk = make_socket_pair();
    auto invitation = make_socket_pair();
    if (!talk || !invitation) return step_failed(LaunchStage::Resources, errno, {});
    const int on = 1;
    if (::setsockopt(talk->ours.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on) < 0)
        return step_failed(LaunchStage::Resources, errno, {});
    if (const int error = invite(invitation->ours, talk->theirs, stdio->out, stdio->err)) return step_failed(LaunchStage::Resources, error, {});
    if (const int error = process->talk.begin(std::move(talk->ours), *std::move(orders), true, descriptors_of(*sockets, *channel)))
        return step_failed(LaunchStage::Listen, error, {});
    process->invitation = std::move(invitation->ours);
    process->theirs = std::move(invitation->theirs);
    auto watched = process->talk.watch(
        loop_, [this, &at = *process](std::uint32_t events) { on_talk(at, events); });
    if (!watched) return launch_failed(LaunchStage::Resources, ENOMEM, watched.error().message);
    return std::nullopt;
}

/// Asks for the unit as soon as nothing is in its way.
void SystemdLauncher::Impl::begin(const Process& process)
{
    if (process->stopping) return ended(*process, {.kind = ExitInfo::Kind::Signaled, .code = process->request.spec->kill_signal});
    if (unanswered_ > 0) return after_sweep_.emplace_back(process), void();
    if (const std::string* other = in_the_way_of(*process)) return releasing_.at(*other).next.emplace_back(process), void();
    if (auto failure = request_unit(process)) ended(*process, *std::move(failure));
}

std::optional<ExitInfo> SystemdLauncher::Impl::request_unit(const Process& process)
{
    BusMessage call = bus_.manager_call("StartTransientUnit");
    if (!call) return launch_failed(LaunchStage::Resources, ENOTCONN, "starting a unit: no connection to systemd");
    const int filled = describe_service(call.get(), process->request,
                                        {process->unit, options_.pm_exec, process->theirs.get(), process->notify_socket, options_.user});
    if (filled < 0) return launch_failed(LaunchStage::Resources, -filled, fmt::format("describing unit '{}': {}", process->unit, std::strerror(-filled)));
    prepare_slice(*process->request.spec);
    starting_[process->unit] = process.get();
    bus_.send_job(std::move(call), [this, later = Later(process)](const ManagerBus::Answer& answer) {
        if (const Process asked = later.lock()) on_requested(asked, answer);
    }, [later = Later(process)] {
        const Process next = later.lock();
        if (next) next->asked_for = true;
        return next != nullptr;
    });
    return std::nullopt;
}

/// Limits for all of an app hold from its first process on; without any, systemd makes the slice by itself.
void SystemdLauncher::Impl::prepare_slice(const model::AppSpec& spec)
{
    const std::string slice = model::slice_of(spec.name);
    const auto known = limited_.find(slice);
    if (known == limited_.end()) {
        if (!policy::slice_properties(spec).empty()) start_slice(slice, spec);
        return;
    }
    change(slice, slice_change(known->second, spec));
    known->second = spec.limits;
}

void SystemdLauncher::Impl::start_slice(const std::string& slice, const model::AppSpec& spec)
{
    limited_.emplace(slice, spec.limits);
    BusMessage call = bus_.manager_call("StartTransientUnit");
    if (!call || describe_slice(call.get(), slice, spec) < 0) return;
    bus_.send_job(std::move(call), [this, slice, properties = policy::slice_properties(spec)](const ManagerBus::Answer& answer) {
        if (answer.name == kUnitExists)
            change(slice, properties);
        else if (!answer.ok())
            warn_(fmt::format("starting unit '{}': {}; the limits of the app do not hold", slice, answer.message));
    });
}

void SystemdLauncher::Impl::change(const std::string& unit, const policy::Properties& properties)
{
    if (properties.empty()) return;
    BusMessage call = bus_.manager_call("SetUnitProperties");
    if (!call || describe_change(call.get(), unit, properties) < 0) return;
    bus_.send(std::move(call), [this, unit](const ManagerBus::Answer& answer) {
        if (!answer.ok()) warn_(fmt::format("setting limits of unit '{}': {}; they hold from the next start on", unit, answer.message));
    });
}

void SystemdLauncher::Impl::adjust(const engine::Adjustment& adjustment)
{
    const std::string slice = model::slice_of(adjustment.spec->name);
    if (!adjustment.change.slice.empty()) limited_.insert_or_assign(slice, adjustment.spec->limits);
    change(slice, adjustment.change.slice);
    for (const engine::ProcessKey key : adjustment.processes)
        if (const auto held = held_.find(key); held != held_.end())
            held->second.spec = adjustment.spec;
        else if (const Process process = find(key))
            change(process->unit, adjustment.change.instance);
}

/// A job is on its way (on_job_removed() tells its end), or systemd refused.
void SystemdLauncher::Impl::on_requested(const Process& process, const ManagerBus::Answer& answer)
{
    if (answer.ok()) process->theirs.reset();
    if (process->phase != UnitProcess::Phase::Starting || process->pid != 0) return;
    if (answer.ok()) return events_->on_launching(process->request.key);
    starting_.erase(process->unit);
    // While systemd executes itself anew, its name has no owner, and the bus tries in vain to start it.
    const int code = answer.name.starts_with("org.freedesktop.DBus.Error.Spawn.") ? EHOSTDOWN : answer.code;
    if (answer.name != kUnitExists) return refuse(process, answer.message, code);
    if (std::exchange(process->name_was_taken, true))
        return refuse(process, answer.message + fmt::format("; it has been stopped, and something is left in it ('systemctl status {}' tells what)", process->unit));
    ask_whose(process->unit, [this, later = Later(process)](bool ours) {
        const Process asked = later.lock();
        if (!asked) return;
        if (!ours) return refuse(asked, fmt::format("a unit of that name is there, which pmd did not make ('systemctl status {}' tells whose)", asked->unit));
        releasing_[asked->unit].next.emplace_back(asked); // what a process that could not be killed for a while has left
        stop_and_forget(asked->unit);
    });
}

void SystemdLauncher::Impl::refuse(const Process& process, const std::string& why, int code)
{
    process->talk.end();
    process->failed = true;
    const engine::ProcessKey key = process->request.key;
    const ExitInfo exit = launch_failed(LaunchStage::Resources, code, fmt::format("starting unit '{}': {}", process->unit, why));
    processes_.erase(key);
    events_->on_gone(key, exit);
}

/// The start job of one of our units ended. When it failed, pm-exec never greeted us, and systemd knows why.
void SystemdLauncher::Impl::on_job_removed(const std::string& unit, const std::string& result, const std::string& job)
{
    if (on_check_done(unit, result)) return;
    if (const auto stopped = releasing_.find(unit); stopped != releasing_.end() && stopped->second.job == job) {
        if (result != "done") tell_unit("ResetFailedUnit", unit); // something in it outlived the time it had to end
        return on_released(unit);
    }
    const auto found = starting_.find(unit);
    if (found == starting_.end()) return;
    UnitProcess& process = *found->second;
    starting_.erase(found);
    const engine::ProcessKey key = process.request.key;
    read_talk(process); // what pm-exec said may be waiting
    if (!find(key) || process.pid != 0) return;
    if (result == "done") return ask_after(process, kGreeting); // pm-exec greets us, or was stopped before it could
    process.talk.end();
    process.phase = UnitProcess::Phase::Ended;
    ask_how(process);
}

void SystemdLauncher::Impl::on_talk(UnitProcess& process, std::uint32_t events)
{
    if (process.talk.ready(events)) read_talk(process);
}

/// Reads on after a hello: what follows it may have come with it.

void SystemdLauncher::Impl::read_talk(UnitProcess& process)
{
    switch (process.talk.read()) {
    case Talk::Heard::Nothing: return;
    case Talk::Heard::Hello:
        process.invitation.reset();
        process.ask_again.reset();
        if (process.pid == 0 && !watch_main(process, process.talk.pid(), cgroup_of(process.talk.pid()))) return;
        if (process.killed) signal_all(process, SIGKILL);
        return read_talk(process);
    case Talk::Heard::Filter:
        channels_.take_filter(process.request.key, process.talk.listener());
        return read_talk(process);
    case Talk::Heard::Running:
        if (process.pid != 0) became_running(process);
        return;
    case Talk::Heard::Failed:
        process.failed = true; // pm-exec is exiting: on_gone() waits for that, so that nothing is left behind
        process.exit = process.talk.failure();
        return;
    }
}

/// Learns who the process is and waits for its end. False when it is gone already, which is being dealt with then.
bool SystemdLauncher::Impl::watch_main(UnitProcess& process, pid_t pid, std::string cgroup)
{
    process.pid = pid;
    process.main.fd = base::Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    process.cgroup = std::move(cgroup);
    auto source = process.main.fd ? loop_.add_io(process.main.fd.get(), EPOLLIN, io::Priority::Processes,
                                                 [this, &process](std::uint32_t) { on_main(process); })
                                  : base::Result<io::Source>(base::fail_errno("watching a process", errno));
    if (source) {
        process.main.source = *std::move(source);
        return true;
    }
    process.main.reset();
    on_main(process);
    return false;
}

void SystemdLauncher::Impl::became_running(UnitProcess& process)
{
    const engine::LaunchRequest& request = process.request;
    process.phase = UnitProcess::Phase::Running;
    if (!request.spec->pid_file.empty()) {
        std::string path = pid_file_path(request.spec->pid_file, request.slot.value, request.several);
        if (const auto written = write_pid_file(path, process.pid, process.user.get()))
            process.pid_file = std::move(path);
        else
            warn_(request.spec->name + ": " + written.error().message);
    }
    events_->on_running(request.key, process.pid);
}

} // namespace pm::launch
