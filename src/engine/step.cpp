// SPDX-License-Identifier: Apache-2.0
#include "engine/step.hpp"

#include "engine/row.hpp"

#include <concepts>

namespace pm::engine {
namespace {

using policy::Cause;

template <typename T>
concept Resting = std::same_as<T, Stopped> || std::same_as<T, Errored> || std::same_as<T, Waiting> || std::same_as<T, Backoff>;
template <typename T>
concept Process = std::same_as<T, Starting> || std::same_as<T, Online>;
template <typename T>
concept News = std::same_as<T, DependenciesMet> || std::same_as<T, DependencyLost> || std::same_as<T, DropSuccessor>;
template <typename T>
concept OfAnEnd = std::same_as<T, MainExited> || std::same_as<T, Drained> || std::same_as<T, MoreTime> || std::same_as<T, TimerFired>;
template <typename T>
concept Answer = requires(const T& at) { at.generation; };

/// The cells of the table, by state and event. A cell that is missing does not compile.
struct Cells {
    Row row;

    Transition stay() { return std::move(row).stay(); }
    Transition launch(Cause cause) { return std::move(row).launch(cause); }
    Transition stopped() { return std::move(row).rest(Stopped{}, "stopped by command"); }

    Transition operator()(const Resting auto&, const StartCommand&) { return launch(Cause::Command); }
    Transition operator()(const Resting auto&, const RestartCommand&) { return launch(Cause::Command); }
    Transition operator()(const Resting auto&, const ReloadCommand&) { return launch(Cause::Command); }
    Transition operator()(const Resting auto&, const Answer auto&) { return stay(); }
    Transition operator()(const Stopped&, const StopCommand&) { return stay(); }
    Transition operator()(const Errored&, const StopCommand&) { return stopped(); }
    Transition operator()(const Waiting&, const StopCommand&) { return stopped(); }
    Transition operator()(const Backoff&, const StopCommand&) { return stopped(); }
    Transition operator()(const Stopped&, const TimerFired&) { return stay(); }
    Transition operator()(const Errored&, const TimerFired&) { return stay(); }
    Transition operator()(const Waiting&, const TimerFired&) { return stay(); }
    Transition operator()(const Backoff&, const TimerFired&) { return launch(Cause::Policy); }

    Transition operator()(const Waiting&, const DependenciesMet&) { return launch(Cause::Command); }
    Transition operator()(const Waiting&, const DependencyLost& news) { return std::move(row).rest(Errored{}, news.reason); }
    Transition operator()(const auto&, const News auto&) { return stay(); }

    Transition operator()(const Process auto&, const StartCommand&) { return stay(); }
    Transition operator()(const Process auto& process, const StopCommand& command)
    {
        row = std::move(row).drop_successor();
        if (command.gently) return std::move(row).dismiss(process, Then::Stay, "stopping by command");
        return std::move(row).terminate(process, Then::Stay, "stopping by command");
    }
    Transition operator()(const Starting& process, const ReloadCommand&)
    {
        return std::move(row).terminate(process, Then::Again, "restarting by command");
    }
    Transition operator()(const Online&, const ReloadCommand& command)
    {
        if (row.has_successor() && !command.anew) return stay();
        return std::move(row).drop_successor().begin_reload();
    }
    Transition operator()(const Process auto& process, const WatchdogMissed& missed)
    {
        row = std::move(row).drop_successor();
        return std::move(row).abort(process, missed.why);
    }
    Transition operator()(const Process auto& process, const RestartCommand&)
    {
        row = std::move(row).drop_successor();
        return std::move(row).terminate(process, Then::Again, "restarting by command");
    }
    Transition operator()(const Process auto& process, const MainExited& answer)
    {
        if (row.has_successor()) return std::move(row).promote(process, answer.exit, false);
        return std::move(row).terminate(process, Then::Judge,
                                        model::describe(answer.exit) + "; ending what it left running",
                                        Ended{answer.exit, row.now()});
    }
    Transition operator()(const Process auto& process, const Gone& answer)
    {
        if (row.has_successor()) return std::move(row).promote(process, answer.exit, true);
        return std::move(row).judge(process, Ended{answer.exit, row.now()});
    }
    Transition operator()(const Starting& starting, const Ready&) { return std::move(row).ready(starting); }
    Transition operator()(const Online&, const Ready&) { return stay(); }
    Transition operator()(const Starting& starting, const Unready& look) { return std::move(row).unready(starting, look.why); }
    Transition operator()(const Online&, const Unready&) { return stay(); }
    Transition operator()(const Starting& starting, const Launching&) { return std::move(row).launching(starting); }
    Transition operator()(const Online&, const Launching&) { return stay(); }
    Transition operator()(const Process auto&, const Drained&) { return stay(); }
    Transition operator()(const Starting& starting, const MoreTime& more)
    {
        if (!starting.must_tell && !starting.should_tell) return stay();
        return std::move(row).extend(starting, more.time);
    }
    Transition operator()(const Online&, const MoreTime&) { return stay(); }
    Transition operator()(const Starting& starting, const Running&) { return std::move(row).run(starting); }
    Transition operator()(const Starting& starting, const TimerFired&)
    {
        return std::move(row).overdue(starting);
    }
    Transition operator()(const Online&, const Running&) { return stay(); }
    Transition operator()(const Online&, const TimerFired&) { return stay(); }

