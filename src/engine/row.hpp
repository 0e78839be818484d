// SPDX-License-Identifier: Apache-2.0
// The inside of step(): what each cell of its table does, in words.
#pragma once

#include "engine/step.hpp"

#include <concepts>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace pm::engine {

template <typename... Parts>
struct Overloaded : Parts... {
    using Parts::operator()...;
};
template <typename... Parts>
Overloaded(Parts...) -> Overloaded<Parts...>;

/// How a successor that is not wanted is ended, and what is told of its end.
struct Dropping {
    Action action = Action::Terminate;
    std::optional<model::ExitInfo> blame{};
    std::optional<Ended> ended{};
};

/// One row of the table: the machine as it was, and what becomes of it.
class Row {
public:
    Row(const Machine& machine, const Circumstances& circumstances) : now_(circumstances.now), circumstances_(&circumstances)
    {
        const auto* starting = std::get_if<Starting>(&machine.state);
        waits_for_ready_ = starting != nullptr && starting->running && (starting->must_tell || starting->should_tell);
        result_.machine = machine;
    }

    [[nodiscard]] model::TimePoint now() const noexcept { return now_; }
    [[nodiscard]] bool has_successor() const noexcept { return result_.machine.successor.has_value(); }
    Transition stay() && { return std::move(result_); }

    Transition launch(policy::Cause cause) &&;
    Transition wait() &&;
    Transition rest(State state, std::string reason) &&;

    /// Asks the process to end; `process` is the state it was in.
    template <typename Process>
    Transition terminate(const Process& process, Then then, std::string reason, std::optional<Ended> ended = std::nullopt) &&
    {
        Stopping stopping = ending(process, circumstances_->current);
        stopping.then = then;
        stopping.ended = std::move(ended);
        stopping.unready = waits_for_ready_;
        result_.machine.state = std::move(stopping);
        act(result_.machine.generation, Action::Terminate);
        result_.reason = std::move(reason);
        result_.restarted = then == Then::Again;
        return std::move(result_);
    }

    /// The same, but where it can be told so, it may finish what it has first.
    template <typename Process>
    Transition dismiss(const Process& process, Then then, std::string reason) &&
    {
        Transition ending = std::move(*this).terminate(process, then, std::move(reason));
        if (ask(std::get<Stopping>(ending.machine.state), circumstances_->current)) ending.action = Action::Dismiss;
        return ending;
    }

    /// What happens to the current process while it ends.
    Transition proceed(const Event& event) &&;
    Transition extend(auto process, model::Duration time) &&
    {
        process.deadline = extended(time);
        result_.machine.state = std::move(process);
        return std::move(result_);
    }

    /// A stop is under way; only what follows it changes.
    Transition follow_with(Then then, std::string reason) &&;

    /// A restart while a stop is under way counts only where it changes what happens, and not for a wished stop.
    Transition replace(const Stopping& stopping) &&;

    /// The launch has begun, or has come on.
    void launching(Starting& starting) const;
    Transition launching(Starting starting) &&;
    Transition successor_launching() &&;
    /// The program runs, or says that it is ready; what it is then.
    [[nodiscard]] State running(Starting starting, const policy::Readiness& readiness) const;
    [[nodiscard]] Online online(const Starting& starting) const { return {.started = starting.started, .cause = starting.cause}; }

    Transition run(const Starting& starting) &&;
    Transition ready(Starting starting) &&;
    Transition unready(Starting starting, const std::string& why) &&;

    /// The deadline of a process that starts.
    Transition overdue(const Starting& starting) &&;

    template <typename Process>
    Transition abort(const Process& process, const std::string& why) &&
    {
        Transition ending = std::move(*this).terminate(process, Then::Judge, why);
        std::get<Stopping>(ending.machine.state).blame = missed_watchdog(why);
        ending.action = Action::Abort;
        return ending;
    }

    // A successor and leavers ----------------------------------------------------------------------------------------

    Transition begin_reload() &&;

    /// The successor becomes a leaver.
    Row drop_successor(Dropping dropping = {}) &&;
    Transition fail_reload(std::string why, Dropping dropping = {}) &&;
    Transition successor_missed_watchdog(const std::string& why) &&;
    Transition successor_runs() &&;
    Transition successor_ready() &&;
    Transition successor_unready(const std::string& why) &&;
    Transition extend_successor(model::Duration time) &&;
    Transition successor_overdue() &&;
    Transition successor_ended(const model::ExitInfo& exit, bool gone) &&;

    /// The successor serves: it is the current process, and the old one may go when it has finished what it has.
    Transition take_over(const Online& online) &&;

