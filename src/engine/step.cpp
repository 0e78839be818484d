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
constexpr const char* kSuccessorWaits = "reloading: waiting for its successor to be ready";
constexpr std::chrono::hours kLongestExtension{1}; ///< at once; it may ask again

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
        : now_(circumstances.now), circumstances_(&circumstances)
    {
        const auto* starting = std::get_if<Starting>(&machine.state);
        waits_for_ready_ = starting != nullptr && starting->running && starting->must_tell;
        result_.machine = machine;
    }

    [[nodiscard]] model::TimePoint now() const noexcept { return now_; }
    [[nodiscard]] bool has_successor() const noexcept { return result_.machine.successor.has_value(); }
    Transition stay() && { return std::move(result_); }

    Transition launch(Cause cause) &&
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

    Transition wait() &&
    {
        result_.machine.history = {};
        return std::move(*this).rest(Waiting{}, circumstances_->waits);
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
                                         .deadline = now_ + kill_timeout(),
                                         .cause = process.cause,
                                         .ended = std::move(ended),
                                         .unready = waits_for_ready_};
        result_.action = Action::Terminate;
        result_.reason = std::move(reason);
        result_.restarted = then == Then::Again;
        return std::move(result_);
    }

    /// The same, but where it can be told so, it may finish what it has first.
    template <typename Process>
    Transition dismiss(const Process& process, Then then, std::string reason) &&
    {
        Transition ending = std::move(*this).terminate(process, then, std::move(reason));
        if (circumstances_->drain > Milliseconds(0)) {
            auto& stopping = std::get<Stopping>(ending.machine.state);
            stopping.asked = true;
            stopping.deadline = now_ + policy::bounded(circumstances_->drain);
            ending.action = Action::Dismiss;
        }
        return ending;
    }

    /// It has finished what it had, or had time enough.
    Transition signal_asked(Stopping stopping) &&
    {
        stopping.asked = false;
        stopping.deadline = now_ + kill_timeout();
        result_.machine.state = std::move(stopping);
        result_.action = Action::Terminate;
        return std::move(result_);
    }

    Transition extend(auto process, model::Duration time) &&
    {
        process.deadline = extended(time);
        result_.machine.state = std::move(process);
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

    /// The program runs, or says that it is ready; what it is then.
    [[nodiscard]] State running(Starting starting, const policy::Readiness& readiness) const
    {
        starting.running = true;
        starting.started = now_;
        starting.deadline = now_ + policy::bounded(readiness.within);
        starting.must_tell = readiness.must_tell;
        if (starting.told || readiness.within <= Milliseconds(0)) return online(starting);
        return starting;
    }

    [[nodiscard]] Online online(const Starting& starting) const { return {.started = starting.started, .cause = starting.cause}; }

    Transition run(const Starting& starting) &&
    {
        if (starting.running) return std::move(*this).stay();
        result_.machine.state = running(starting, circumstances_->readiness);
        return std::move(result_);
    }

    Transition ready(Starting starting) &&
    {
        starting.told = true;
        if (!starting.unready.empty()) result_.reason = ""; // it was that
        if (starting.running)
            result_.machine.state = online(starting);
        else
            result_.machine.state = starting;
        return std::move(result_);
    }

    Transition unready(Starting starting, const std::string& why) &&
    {
        starting.unready = why;
        result_.machine.state = std::move(starting);
        result_.reason = why;
        return std::move(result_);
    }

    /// The deadline of a process that starts.
    Transition overdue(const Starting& starting) &&
    {
        if (!starting.running) return std::move(*this).give_up_launch(starting);
        if (!starting.must_tell) return std::move(*this).ready(starting);
        Transition ending = std::move(*this).terminate(starting, Then::Judge, not_ready(starting));
        std::get<Stopping>(ending.machine.state).blame = timeout(*ending.reason);
        return ending;
    }

    template <typename Process>
    Transition abort(const Process& process, const std::string& why) &&
    {
        Transition ending = std::move(*this).terminate(process, Then::Judge, why);
        std::get<Stopping>(ending.machine.state).blame = ExitInfo{.cause = ExitInfo::Cause::Watchdog, .detail = why};
        ending.action = Action::Abort;
        return ending;
    }

    // A successor and leavers ----------------------------------------------------------------------------------------

    Transition begin_reload() &&
    {
        Machine& machine = result_.machine;
        machine.newest = next_generation();
        machine.successor = Successor{machine.newest, Starting{.started = now_, .deadline = now_ + kLaunchTimeout}};
        result_.side.push_back({Action::Launch, machine.newest});
        result_.reason = "reloading: starting its successor";
        return std::move(result_);
    }

    /// The successor becomes a leaver.
    Row drop_successor(std::optional<ExitInfo> blame = std::nullopt, std::optional<Ended> ended = std::nullopt) &&
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

    Transition fail_reload(std::string why, std::optional<ExitInfo> blame = std::nullopt, std::optional<Ended> ended = std::nullopt) &&
    {
        result_.reload_failed = why;
        result_.reason = "reload failed, the old process serves on: " + why;
        return std::move(*this).drop_successor(std::move(blame), std::move(ended)).stay();
    }

    Transition successor_runs() &&
    {
        Starting& starting = result_.machine.successor->starting;
        if (starting.running) return std::move(*this).stay();
        State now = running(starting, circumstances_->takes_over);
        if (std::holds_alternative<Online>(now)) return std::move(*this).take_over(std::get<Online>(now));
        starting = std::get<Starting>(now);
        result_.reason = kSuccessorWaits;
        return std::move(result_);
    }

    Transition successor_ready() &&
    {
        Starting& starting = result_.machine.successor->starting;
        starting.told = true;
        if (!starting.running) return std::move(*this).stay();
        return std::move(*this).take_over(online(starting));
    }

    Transition successor_unready(const std::string& why) &&
    {
        result_.machine.successor->starting.unready = why;
        result_.reason = kSuccessorWaits + (": " + why);
        return std::move(result_);
    }

    Transition extend_successor(model::Duration time) &&
    {
        Starting& starting = result_.machine.successor->starting;
        if (starting.must_tell) starting.deadline = extended(time);
        return std::move(result_);
    }

    Transition successor_overdue() &&
    {
        const Starting starting = result_.machine.successor->starting;
        if (!starting.running) return std::move(*this).fail_reload(launch_timeout_text(), timeout(launch_timeout_text()));
        if (!starting.must_tell) return std::move(*this).take_over(online(starting));
        return std::move(*this).fail_reload(not_ready(starting), timeout(not_ready(starting)));
    }

    Transition successor_ended(const ExitInfo& exit, bool gone) &&
    {
        const Starting starting = result_.machine.successor->starting;
        const std::string why = "the new process ended before it was ready: " + model::describe(exit);
        if (!gone) return std::move(*this).fail_reload(why, std::nullopt, Ended{exit, now_});
        record(result_.machine.successor->generation, starting.started, Ended{exit, now_});
        result_.machine.successor.reset();
        return std::move(*this).fail_reload(exit.kind == ExitInfo::Kind::LaunchFailed ? exit.detail : why);
    }

    /// The successor serves: it is the current process, and the old one may go when it has finished what it has.
    Transition take_over(const Online& online) &&
    {
        Machine& machine = result_.machine;
        const auto& old = std::get<Online>(machine.state);
        const bool told = circumstances_->drain > Milliseconds(0);
        machine.leavers.push_back({machine.generation, Stopping{.started = old.started,
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

    /// The current process ended while its successor is starting, which takes its place.
    template <typename Process>
    Transition promote(const Process& process, const ExitInfo& exit, bool gone) &&
    {
        Machine& machine = result_.machine;
        if (gone)
            record(machine.generation, process.started, Ended{exit, now_});
        else {
            machine.leavers.push_back({machine.generation, Stopping{.started = process.started,
                                                                    .deadline = now_ + kill_timeout(),
                                                                    .cause = process.cause,
                                                                    .ended = Ended{exit, now_}}});
            result_.side.push_back({Action::Terminate, machine.generation});
        }
        machine.generation = machine.successor->generation;
        machine.state = machine.successor->starting;
        machine.successor.reset();
        result_.restarted = true;
        result_.reason = "its successor takes over from a process that ended: " + model::describe(exit);
        return std::move(result_);
    }

    /// Who leaves gently gets its signal now.
    Row hurry_leavers() &&
    {
        for (Leaver& leaver : result_.machine.leavers)
            if (leaver.stopping.asked) signal_leaver(leaver);
        return std::move(*this);
    }

    Transition leaver(std::size_t at, const Event& event) &&
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
        const ExitInfo timeout{.kind = ExitInfo::Kind::LaunchFailed, .code = ETIMEDOUT, .detail = launch_timeout_text()};
        result_.reason = timeout.detail;
        return std::move(*this).kill(Stopping{.then = Then::Judge,
                                              .started = starting.started,
                                              .cause = starting.cause,
                                              .ended = Ended{timeout, now_}});
    }

    template <typename Process>
    Transition judge(const Process& process, Ended ended) &&
    {
        bool unstable = waits_for_ready_;
        if constexpr (std::same_as<Process, Stopping>) unstable = process.unready || process.blame;
        record(result_.machine.generation, process.started, std::move(ended));
        const Exit& exit = *result_.exit;
        // What it took to find out that it does not get ready is no time in which it was well.
        if (unstable && result_.machine.history.unstable > 0) result_.machine.history.window_start += now_ - process.started;
        auto judgement = policy::restart_verdict(circumstances_->restart, exit.ended.exit, unstable ? model::Duration(0) : exit.uptime,
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
        Ended ended = end_of(stopping, exit);
        switch (stopping.then) {
        case Then::Judge: return std::move(*this).judge(stopping, std::move(ended));
        case Then::Stay:
            record(result_.machine.generation, stopping.started, std::move(ended), true);
            return std::move(*this).rest(Stopped{}, stopping.kills == 0 ? "stopped by command"
                                                                        : "stopped by command, with SIGKILL after " +
                                                                              kill_timeout_text());
        case Then::Again:
            record(result_.machine.generation, stopping.started, std::move(ended), true);
            return std::move(*this).launch(Cause::Command);
        }
        return std::move(result_);
    }

private:
    void record(base::Generation generation, model::TimePoint started, Ended ended, bool commanded = false)
    {
        const auto uptime = std::chrono::duration_cast<model::Duration>(ended.when - started);
        result_.exit = Exit{std::move(ended), generation, std::max(uptime, model::Duration(0)), commanded};
    }
    [[nodiscard]] Ended end_of(const Stopping& stopping, const ExitInfo& exit) const
    {
        Ended ended = stopping.ended.value_or(Ended{exit, now_});
        if (!stopping.blame) return ended;
        ended.exit.cause = stopping.blame->cause;
        ended.exit.detail = stopping.blame->detail;
        return ended;
    }
    [[nodiscard]] model::TimePoint extended(model::Duration time) const
    {
        return now_ + std::clamp(time, model::Duration(0), model::Duration(kLongestExtension));
    }
    [[nodiscard]] base::Generation next_generation() const
    {
        const Machine& machine = result_.machine;
        return base::Generation{std::max(machine.generation.value, machine.newest.value) + 1};
    }
    void signal_leaver(Leaver& leaver)
    {
        leaver.stopping.asked = false;
        leaver.stopping.deadline = now_ + kill_timeout();
        result_.side.push_back({Action::Terminate, leaver.generation});
    }
    void kill_leaver(Leaver& leaver)
    {
        Stopping& stopping = leaver.stopping;
        if (stopping.kills++ == 0) stopping.killed_at = now_;
        stopping.deadline = now_ + kill_interval();
        result_.side.push_back({Action::Kill, leaver.generation});
    }
    [[nodiscard]] static ExitInfo timeout(std::string why)
    {
        return {.cause = ExitInfo::Cause::Timeout, .detail = std::move(why)};
    }
    [[nodiscard]] static std::string not_ready(const Starting& starting)
    {
        return "not ready within " + base::format_duration(std::chrono::duration_cast<Milliseconds>(starting.deadline - starting.started)) +
               " (listen_timeout)" + (starting.unready.empty() ? "" : ": " + starting.unready);
    }
    [[nodiscard]] static std::string launch_timeout_text()
    {
        return "starting the program took longer than " + base::format_duration(kLaunchTimeout);
    }
    [[nodiscard]] Milliseconds kill_timeout() const { return policy::bounded(circumstances_->kill_timeout); }
    [[nodiscard]] std::string kill_timeout_text() const
    {
        return base::format_duration(kill_timeout()) + " (kill_timeout)";
    }
    [[nodiscard]] Milliseconds kill_interval() const
    {
        return std::clamp(circumstances_->kill_timeout, kLeastKillInterval, kMostKillInterval);
    }

    model::TimePoint now_;
    const Circumstances* circumstances_;
    bool waits_for_ready_ = false; ///< the current process has to tell that it is ready and has not
    Transition result_;
};

template <typename T>
concept Resting = std::same_as<T, Stopped> || std::same_as<T, Errored> || std::same_as<T, Waiting> || std::same_as<T, Backoff>;
template <typename T>
concept Process = std::same_as<T, Starting> || std::same_as<T, Online>;
template <typename T>
concept News = std::same_as<T, DependenciesMet> || std::same_as<T, DependencyLost> || std::same_as<T, DropSuccessor>;
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
    Transition operator()(const Process auto&, const Drained&) { return stay(); }
    Transition operator()(const Starting& starting, const MoreTime& more)
    {
        if (!starting.must_tell) return stay();
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
    Transition operator()(const Stopping& stopping, const ReloadCommand&)
    {
        return std::move(row).replace(stopping);
    }
    Transition operator()(const Stopping&, const Ready&) { return stay(); }
    Transition operator()(const Stopping&, const Unready&) { return stay(); }
    Transition operator()(const Stopping& stopping, const Drained&)
    {
        if (!stopping.asked) return stay();
        return std::move(row).signal_asked(stopping);
    }
    Transition operator()(const Stopping& stopping, const MoreTime& more)
    {
        if (stopping.kills > 0) return stay();
        return std::move(row).extend(stopping, more.time);
    }
    Transition operator()(const Stopping&, const WatchdogMissed&) { return stay(); }
    Transition operator()(const Stopping&, const Running&) { return stay(); }
    Transition operator()(const Stopping& stopping, const MainExited& answer)
    {
        return std::move(row).remember(stopping, answer.exit);
    }
    Transition operator()(const Stopping& stopping, const Gone& answer)
    {
        return std::move(row).finish(stopping, answer.exit);
    }
    Transition operator()(const Stopping& stopping, const TimerFired&)
    {
        if (stopping.asked) return std::move(row).signal_asked(stopping);
        return std::move(row).kill(stopping);
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

    Transition operator()(const Running&) { return std::move(row).successor_runs(); }
    Transition operator()(const Ready&) { return std::move(row).successor_ready(); }
    Transition operator()(const Unready& look) { return std::move(row).successor_unready(look.why); }
    Transition operator()(const TimerFired&) { return std::move(row).successor_overdue(); }
    Transition operator()(const MainExited& answer) { return std::move(row).successor_ended(answer.exit, false); }
    Transition operator()(const Gone& answer) { return std::move(row).successor_ended(answer.exit, true); }
    Transition operator()(const WatchdogMissed& missed) { return std::move(row).fail_reload(missed.why); }
    Transition operator()(const MoreTime& more) { return std::move(row).extend_successor(more.time); }
    Transition operator()(const auto&) { return std::move(row).stay(); }
};

/// Whose deadline it is that has passed, where there are several; the current process's when in doubt.
std::optional<base::Generation> overdue(const Machine& machine, model::TimePoint now)
{
    const auto passed = [&](model::TimePoint deadline) { return deadline <= now; };
    if (const auto own = deadline_of(machine.state); own && passed(*own)) return std::nullopt;
    if (machine.successor && passed(machine.successor->starting.deadline)) return machine.successor->generation;
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
    if (const auto* stop = std::get_if<StopCommand>(&event); stop != nullptr && !stop->gently) row = std::move(row).hurry_leavers();
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

std::optional<model::TimePoint> deadline_of(const Machine& machine) noexcept
{
    auto next = deadline_of(machine.state);
    const auto sooner = [&](model::TimePoint deadline) { next = next ? std::min(*next, deadline) : deadline; };
    if (machine.successor) sooner(machine.successor->starting.deadline);
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