    Transition operator()(const Stopping&, const StartCommand&)
    {
        return std::move(row).follow_with(Then::Again, "starting again by command");
    }
    Transition operator()(const Stopping&, const StopCommand&) { return std::move(row).follow_with(Then::Stay, "stopping by command"); }
    Transition operator()(const Stopping& stopping, const RestartCommand&)
    {
        return std::move(row).replace(stopping);
    }
    Transition operator()(const Stopping& stopping, const ReloadCommand&)
    {
        return std::move(row).replace(stopping);
    }
    Transition operator()(const Stopping&, const Launching&) { return stay(); }
    Transition operator()(const Stopping&, const Ready&) { return stay(); }
    Transition operator()(const Stopping&, const Unready&) { return stay(); }
    Transition operator()(const Stopping&, const WatchdogMissed&) { return stay(); }
    Transition operator()(const Stopping&, const Running&) { return stay(); }
    Transition operator()(const Stopping&, const OfAnEnd auto& event) { return std::move(row).proceed(event); }
    Transition operator()(const Stopping& stopping, const Gone& answer)
    {
        return std::move(row).finish(stopping, answer.exit);
    }
};

/// The process that `event` is about, if it is about one.
std::optional<base::Generation> subject(const Event& event)
{
    return std::visit(
        []<typename E>(const E& at) -> std::optional<base::Generation> {
            if constexpr (Answer<E>)
                return at.generation;
            else
                return std::nullopt;
        },
        event);
}

/// The cells of a successor that is starting.
struct SuccessorCells {
    Row row;

    Transition operator()(const Launching&) { return std::move(row).successor_launching(); }
    Transition operator()(const Running&) { return std::move(row).successor_runs(); }
    Transition operator()(const Ready&) { return std::move(row).successor_ready(); }
    Transition operator()(const Unready& look) { return std::move(row).successor_unready(look.why); }
    Transition operator()(const TimerFired&) { return std::move(row).successor_overdue(); }
    Transition operator()(const MainExited& answer) { return std::move(row).successor_ended(answer.exit, false); }
    Transition operator()(const Gone& answer) { return std::move(row).successor_ended(answer.exit, true); }
    Transition operator()(const WatchdogMissed& missed) { return std::move(row).successor_missed_watchdog(missed.why); }
    Transition operator()(const MoreTime& more) { return std::move(row).extend_successor(more.time); }
    Transition operator()(const auto&) { return std::move(row).stay(); }
};

std::optional<model::TimePoint> deadline_of_successor(const Machine& machine) noexcept
{
    return machine.successor ? deadline_of(State(machine.successor->starting)) : std::nullopt;
}

/// Whose deadline it is that has passed, where there are several; the current process's when in doubt.
std::optional<base::Generation> overdue(const Machine& machine, model::TimePoint now)
{
    const auto passed = [&](model::TimePoint deadline) { return deadline <= now; };
    if (const auto own = deadline_of(machine.state); own && passed(*own)) return std::nullopt;
    if (const auto theirs = deadline_of_successor(machine); theirs && passed(*theirs)) return machine.successor->generation;
    for (const Leaver& leaver : machine.leavers)
        if (passed(leaver.stopping.deadline)) return leaver.generation;
    return std::nullopt;
}

} // namespace

Transition step(const Machine& machine, const Event& event, const Circumstances& circumstances)
{
    Row row(machine, circumstances);
    auto about = subject(event);
    if (std::holds_alternative<TimerFired>(event)) about = overdue(machine, circumstances.now);
    if (machine.successor && about == machine.successor->generation) return std::visit(SuccessorCells{std::move(row)}, event);
    for (std::size_t at = 0; at < machine.leavers.size(); ++at)
        if (about == machine.leavers[at].generation) return std::move(row).leaver(at, event);
    if (about && *about != machine.generation) return std::move(row).stay(); // stale
    if (const auto* drop = std::get_if<DropSuccessor>(&event)) {
        if (!machine.successor) return std::move(row).stay();
        return std::move(row).fail_reload(drop->reason);
    }
    if (const auto* stop = std::get_if<StopCommand>(&event); stop != nullptr && !stop->gently) row = std::move(row).hurry();
    return std::visit(Cells{std::move(row)}, machine.state, event);
}

std::optional<model::TimePoint> deadline_of(const State& state) noexcept
{
    return std::visit(
        []<typename S>(const S& at) -> std::optional<model::TimePoint> {
            if constexpr (std::same_as<S, Starting>)
                return at.begun || at.running ? std::optional(at.deadline) : std::nullopt;
            else if constexpr (requires { at.deadline; })
                return at.deadline;
            else
                return std::nullopt;
        },
        state);
}

std::optional<model::TimePoint> deadline_of(const Machine& machine) noexcept
{
    auto next = deadline_of(machine.state);
    const auto sooner = [&](model::TimePoint deadline) { next = next ? std::min(*next, deadline) : deadline; };
    if (const auto theirs = deadline_of_successor(machine)) sooner(*theirs);
    for (const Leaver& leaver : machine.leavers) sooner(leaver.stopping.deadline);
    return next;
}

bool has_any_process(const Machine& machine) noexcept
{
    return has_process(machine.state) || machine.successor || !machine.leavers.empty();
}

bool has_process(const State& state) noexcept
{
    return std::visit([]<typename S>(const S&) { return !Resting<S>; }, state);
}

model::Status status_of(const State& state) noexcept
{
    return std::visit(Overloaded{
                          [](const Stopped&) { return model::Status::Stopped; },
                          [](const Errored&) { return model::Status::Errored; },
                          [](const Waiting&) { return model::Status::Waiting; },
                          [](const Backoff&) { return model::Status::Backoff; },
                          [](const Starting&) { return model::Status::Starting; },
                          [](const Online&) { return model::Status::Online; },
                          [](const Stopping&) { return model::Status::Stopping; },
                      },
                      state);
}

} // namespace pm::engine
