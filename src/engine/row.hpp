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

/// One row of the table: the machine as it was, and what becomes of it.
class Row {
public:
    Row(const Machine& machine, const Circumstances& circumstances) : now_(circumstances.now), circumstances_(&circumstances)
    {
        const auto* starting = std::get_if<Starting>(&machine.state);
        waits_for_ready_ = starting != nullptr && starting->running && starting->must_tell;
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
        if (circumstances_->drain > model::Milliseconds(0)) {
            auto& stopping = std::get<Stopping>(ending.machine.state);
            stopping.asked = true;
            stopping.deadline = now_ + policy::bounded(circumstances_->drain);
            ending.action = Action::Dismiss;
        }
        return ending;
    }

    /// It has finished what it had, or had time enough.
    Transition signal_asked(Stopping stopping) &&;
    Transition extend(auto process, model::Duration time) &&
    {
        process.deadline = extended(time);
        result_.machine.state = std::move(process);
        return std::move(result_);
    }

    /// A stop is under way; only what follows it changes.
    Transition follow_with(const Stopping& stopping, Then then, std::string reason) &&;

    /// A restart while a stop is under way counts only where it changes what happens, and not for a wished stop.
    Transition replace(const Stopping& stopping) &&;
    Transition remember(const Stopping& stopping, const model::ExitInfo& exit) &&;

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
        std::get<Stopping>(ending.machine.state).blame =
            model::ExitInfo{.cause = model::ExitInfo::Cause::Watchdog, .detail = why};
        ending.action = Action::Abort;
        return ending;
    }

    // A successor and leavers ----------------------------------------------------------------------------------------

    Transition begin_reload() &&;

    /// The successor becomes a leaver.
    Row drop_successor(std::optional<model::ExitInfo> blame = std::nullopt, std::optional<Ended> ended = std::nullopt) &&;
    Transition fail_reload(std::string why, std::optional<model::ExitInfo> blame = std::nullopt,
                           std::optional<Ended> ended = std::nullopt) &&;
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
    Row hurry_leavers() &&;
    Transition leaver(std::size_t at, const Event& event) &&;
    Transition kill(Stopping stopping) &&;
    Transition give_up_launch(const Starting& starting) &&;

    template <typename Process>
    Transition judge(const Process& process, Ended ended) &&
    {
        bool unstable = waits_for_ready_;
        if constexpr (std::same_as<Process, Stopping>) unstable = process.unready || process.blame;
        record(result_.machine.generation, process.started, std::move(ended));
        const Exit& exit = *result_.exit;
        // What it took to find out that it does not get ready is no time in which it was well.
        if (unstable && result_.machine.history.unstable > 0) result_.machine.history.window_start += now_ - process.started;
        auto judgement =
            policy::restart_verdict(circumstances_->restart, exit.ended.exit, unstable ? model::Duration(0) : exit.uptime,
                                    result_.machine.history, now_, process.cause);
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
    void record(base::Generation generation, model::TimePoint started, Ended ended, bool commanded = false);
    [[nodiscard]] Ended end_of(const Stopping& stopping, const model::ExitInfo& exit) const;
    [[nodiscard]] model::TimePoint extended(model::Duration time) const;
    [[nodiscard]] base::Generation next_generation() const;
    void signal_leaver(Leaver& leaver);
    void kill_leaver(Leaver& leaver);
    [[nodiscard]] static model::ExitInfo timeout(std::string why);
    [[nodiscard]] static std::string not_ready(const Starting& starting);
    [[nodiscard]] static std::string launch_timeout_text();
    [[nodiscard]] model::Milliseconds kill_timeout() const { return policy::bounded(circumstances_->kill_timeout); }
    [[nodiscard]] std::string kill_timeout_text() const;
    [[nodiscard]] model::Milliseconds kill_interval() const;

    model::TimePoint now_;
    const Circumstances* circumstances_;
    bool waits_for_ready_ = false; ///< the current process has to tell that it is ready and has not
    Transition result_;
};

} // namespace pm::engine
