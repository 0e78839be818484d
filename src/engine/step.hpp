// SPDX-License-Identifier: Apache-2.0
// The state machine of one instance: one state, one event, and what follows. Pure; time is an argument.
//
// An instance has one current process at most. `Stopping` says what comes after the process is gone, so a command during a
// stop changes a word and waits for nothing. The table (rows: states, columns: events; "-" changes nothing):
//
//     state          start            stop              restart          reload           running   ready   main exited      gone          timer
//     Stopped        Starting         -                 Starting         Starting         -         -       -                -             -
//     Errored        Starting         Stopped           Starting         Starting         -         -       -                -             -
//     Backoff        Starting         Stopped           Starting         Starting         -         -       -                -             Starting
//     Waiting        Starting         Stopped           Starting         Starting         -         -       -                -             -
//     Starting       -                Stopping{Stay}    Stopping{Again}  Stopping{Again}  (Online)  Online  Stopping{Judge}  verdict       Stopping{Judge}, or Online
//     Online         -                Stopping{Stay}    Stopping{Again}  successor        -         -       Stopping{Judge}  verdict       -
//     Stopping{x}    Stopping{Again}  Stopping{Stay}    Stopping{Again}  Stopping{Again}  -         -       -                Stay: Stopped SIGKILL
//                                                                                                           Again: Starting, Judge: verdict
//
// Running makes a process Online at once where its readiness asks for nothing (policy::Readiness); else it is Starting on, with
// another deadline, after which it failed (it had to tell that it is ready) or is Online (it had to live so long).
//
// A reload starts a successor beside the current process. When that is ready it becomes the current one, and the old one a
// leaver, which is told to go. When it fails instead, it is the leaver, and nothing else has changed. When the current
// process ends while it has a successor, that takes its place at once. A stop or restart makes a leaver of the successor.
// Leavers are ended as a stop ends the current process, by the same code, and what becomes of them decides nothing. A stop leaves
// nobody the time to finish what he has, whoever it is.
//
// verdict = policy::restart_verdict: Stopped, Errored, Backoff, or Starting at once when there is no delay.
// Starting by command is Waiting while something that the app depends on is not there (Circumstances::waits); then comes
// DependenciesMet (Waiting: Starting) or DependencyLost (Waiting: Errored), which change no other state.
// Answers about another generation than the current one are stale and change nothing. Exactly the states that have a
// deadline need a timer, so nothing can wait for ever; see deadline_of(). A launch has none as long as it stands in line, which
// moves on by itself: Launching tells that it has begun.
#pragma once

#include "engine/ports.hpp"
#include "policy/restart.hpp"
#include "policy/serving.hpp"

#include <optional>
#include <string>
#include <variant>
#include <vector>

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
    model::TimePoint started; ///< asked for; then launched; once it runs, when the program began
    model::TimePoint deadline;///< means nothing before the launch has begun
    policy::Cause cause = policy::Cause::Command;
    bool begun = false;       ///< the launch has begun
    bool running = false;     ///< execve succeeded; it is to become ready
    bool told = false;        ///< it said that it is ready before execve was known to have succeeded
    bool must_tell = false;   ///< running: the deadline is a failure
    bool should_tell = false; ///< running: the deadline is told
    std::string unready{};    ///< why it was not ready when it was last looked at
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
    model::Milliseconds kill_timeout{0}; ///< from its signal to SIGKILL, of the spec that it was started with
    std::uint32_t kills = 0;    ///< SIGKILLs sent
    model::TimePoint killed_at; ///< when the first was
    std::optional<Ended> ended; ///< the main process is gone already; what is left are others
    bool asked = false;         ///< it was told to go by message and has had no signal yet
    bool unready = false;       ///< it had to tell that it is ready and never did: unstable, however long it lived
    std::optional<model::ExitInfo> blame{}; ///< why pmd ended it, whatever its own exit says
};
/// It is alive long after SIGKILL: nobody waits for it any more.
[[nodiscard]] inline bool survived(const Stopping& stopping) noexcept { return stopping.kills > 1; }
using State = std::variant<Stopped, Errored, Waiting, Backoff, Starting, Online, Stopping>;

/// The process that is to take over from the current one.
struct Successor {
    base::Generation generation;
    Starting starting;
};

/// A process that is on its way out beside the current one.
struct Leaver {
    base::Generation generation;
    Stopping stopping;
};

