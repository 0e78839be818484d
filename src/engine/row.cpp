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
    machine.state = Starting{.started = now_, .deadline = now_, .cause = cause};
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

Transition Row::follow_with(Then then, std::string reason) &&
{
    auto& stopping = std::get<Stopping>(result_.machine.state);
    if (stopping.then == then) return std::move(*this).stay();
    stopping.then = then;
    result_.reason = std::move(reason);
    return std::move(result_);
}

Transition Row::replace(const Stopping& stopping) &&
{
    result_.restarted = stopping.then == Then::Judge;
    return std::move(*this).follow_with(Then::Again, "restarting by command");
}

void Row::launching(Starting& starting) const
{
    if (starting.running) return;
    starting.begun = true;
    starting.started = now_;
    starting.deadline = now_ + kLaunchTimeout;
}

Transition Row::launching(Starting starting) &&
{
    launching(starting);
    result_.machine.state = std::move(starting);
    return std::move(result_);
}

Transition Row::successor_launching() &&
{
    launching(result_.machine.successor->starting);
    return std::move(result_);
}

State Row::running(Starting starting, const policy::Readiness& readiness) const
{
    starting.running = true;
    starting.started = now_;
    starting.deadline = now_ + policy::bounded(readiness.within);
    starting.must_tell = readiness.must_tell;
    starting.should_tell = readiness.should_tell;
    if (starting.told || readiness.within <= Milliseconds(0)) return online(starting);
    return starting;
}

Transition Row::run(const Starting& starting) &&
{
    if (starting.running) return std::move(*this).stay();
    result_.machine.has_run = true;
    result_.machine.state = running(starting, circumstances_->current.readiness);
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
    if (!starting.running) return starting.begun ? std::move(*this).give_up_launch(starting) : std::move(*this).stay();
    const policy::Readiness& readiness = circumstances_->current.readiness;
    if (!starting.must_tell) {
        Transition online = std::move(*this).ready(starting);
        if (!starting.should_tell) return online;
        online.reason = "taken for ready, as it runs, though " + not_ready(starting, readiness) +
                        "; a reload does not take it so: send the message, or remove wait_ready";
        online.warning = true;
        return online;
    }
    Transition ending = std::move(*this).terminate(starting, Then::Judge, not_ready(starting, readiness));
    std::get<Stopping>(ending.machine.state).blame = timeout(*ending.reason);
    return ending;
}

Transition Row::begin_reload() &&
{
    Machine& machine = result_.machine;
    machine.newest = next_generation();
    machine.successor = Successor{machine.newest, Starting{.started = now_, .deadline = now_}};
    result_.side.push_back({Action::Launch, machine.newest});
    result_.reason = "reloading: starting its successor";
    return std::move(result_);
}

Row Row::drop_successor(Dropping dropping) &&
{
    Machine& machine = result_.machine;
    if (!machine.successor) return std::move(*this);
    const Successor successor = *std::exchange(machine.successor, std::nullopt);
    Stopping stopping = dropping.action == Action::Kill ? abandoned(successor.starting, circumstances_->successor)
                                                        : ending(successor.starting, circumstances_->successor);
    if (dropping.ended) stopping.ended = std::move(dropping.ended);
    stopping.blame = std::move(dropping.blame);
    leave(successor.generation, std::move(stopping), dropping.action);
    return std::move(*this);
}

Transition Row::fail_reload(std::string why, Dropping dropping) &&
{
    result_.reload_failed = why;
    result_.reason = "reload failed, the old process serves on: " + why;
    return std::move(*this).drop_successor(std::move(dropping)).stay();
}

Transition Row::successor_missed_watchdog(const std::string& why) &&
{
    return std::move(*this).fail_reload(why, {.action = Action::Abort, .blame = missed_watchdog(why)});
}

Transition Row::successor_runs() &&
{
    Starting& starting = result_.machine.successor->starting;
    if (starting.running) return std::move(*this).stay();
    result_.machine.has_run = true;
    State now = running(starting, circumstances_->successor.takes_over);
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
    if (!starting.running) return std::move(*this).fail_reload(launch_timeout_text(), {.action = Action::Kill});
    if (!starting.must_tell) return std::move(*this).take_over(online(starting));
    const std::string why = not_ready(starting, circumstances_->successor.takes_over);
    return std::move(*this).fail_reload(why, {.blame = timeout(why)});
}

Transition Row::successor_ended(const ExitInfo& exit, bool gone) &&
{
    const Starting starting = result_.machine.successor->starting;
    const std::string why = "the new process ended before it was ready: " + model::describe(exit);
    if (!gone) return std::move(*this).fail_reload(why, {.ended = Ended{exit, now_}});
    record(result_.machine.successor->generation, starting.started, Ended{exit, now_});
    result_.machine.successor.reset();
    return std::move(*this).fail_reload(exit.kind == ExitInfo::Kind::LaunchFailed ? exit.detail : why);
}

Transition Row::take_over(const Online& online) &&
{
    Machine& machine = result_.machine;
    Stopping stopping = ending(std::get<Online>(machine.state), circumstances_->current);
    const bool told = ask(stopping, circumstances_->current);
    leave(machine.generation, std::move(stopping), told ? Action::Dismiss : Action::Terminate);
    machine.generation = machine.successor->generation;
    machine.successor.reset();
    machine.state = online;
    machine.history = {};
    result_.replaced = result_.restarted = true;
    result_.reason = "reloaded by command";
    return std::move(result_);
}