    /// The current process ended while its successor is starting, which takes its place.
    template <typename Process>
    Transition promote(const Process& process, const model::ExitInfo& exit, bool gone) &&
    {
        Machine& machine = result_.machine;
        if (gone)
            record(machine.generation, process.started, Ended{exit, now_});
        else {
            Stopping stopping = ending(process, circumstances_->current);
            stopping.ended = Ended{exit, now_};
            leave(machine.generation, std::move(stopping), Action::Terminate);
        }
        machine.generation = machine.successor->generation;
        Starting starting = std::move(machine.successor->starting);
        starting.must_tell = starting.running && circumstances_->successor.readiness.must_tell; // it takes over from nobody now
        starting.should_tell = starting.running && circumstances_->successor.readiness.should_tell;
        machine.state = std::move(starting);
        machine.successor.reset();
        result_.restarted = true;
        result_.reason = "its successor takes over from a process that ended: " + model::describe(exit);
        return std::move(result_);
    }

    /// Who ends gently gets its signal now.
    Row hurry() &&;
    Transition leaver(std::size_t at, const Event& event) &&;
    Transition give_up_launch(const Starting& starting) &&;

    template <typename Process>
    Transition judge(const Process& process, Ended ended) &&
    {
        bool unstable = waits_for_ready_;
        bool left_others = false;
        if constexpr (std::same_as<Process, Stopping>) {
            unstable = process.unready || process.blame;
            left_others = process.ended.has_value();
        }
        record(result_.machine.generation, process.started, std::move(ended));
        const Exit& exit = *result_.exit;
        // What it took to find out that it does not get ready is no time in which it was well.
        if (unstable && result_.machine.history.unstable > 0) result_.machine.history.window_start += now_ - process.started;
        auto judgement =
            policy::restart_verdict(circumstances_->restart, exit.ended.exit, unstable ? model::Duration(0) : exit.uptime,
                                    result_.machine.history, now_, process.cause, result_.machine.has_run);
        if (judgement.history.unstable > 0)
            judgement.reason += hint(exit.ended.exit, left_others, std::holds_alternative<policy::GiveUp>(judgement.verdict));
        result_.machine.history = judgement.history;
        return std::visit(Overloaded{
                              [&](policy::StayStopped) { return std::move(*this).rest(Stopped{}, std::move(judgement.reason)); },
                              [&](policy::GiveUp) { return std::move(*this).rest(Errored{}, std::move(judgement.reason)); },
                              [&](policy::TryAgain again) {
                                  result_.reason = std::move(judgement.reason);
                                  if (again.delay == model::Milliseconds(0))
                                      return std::move(*this).launch(policy::Cause::Policy);
                                  result_.machine.state = Backoff{now_ + again.delay};
                                  return std::move(result_);
                              },
                          },
                          judgement.verdict);
    }

    Transition finish(const Stopping& stopping, const model::ExitInfo& exit) &&;

private:
    /// Beside the current process, as far as it is another one.
    void act(base::Generation generation, Action action);
    void leave(base::Generation generation, Stopping stopping, Action action);
    /// A process that was told to end just now.
    template <typename Process>
    [[nodiscard]] Stopping ending(const Process& process, const Terms& terms) const
    {
        return {.started = process.started,
                .deadline = now_ + policy::bounded(terms.kill_timeout),
                .cause = process.cause,
                .kill_timeout = policy::bounded(terms.kill_timeout)};
    }
    /// It is told to go by message where it can be; true: it can.
    bool ask(Stopping& stopping, const Terms& terms) const;
    /// What becomes of a process that ends, be it the current one or another: all but its last word.
    void proceed(base::Generation generation, Stopping& stopping, const Event& event);
    /// It has finished what it had, or had time enough.
    void signal(base::Generation generation, Stopping& stopping);
    void kill(base::Generation generation, Stopping& stopping);
    /// A launch that takes too long: pm-exec is not asked.
    [[nodiscard]] Stopping abandoned(const Starting& starting, const Terms& terms) const;
    void record(base::Generation generation, model::TimePoint started, Ended ended, bool commanded = false);
    [[nodiscard]] Ended end_of(const Stopping& stopping, const model::ExitInfo& exit) const;
    [[nodiscard]] model::TimePoint extended(model::Duration time) const;
    [[nodiscard]] base::Generation next_generation() const;
    [[nodiscard]] static model::ExitInfo timeout(std::string why);
    [[nodiscard]] static model::ExitInfo missed_watchdog(std::string why);
    [[nodiscard]] static std::string not_ready(const Starting& starting, const policy::Readiness& readiness);
    [[nodiscard]] static std::string hint(const model::ExitInfo& exit, bool left_others, bool given_up);
    [[nodiscard]] static std::string launch_timeout_text();
    [[nodiscard]] static std::string kill_timeout_text(const Stopping& stopping);
    [[nodiscard]] static model::Milliseconds kill_interval(const Stopping& stopping);

    model::TimePoint now_;
    const Circumstances* circumstances_;
    bool waits_for_ready_ = false; ///< the current process has to tell that it is ready and has not
    Transition result_;
};

} // namespace pm::engine