struct Machine {
    State state;
    base::Generation generation{0}; ///< of the current or else the last process
    policy::RestartHistory history;
    base::Generation newest{0};     ///< the last that was given; 0: `generation` is
    std::optional<Successor> successor{}; ///< only while Online
    std::vector<Leaver> leavers{};
    bool has_run = false;           ///< its program has, or is to be waited for as if it had (policy::restart_verdict)
};

struct StartCommand {};
struct StopCommand {
    bool gently = false; ///< it may finish what it has (Circumstances::drain) before it gets its signal
};
struct RestartCommand {};
struct ReloadCommand {
    bool anew = false; ///< a successor that is starting is not good enough (the spec changed): another one
};
/// The successor is not wanted any more.
struct DropSuccessor {
    std::string reason;
};
/// The launch has begun, or has come on.
struct Launching {
    base::Generation generation;
};
struct Running {
    base::Generation generation;
};
struct Ready {
    base::Generation generation;
};
/// It was looked at and is not ready yet.
struct Unready {
    base::Generation generation;
    std::string why;
};
/// After Action::Dismiss: it has finished what it had.
struct Drained {
    base::Generation generation;
};
/// It wants to be given so much longer, from now.
struct MoreTime {
    base::Generation generation;
    model::Duration time;
};
struct WatchdogMissed {
    base::Generation generation;
    std::string why;
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
using Event = std::variant<StartCommand, StopCommand, RestartCommand, ReloadCommand, DropSuccessor, Launching, Running, Ready, Unready, MainExited, Gone, Drained, MoreTime,
                           WatchdogMissed, TimerFired, DependenciesMet, DependencyLost>;

/// What the spec that a process was started with says of its start and its end.
struct Terms {
    model::Milliseconds kill_timeout{0};
    model::Milliseconds drain{0};   ///< it can be told to go by message, and has so long before it gets its signal; 0: it cannot
    policy::Readiness readiness{};  ///< as the current process
    policy::Readiness takes_over{}; ///< as a successor
};

/// What the machine is told with each event.
struct Circumstances {
    model::TimePoint now;
    const model::RestartPolicy& restart; ///< of the spec as it is declared now
    Terms current{};                     ///< of the current process
    Terms successor{};                   ///< of its successor
    std::string waits{};                 ///< for what a start by command has to wait, as a sentence; empty: for nothing
};

/// What is to be done with a process. Dismiss: tell it by message to go. Abort: SIGABRT, for a look at what it hangs in.
enum class Action { None, Launch, Dismiss, Terminate, Abort, Kill };

/// An action upon another process than the current one.
struct SideAction {
    Action action = Action::None;
    base::Generation generation;
    bool operator==(const SideAction&) const = default;
};

struct Exit {
    Ended ended;
    base::Generation generation;
    model::Duration uptime;
    bool commanded = false; ///< a stop or restart asked for it
};

/// A process that is alive long after SIGKILL.
struct Survivor {
    base::Generation generation;
    model::TimePoint killed_at;
};

struct Transition {
    Machine machine;
    Action action = Action::None; ///< upon the process machine.generation, as it is now
    std::vector<SideAction> side{};
    /// The process is gone; how it ended.
    std::optional<Exit> exit;
    /// Why it is in the new state; nothing: as before.
    std::optional<std::string> reason;
    /// A running process is being replaced, or one that ended is: counts as a restart.
    bool restarted = false;
    /// The successor has taken over.
    bool replaced = false;
    /// The successor failed, and why.
    std::optional<std::string> reload_failed{};
    /// The reason is a warning.
    bool warning = false;
    /// Who waits for it should not wait longer.
    std::optional<Survivor> survivor{};
};

/// How long a program may take from the beginning of its launch to execve.
inline constexpr model::Milliseconds kLaunchTimeout{30'000};

[[nodiscard]] Transition step(const Machine& machine, const Event& event, const Circumstances& circumstances);

/// When the timer must fire; nothing when none is needed.
[[nodiscard]] std::optional<model::TimePoint> deadline_of(const State& state) noexcept;
[[nodiscard]] std::optional<model::TimePoint> deadline_of(const Machine& machine) noexcept;
/// True while the launcher holds the current process, or the launch of one, for the instance.
[[nodiscard]] bool has_process(const State& state) noexcept;
/// The same for any process, leavers and all.
[[nodiscard]] bool has_any_process(const Machine& machine) noexcept;
[[nodiscard]] model::Status status_of(const State& state) noexcept;

} // namespace pm::engine
