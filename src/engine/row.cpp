// SPDX-License-Identifier: Apache-2.0
#include "engine/row.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <cerrno>

namespace pm::engine {
namespace {

using model::ExitInfo;
using model::Milliseconds;
using policy::Cause;

constexpr Milliseconds kLeastKillInterval{1'000};
constexpr Milliseconds kMostKillInterval{10'000};
constexpr const char* kSuccessorWaits = "reloading: waiting for its successor to be ready";
constexpr std::chrono::hours kLongestExtension{1}; ///< at once; it may ask again

} // namespace

Transition Row::launch(Cause cause) &&
{
    if (cause == Cause::Command && !circumstances_->waits.empty()) return std::move(*this).wait();
    Machine& machine = result_.machine;
    machine.generation = next_generation();
    if (cause == Cause::Command) {
        machine.history = {};
        result_.reason = "";
    }
    machine.state = Starting{.started = now_, .deadline = now_ + kLaunchTimeout, .cause = cause};
    result_.action = Action::Launch;
    if (cause == Cause::Policy) result_.restarted = true;
    return std::move(result_);
}

Transition Row::wait() &&
{
    result_.machine.history = {};
    return std::move(*this).rest(Waiting{}, circumstances_->waits);
}

Transition Row::rest(State state, std::string reason) &&
{
    result_.machine.state = std::move(state);
    result_.reason = std::move(reason);
    return std::move(result_);
}

Transition Row::signal_asked(Stopping stopping) &&
{
    stopping.asked = false;
    stopping.deadline = now_ + kill_timeout();
    result_.machine.state = std::move(stopping);
    result_.action = Action::Terminate;
    return std::move(result_);
}

Transition Row::follow_with(const Stopping& stopping, Then then, std::string reason) &&
{
    if (stopping.then == then) return std::move(*this).stay();
    Stopping changed = stopping;
    changed.then = then;
    result_.machine.state = std::move(changed);
    result_.reason = std::move(reason);
    return std::move(result_);
}

Transition Row::replace(const Stopping& stopping) &&
{
    result_.restarted = stopping.then == Then::Judge;
    return std::move(*this).follow_with(stopping, Then::Again, "restarting by command");
}

Transition Row::remember(const Stopping& stopping, const ExitInfo& exit) &&
{
    Stopping changed = stopping;
    if (!changed.ended) changed.ended = Ended{exit, now_};
    result_.machine.state = std::move(changed);
    return std::move(result_);
}

State Row::running(Starting starting, const policy::Readiness& readiness) const
{
    starting.running = true;
    starting.started = now_;
    starting.deadline = now_ + policy::bounded(readiness.within);
    starting.must_tell = readiness.must_tell;
    if (starting.told || readiness.within <= Milliseconds(0)) return online(starting);
    return starting;
}

Transition Row::run(const Starting& starting) &&
{
    if (starting.running) return std::move(*this).stay();
    result_.machine.state = running(starting, circumstances_->readiness);
    return std::move(result_);
}

Transition Row::ready(Starting starting) &&
{
    starting.told = true;
    if (!starting.unready.empty()) result_.reason = ""; // it was that
    if (starting.running)
        result_.machine.state = online(starting);
    else
        result_.machine.state = starting;
    return std::move(result_);
}

Transition Row::unready(Starting starting, const std::string& why) &&
{
    starting.unready = why;
    result_.machine.state = std::move(starting);
    result_.reason = why;
    return std::move(result_);
}

Transition Row::overdue(const Starting& starting) &&
{
    if (!starting.running) return std::move(*this).give_up_launch(starting);
    if (!starting.must_tell) return std::move(*this).ready(starting);
    Transition ending = std::move(*this).terminate(starting, Then::Judge, not_ready(starting));
    std::get<Stopping>(ending.machine.state).blame = timeout(*ending.reason);
    return ending;
}

Transition Row::begin_reload() &&
{
    Machine& machine = result_.machine;
    machine.newest = next_generation();
    machine.successor = Successor{machine.newest, Starting{.started = now_, .deadline = now_ + kLaunchTimeout}};
    result_.side.push_back({Action::Launch, machine.newest});
    result_.reason = "reloading: starting its successor";
    return std::move(result_);
}

Row Row::drop_successor(std::optional<ExitInfo> blame, std::optional<Ended> ended) &&
{
    Machine& machine = result_.machine;
    if (!machine.successor) return std::move(*this);
    machine.leavers.push_back({machine.successor->generation, Stopping{.started = machine.successor->starting.started,
                                                                       .deadline = now_ + kill_timeout(),
                                                                       .ended = std::move(ended),
                                                                       .blame = std::move(blame)}});
    result_.side.push_back({Action::Terminate, machine.successor->generation});
    machine.successor.reset();
    return std::move(*this);
}

Transition Row::fail_reload(std::string why, std::optional<ExitInfo> blame, std::optional<Ended> ended) &&
{
    result_.reload_failed = why;
    result_.reason = "reload failed, the old process serves on: " + why;
    return std::move(*this).drop_successor(std::move(blame), std::move(ended)).stay();
}

Transition Row::successor_runs() &&
{
    Starting& starting = result_.machine.successor->starting;
    if (starting.running) return std::move(*this).stay();
    State now = running(starting, circumstances_->takes_over);
    if (std::holds_alternative<Online>(now)) return std::move(*this).take_over(std::get<Online>(now));
    starting = std::get<Starting>(now);
    result_.reason = kSuccessorWaits;
    return std::move(result_);
}

Transition Row::successor_ready() &&
{
    Starting& starting = result_.machine.successor->starting;
    starting.told = true;
    if (!starting.running) return std::move(*this).stay();
    return std::move(*this).take_over(online(starting));
}

Transition Row::successor_unready(const std::string& why) &&
{
    result_.machine.successor->starting.unready = why;
    result_.reason = kSuccessorWaits + (": " + why);
    return std::move(result_);
}

Transition Row::extend_successor(model::Duration time) &&
{
    Starting& starting = result_.machine.successor->starting;
    if (starting.must_tell) starting.deadline = extended(time);
    return std::move(result_);
}

Transition Row::successor_overdue() &&
{
    const Starting starting = result_.machine.successor->starting;
    if (!starting.running) return std::move(*this).fail_reload(launch_timeout_text(), timeout(launch_timeout_text()));
    if (!starting.must_tell) return std::move(*this).take_over(online(starting));
    return std::move(*this).fail_reload(not_ready(starting), timeout(not_ready(starting)));
}

Transition Row::successor_ended(const ExitInfo& exit, bool gone) &&
{
    const Starting starting = result_.machine.successor->starting;
    const std::string why = "the new process ended before it was ready: " + model::describe(exit);
    if (!gone) return std::move(*this).fail_reload(why, std::nullopt, Ended{exit, now_});
    record(result_.machine.successor->generation, starting.started, Ended{exit, now_});
    result_.machine.successor.reset();
    return std::move(*this).fail_reload(exit.kind == ExitInfo::Kind::LaunchFailed ? exit.detail : why);
}

Transition Row::take_over(const Online& online) &&
{
    Machine& machine = result_.machine;
    const auto& old = std::get<Online>(machine.state);
    const bool told = circumstances_->drain > Milliseconds(0);
    machine.leavers.push_back(
        {machine.generation, Stopping{.started = old.started,
                                      .deadline = now_ + (told ? policy::bounded(circumstances_->drain) : kill_timeout()),
                                      .cause = old.cause,
                                      .asked = told}});
    result_.side.push_back({told ? Action::Dismiss : Action::Terminate, machine.generation});
    machine.generation = machine.successor->generation;
    machine.successor.reset();
    machine.state = online;
    machine.history = {};
    result_.replaced = result_.restarted = true;
    result_.reason = "reloaded by command";
    return std::move(result_);
}

Row Row::hurry_leavers() &&
{
    for (Leaver& leaver : result_.machine.leavers)
        if (leaver.stopping.asked) signal_leaver(leaver);
    return std::move(*this);
}

Transition Row::leaver(std::size_t at, const Event& event) &&
{
    Leaver& leaver = result_.machine.leavers[at];
    Stopping& stopping = leaver.stopping;
    if (const auto* exited = std::get_if<MainExited>(&event)) {
        if (!stopping.ended) stopping.ended = Ended{exited->exit, now_};
    } else if (const auto* gone = std::get_if<Gone>(&event)) {
        record(leaver.generation, stopping.started, end_of(stopping, gone->exit), !stopping.blame);
        result_.machine.leavers.erase(result_.machine.leavers.begin() + static_cast<std::ptrdiff_t>(at));
    } else if (std::holds_alternative<Drained>(event)) {
        if (stopping.asked) signal_leaver(leaver);
    } else if (const auto* more = std::get_if<MoreTime>(&event)) {
        if (stopping.kills == 0) stopping.deadline = extended(more->time);
    } else if (std::holds_alternative<TimerFired>(event)) {
        if (stopping.asked)
            signal_leaver(leaver);
        else
            kill_leaver(leaver);
    }
    return std::move(result_);
}

Transition Row::kill(Stopping stopping) &&
{
    result_.survived = stopping.kills > 0;
    if (stopping.kills++ == 0) {
        stopping.killed_at = now_;
        if (!result_.reason) result_.reason = "still there after " + kill_timeout_text() + ", sent SIGKILL";
    }
    stopping.deadline = now_ + kill_interval();
    result_.machine.state = std::move(stopping);
    result_.action = Action::Kill;
    return std::move(result_);
}

Transition Row::give_up_launch(const Starting& starting) &&
{
    const ExitInfo timeout{.kind = ExitInfo::Kind::LaunchFailed, .code = ETIMEDOUT, .detail = launch_timeout_text()};
    result_.reason = timeout.detail;
    return std::move(*this).kill(
        Stopping{.then = Then::Judge, .started = starting.started, .cause = starting.cause, .ended = Ended{timeout, now_}});
}

Transition Row::finish(const Stopping& stopping, const ExitInfo& exit) &&
{
    Ended ended = end_of(stopping, exit);
    switch (stopping.then) {
    case Then::Judge: return std::move(*this).judge(stopping, std::move(ended));
    case Then::Stay:
        record(result_.machine.generation, stopping.started, std::move(ended), true);
        return std::move(*this).rest(Stopped{}, stopping.kills == 0
                                                    ? "stopped by command"
                                                    : "stopped by command, with SIGKILL after " + kill_timeout_text());
    case Then::Again:
        record(result_.machine.generation, stopping.started, std::move(ended), true);
        return std::move(*this).launch(Cause::Command);
    }
    return std::move(result_);
}

void Row::record(base::Generation generation, model::TimePoint started, Ended ended, bool commanded)
{
    const auto uptime = std::chrono::duration_cast<model::Duration>(ended.when - started);
    result_.exit = Exit{std::move(ended), generation, std::max(uptime, model::Duration(0)), commanded};
}

Ended Row::end_of(const Stopping& stopping, const ExitInfo& exit) const
{
    Ended ended = stopping.ended.value_or(Ended{exit, now_});
    if (!stopping.blame) return ended;
    ended.exit.cause = stopping.blame->cause;
    ended.exit.detail = stopping.blame->detail;
    return ended;
}

model::TimePoint Row::extended(model::Duration time) const
{
    return now_ + std::clamp(time, model::Duration(0), model::Duration(kLongestExtension));
}

base::Generation Row::next_generation() const
{
    const Machine& machine = result_.machine;
    return base::Generation{std::max(machine.generation.value, machine.newest.value) + 1};
}

void Row::signal_leaver(Leaver& leaver)
{
    leaver.stopping.asked = false;
    leaver.stopping.deadline = now_ + kill_timeout();
    result_.side.push_back({Action::Terminate, leaver.generation});
}

void Row::kill_leaver(Leaver& leaver)
{
    Stopping& stopping = leaver.stopping;
    if (stopping.kills++ == 0) stopping.killed_at = now_;
    stopping.deadline = now_ + kill_interval();
    result_.side.push_back({Action::Kill, leaver.generation});
}

ExitInfo Row::timeout(std::string why)
{
    return {.cause = ExitInfo::Cause::Timeout, .detail = std::move(why)};
}

std::string Row::not_ready(const Starting& starting)
{
    return "not ready within " +
           base::format_duration(std::chrono::duration_cast<Milliseconds>(starting.deadline - starting.started)) +
           " (listen_timeout)" + (starting.unready.empty() ? "" : ": " + starting.unready);
}

std::string Row::launch_timeout_text()
{
    return "starting the program took longer than " + base::format_duration(kLaunchTimeout);
}

std::string Row::kill_timeout_text() const
{
    return base::format_duration(kill_timeout()) + " (kill_timeout)";
}

Milliseconds Row::kill_interval() const
{
    return std::clamp(circumstances_->kill_timeout, kLeastKillInterval, kMostKillInterval);
}

} // namespace pm::engine
