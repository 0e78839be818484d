// SPDX-License-Identifier: Apache-2.0
#include "engine/step.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <cerrno>
#include <concepts>

namespace pm::engine {
namespace {

using model::ExitInfo;
using model::Milliseconds;
using policy::Cause;

constexpr Milliseconds kLeastKillInterval{1'000};
constexpr Milliseconds kMostKillInterval{10'000};

template <typename... Parts>
struct Overloaded : Parts... {
    using Parts::operator()...;
};
template <typename... Parts>
Overloaded(Parts...) -> Overloaded<Parts...>;

/// One row of the table: the machine as it was, and what becomes of it.
class Row {
public:
    Row(const Machine& machine, const Circumstances& circumstances)
        : now_(circumstances.now), circumstances_(circumstances)
    {
        result_.machine = machine;
    }

    [[nodiscard]] model::TimePoint now() const noexcept { return now_; }

    Transition stay() && { return std::move(result_); }

    Transition launch(Cause cause) &&
    {
        if (cause == Cause::Command && !circumstances_.waits.empty()) return std::move(*this).wait();
        Machine& machine = result_.machine;
        ++machine.generation.value;
        if (cause == Cause::Command) {
            machine.history = {};
            result_.reason = "";
        }
        machine.state = Starting{.started = now_, .deadline = now_ + kLaunchTimeout, .cause = cause};
        result_.action = Action::Launch;
        if (cause == Cause::Policy) result_.restarted = true;
        return std::move(result_);
    }

    Transition wait() &&
    {
        result_.machine.history = {};
        return std::move(*this).rest(Waiting{}, circumstances_.waits);
    }

    Transition rest(State state, std::string reason) &&
    {
        result_.machine.state = std::move(state);
        result_.reason = std::move(reason);
        return std::move(result_);
    }

    /// Asks the process to end; `process` is the state it was in.
    template <typename Process>
    Transition terminate(const Process& process, Then then, std::string reason,
                         std::optional<Ended> ended = std::nullopt) &&
    {
        result_.machine.state = Stopping{.then = then,
                                         .started = process.started,
                                         .deadline = now_ + policy::bounded(circumstances_.kill_timeout),
                                         .cause = process.cause,
                                         .ended = std::move(ended)};
        result_.action = Action::Terminate;
        result_.reason = std::move(reason);
        result_.restarted = then == Then::Again;
        return std::move(result_);
    }

    /// A stop is under way; only what follows it changes.
    Transition follow_with(const Stopping& stopping, Then then, std::string reason) &&
    {
        if (stopping.then == then) return std::move(*this).stay();
        Stopping changed = stopping;
        changed.then = then;
        result_.machine.state = std::move(changed);
        result_.reason = std::move(reason);
        return std::move(result_);
    }

    /// A restart while a stop is under way counts only where it changes what happens, and not for a wished stop.
    Transition replace(const Stopping& stopping) &&
    {
        result_.restarted = stopping.then == Then::Judge;
        return std::move(*this).follow_with(stopping, Then::Again, "restarting by command");
    }

    Transition remember(const Stopping& stopping, const ExitInfo& exit) &&
    {
        Stopping changed = stopping;
        if (!changed.ended) changed.ended = Ended{exit, now_};
        result_.machine.state = std::move(changed);
        return std::move(result_);
    }

    Transition run(const Starting& starting) &&
    {
        result_.machine.state = Online{.started = now_, .cause = starting.cause};
        return std::move(result_);
    }

    Transition kill(Stopping stopping) &&
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

    Transition give_up_launch(const Starting& starting) &&
    {
        const ExitInfo timeout{.kind = ExitInfo::Kind::LaunchFailed,
                               .code = ETIMEDOUT,
                               .detail = "starting the program took longer than " +
                                         base::format_duration(kLaunchTimeout)};
        result_.reason = timeout.detail;
        return std::move(*this).kill(Stopping{.then = Then::Judge,
                                              .started = starting.started,
                                              .cause = starting.cause,
                                              .ended = Ended{timeout, now_}});
    }

    template <typename Process>
    Transition judge(const Process& process, Ended ended) &&
    {
        record(process.started, std::move(ended));
        const Exit& exit = *result_.exit;
        auto judgement = policy::restart_verdict(circumstances_.restart, exit.ended.exit, exit.uptime,
                                                 result_.machine.history, now_, process.cause);
        result_.machine.history = judgement.history;
        return std::visit(
            Overloaded{
                [&](policy::StayStopped) { return std::move(*this).rest(Stopped{}, std::move(judgement.reason)); },
                [&](policy::GiveUp) { return std::move(*this).rest(Errored{}, std::move(judgement.reason)); },
                [&](policy::TryAgain again) {
                    result_.reason = std::move(judgement.reason);
                    if (again.delay == Milliseconds(0)) return std::move(*this).launch(Cause::Policy);
                    result_.machine.state = Backoff{now_ + again.delay};
                    return std::move(result_);
                },
            },
            judgement.verdict);
    }

    Transition finish(const Stopping& stopping, const ExitInfo& exit) &&
    {
        Ended ended = stopping.ended.value_or(Ended{exit, now_});
        switch (stopping.then) {
        case Then::Judge: return std::move(*this).judge(stopping, std::move(ended));
        case Then::Stay:
            record(stopping.started, std::move(ended), true);
            return std::move(*this).rest(Stopped{}, stopping.kills == 0 ? "stopped by command"
                                                                        : "stopped by command, with SIGKILL after " +
                                                                              kill_timeout_text());
        case Then::Again:
            record(stopping.started, std::move(ended), true);
            return std::move(*this).launch(Cause::Command);
        }
        return std::move(result_);
    }

private:
    void record(model::TimePoint started, Ended ended, bool commanded = false)
    {
        const auto uptime = std::chrono::duration_cast<model::Duration>(ended.when - started);
        result_.exit = Exit{std::move(ended), std::max(uptime, model::Duration(0)), commanded};
    }
    [[nodiscard]] std::string kill_timeout_text() const
    {
        return base::format_duration(policy::bounded(circumstances_.kill_timeout)) + " (kill_timeout)";
    }
    [[nodiscard]] Milliseconds kill_interval() const
    {
        return std::clamp(circumstances_.kill_timeout, kLeastKillInterval, kMostKillInterval);
    }

    model::TimePoint now_;
    const Circumstances& circumstances_;
    Transition result_;
};

template <typename T>
concept Resting = std::same_as<T, Stopped> || std::same_as<T, Errored> || std::same_as<T, Waiting> || std::same_as<T, Backoff>;
template <typename T>
concept Process = std::same_as<T, Starting> || std::same_as<T, Online>;
template <typename T>
concept News = std::same_as<T, DependenciesMet> || std::same_as<T, DependencyLost>;
template <typename T>
concept Answer = std::same_as<T, Running> || std::same_as<T, MainExited> || std::same_as<T, Gone>;

/// The cells of the table, by state and event. A cell that is missing does not compile.
struct Cells {
    Row row;

    Transition stay() { return std::move(row).stay(); }
    Transition launch(Cause cause) { return std::move(row).launch(cause); }
    Transition stopped() { return std::move(row).rest(Stopped{}, "stopped by command"); }

    Transition operator()(const Resting auto&, const StartCommand&) { return launch(Cause::Command); }
    Transition operator()(const Resting auto&, const RestartCommand&) { return launch(Cause::Command); }
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
    Transition operator()(const Process auto& process, const StopCommand&)
    {
        return std::move(row).terminate(process, Then::Stay, "stopping by command");
    }
    Transition operator()(const Process auto& process, const RestartCommand&)
    {
        return std::move(row).terminate(process, Then::Again, "restarting by command");
    }
    Transition operator()(const Process auto& process, const MainExited& answer)
    {
        return std::move(row).terminate(process, Then::Judge,
                                        model::describe(answer.exit) + "; ending what it left running",
                                        Ended{answer.exit, row.now()});
    }
    Transition operator()(const Process auto& process, const Gone& answer)
    {
        return std::move(row).judge(process, Ended{answer.exit, row.now()});
    }
    Transition operator()(const Starting& starting, const Running&) { return std::move(row).run(starting); }
    Transition operator()(const Starting& starting, const TimerFired&)
    {
        return std::move(row).give_up_launch(starting);
    }
    Transition operator()(const Online&, const Running&) { return stay(); }
    Transition operator()(const Online&, const TimerFired&) { return stay(); }

    Transition operator()(const Stopping& stopping, const StartCommand&)
    {
        return std::move(row).follow_with(stopping, Then::Again, "starting again by command");
    }
    Transition operator()(const Stopping& stopping, const StopCommand&)
    {
        return std::move(row).follow_with(stopping, Then::Stay, "stopping by command");
    }
    Transition operator()(const Stopping& stopping, const RestartCommand&)
    {
        return std::move(row).replace(stopping);
    }
    Transition operator()(const Stopping&, const Running&) { return stay(); }
    Transition operator()(const Stopping& stopping, const MainExited& answer)
    {
        return std::move(row).remember(stopping, answer.exit);
    }
    Transition operator()(const Stopping& stopping, const Gone& answer)
    {
        return std::move(row).finish(stopping, answer.exit);
    }
    Transition operator()(const Stopping& stopping, const TimerFired&) { return std::move(row).kill(stopping); }
};

bool is_stale(const Event& event, base::Generation current)
{
    return std::visit(
        [&]<typename E>(const E& at) {
            if constexpr (Answer<E>)
                return at.generation != current;
            else
                return false;
        },
        event);
}

} // namespace

Transition step(const Machine& machine, const Event& event, const Circumstances& circumstances)
{
    Row row(machine, circumstances);
    if (is_stale(event, machine.generation)) return std::move(row).stay();
    return std::visit(Cells{std::move(row)}, machine.state, event);
}

std::optional<model::TimePoint> deadline_of(const State& state) noexcept
{
    return std::visit(
        []<typename S>(const S& at) -> std::optional<model::TimePoint> {
            if constexpr (requires { at.deadline; })
                return at.deadline;
            else
                return std::nullopt;
        },
        state);
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
