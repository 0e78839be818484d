// SPDX-License-Identifier: Apache-2.0
// The state machine of one instance: one state, one event, and what follows. Pure; time is an argument.
//
// An instance has at most one process. `Stopping` says what comes after the process is gone, so a command during a stop
// changes a word and waits for nothing. The table (rows: states, columns: events; "-" changes nothing):
//
//     state          start            stop              restart          running   main exited      gone          timer
//     Stopped        Starting         -                 Starting         -         -                -             -
//     Errored        Starting         Stopped           Starting         -         -                -             -
//     Backoff        Starting         Stopped           Starting         -         -                -             Starting
//     Waiting        Starting         Stopped           Starting         -         -                -             -
//     Starting       -                Stopping{Stay}    Stopping{Again}  Online    Stopping{Judge}  verdict       Stopping{Judge}
//     Online         -                Stopping{Stay}    Stopping{Again}  -         Stopping{Judge}  verdict       -
//     Stopping{x}    Stopping{Again}  Stopping{Stay}    Stopping{Again}  -         -                Stay: Stopped SIGKILL
//                                                                                  Again: Starting, Judge: verdict
//
// verdict = policy::restart_verdict: Stopped, Errored, Backoff, or Starting at once when there is no delay.
// Starting by command is Waiting while something that the app depends on is not there (Circumstances::waits); then comes
// DependenciesMet (Waiting: Starting) or DependencyLost (Waiting: Errored), which change no other state.
// Answers about another generation than the current one are stale and change nothing. Exactly the states that have a
// deadline need a timer, so nothing can wait for ever; see deadline_of().
#pragma once

#include "engine/ports.hpp"
#include "policy/restart.hpp"

#include <optional>
#include <string>
#include <variant>

namespace pm::engine {

/// How and when the main process ended.
struct Ended {
    model::ExitInfo exit;
    model::TimePoint when;
};

struct Stopped {};
struct Errored {};
struct Waiting {};
struct Backoff {
    model::TimePoint deadline;
};
struct Starting {
    model::TimePoint started; ///< launched
    model::TimePoint deadline;
    policy::Cause cause = policy::Cause::Command;
};
struct Online {
    model::TimePoint started; ///< the program ran
    policy::Cause cause = policy::Cause::Command;
};
/// What follows when the process is gone.
enum class Then { Stay, Again, Judge };
struct Stopping {
    Then then = Then::Stay;
    model::TimePoint started;
    model::TimePoint deadline;
    policy::Cause cause = policy::Cause::Command;
    std::uint32_t kills = 0;    ///< SIGKILLs sent
    model::TimePoint killed_at; ///< when the first was
    std::optional<Ended> ended; ///< the main process is gone already; what is left are others
};
using State = std::variant<Stopped, Errored, Waiting, Backoff, Starting, Online, Stopping>;

struct Machine {
    State state;
    base::Generation generation{0}; ///< of the current or else the last process
    policy::RestartHistory history;
};

struct StartCommand {};
struct StopCommand {};
struct RestartCommand {};
struct Running {
    base::Generation generation;
};
struct MainExited {
    base::Generation generation;
    model::ExitInfo exit;
};
struct Gone {
    base::Generation generation;
    model::ExitInfo exit;
};
struct TimerFired {};
struct DependenciesMet {};
struct DependencyLost {
    std::string reason;
};
using Event = std::variant<StartCommand, StopCommand, RestartCommand, Running, MainExited, Gone, TimerFired, DependenciesMet, DependencyLost>;

/// What the machine is told with each event.
struct Circumstances {
    model::TimePoint now;
    const model::RestartPolicy& restart; ///< of the spec as it is declared now
    model::Milliseconds kill_timeout;    ///< of the spec the process was started with
    std::string waits{};                 ///< for what a start by command has to wait, as a sentence; empty: for nothing
};

/// What is to be done with the process `machine.generation`.
enum class Action { None, Launch, Terminate, Kill };

struct Exit {
    Ended ended;
    model::Duration uptime;
    bool commanded = false; ///< a stop or restart asked for it
};

struct Transition {
    Machine machine;
    Action action = Action::None;
    /// The process is gone; how it ended.
    std::optional<Exit> exit;
    /// Why it is in the new state; nothing: as before.
    std::optional<std::string> reason;
    /// A running process is being replaced, or one that ended is: counts as a restart.
    bool restarted = false;
    /// Something is alive long after SIGKILL; who waits for it should not wait longer.
    bool survived = false;
};

/// How long a program may take from fork to execve.
inline constexpr model::Milliseconds kLaunchTimeout{30'000};

[[nodiscard]] Transition step(const Machine& machine, const Event& event, const Circumstances& circumstances);

/// When the state's timer must fire; nothing when it needs none.
[[nodiscard]] std::optional<model::TimePoint> deadline_of(const State& state) noexcept;
/// True while the launcher holds a process, or the launch of one, for the instance.
[[nodiscard]] bool has_process(const State& state) noexcept;
[[nodiscard]] model::Status status_of(const State& state) noexcept;

} // namespace pm::engine