Row Row::hurry() &&
{
    Machine& machine = result_.machine;
    if (auto* stopping = std::get_if<Stopping>(&machine.state); stopping != nullptr && stopping->asked) signal(machine.generation, *stopping);
    for (Leaver& leaver : machine.leavers)
        if (leaver.stopping.asked) signal(leaver.generation, leaver.stopping);
    return std::move(*this);
}

Transition Row::proceed(const Event& event) &&
{
    proceed(result_.machine.generation, std::get<Stopping>(result_.machine.state), event);
    return std::move(result_);
}

Transition Row::leaver(std::size_t at, const Event& event) &&
{
    Leaver& leaver = result_.machine.leavers[at];
    if (const auto* gone = std::get_if<Gone>(&event)) {
        record(leaver.generation, leaver.stopping.started, end_of(leaver.stopping, gone->exit), !leaver.stopping.blame);
        result_.machine.leavers.erase(result_.machine.leavers.begin() + static_cast<std::ptrdiff_t>(at));
    } else {
        proceed(leaver.generation, leaver.stopping, event);
    }
    return std::move(result_);
}

void Row::act(base::Generation generation, Action action)
{
    if (generation == result_.machine.generation)
        result_.action = action;
    else
        result_.side.push_back({action, generation});
}

void Row::leave(base::Generation generation, Stopping stopping, Action action)
{
    result_.machine.leavers.push_back({generation, std::move(stopping)});
    result_.side.push_back({action, generation});
}

bool Row::ask(Stopping& stopping, const Terms& terms) const
{
    if (terms.drain <= Milliseconds(0)) return false;
    stopping.asked = true;
    stopping.deadline = now_ + policy::bounded(terms.drain);
    return true;
}

void Row::proceed(base::Generation generation, Stopping& stopping, const Event& event)
{
    if (const auto* exited = std::get_if<MainExited>(&event)) {
        if (!stopping.ended) stopping.ended = Ended{exited->exit, now_};
    } else if (std::holds_alternative<Drained>(event)) {
        if (stopping.asked) signal(generation, stopping);
    } else if (const auto* more = std::get_if<MoreTime>(&event)) {
        if (stopping.kills == 0) stopping.deadline = extended(more->time);
    } else if (std::holds_alternative<TimerFired>(event)) {
        if (stopping.asked)
            signal(generation, stopping);
        else
            kill(generation, stopping);
    }
}

void Row::signal(base::Generation generation, Stopping& stopping)
{
    stopping.asked = false;
    stopping.deadline = now_ + stopping.kill_timeout;
    act(generation, Action::Terminate);
}

void Row::kill(base::Generation generation, Stopping& stopping)
{
    if (stopping.kills++ == 0) {
        stopping.killed_at = now_;
        if (generation == result_.machine.generation) result_.reason = "still there after " + kill_timeout_text(stopping) + ", sent SIGKILL";
    }
    if (survived(stopping)) result_.survivor = Survivor{generation, stopping.killed_at};
    stopping.deadline = now_ + kill_interval(stopping);
    act(generation, Action::Kill);
}

Stopping Row::abandoned(const Starting& starting, const Terms& terms) const
{
    Stopping stopping = ending(starting, terms);
    stopping.then = Then::Judge;
    stopping.ended = Ended{{.kind = ExitInfo::Kind::LaunchFailed, .code = ETIMEDOUT, .detail = launch_timeout_text()}, now_};
    stopping.kills = 1;
    stopping.killed_at = now_;
    stopping.deadline = now_ + kill_interval(stopping);
    return stopping;
}

Transition Row::give_up_launch(const Starting& starting) &&
{
    result_.machine.state = abandoned(starting, circumstances_->current);
    act(result_.machine.generation, Action::Kill);
    result_.reason = launch_timeout_text();
    return std::move(result_);
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
                                                    : "stopped by command, with SIGKILL after " + kill_timeout_text(stopping));
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

ExitInfo Row::timeout(std::string why)
{
    return {.cause = ExitInfo::Cause::Timeout, .detail = std::move(why)};
}

ExitInfo Row::missed_watchdog(std::string why)
{
    return {.cause = ExitInfo::Cause::Watchdog, .detail = std::move(why)};
}

std::string Row::not_ready(const Starting& starting, const policy::Readiness& readiness)
{
    std::string why = "not ready within " +
                      base::format_duration(std::chrono::duration_cast<Milliseconds>(starting.deadline - starting.started)) +
                      " (listen_timeout)";
    if (!starting.unready.empty())
        why += ": " + starting.unready;
    else if (readiness.by)
        why += ": " + policy::not_told(*readiness.by);
    return why;
}

/// What to do about a program that is done at once. `left_others`: it forked, and what pmd started is over; what it left was ended.
std::string Row::hint(const ExitInfo& exit, bool left_others, bool given_up)
{
    if (exit.kind != ExitInfo::Kind::Exited || exit.code != 0) return {};
    if (left_others)
        return "; it went to the background, where pmd cannot tell how it is: have it stay in the foreground ('daemonize no', '--nodaemon', 'daemon off;')";
    if (!given_up) return {};
    return "; a program that is meant to end needs 'autorestart: false', one that goes to the background has to stay in the foreground";
}

std::string Row::launch_timeout_text()
{
    return "starting the program took longer than " + base::format_duration(kLaunchTimeout);
}

std::string Row::kill_timeout_text(const Stopping& stopping)
{
    return base::format_duration(stopping.kill_timeout) + " (kill_timeout)";
}

Milliseconds Row::kill_interval(const Stopping& stopping)
{
    return std::clamp(stopping.kill_timeout, kLeastKillInterval, kMostKillInterval);
}

} // namespace pm::engine
