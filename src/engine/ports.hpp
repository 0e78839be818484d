// SPDX-License-Identifier: Apache-2.0
// What the engine needs from the world, as interfaces. launch/, logs/ and io/ implement them; tests fake them.
//
// Rules for implementers: calls return at once and never throw; answers come later, from the event loop, never from
// inside the call that asked (so the engine is not re-entered). One thread.
#pragma once

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/ids.hpp"
#include "model/app_spec.hpp"
#include "model/custom_data.hpp"
#include "model/identity.hpp"
#include "model/status.hpp"
#include "policy/unit_properties.hpp"

#include <compare>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace pm::engine {

/// Names one process for ever: an answer about any other generation than the current one is stale and dropped.
struct ProcessKey {
    base::InstanceId id;
    base::Generation generation;
    constexpr auto operator<=>(const ProcessKey&) const = default;
};

/// A process as its unit is named.
struct ProcessName {
    std::string app;
    base::Slot slot;
    base::Generation generation;
    bool operator==(const ProcessName&) const = default;
};

/// Who is to end before whom when the machine goes down and nobody asks pmd.
struct EndOrder {
    std::vector<std::string> before_us;     ///< apps that depend on this one
    std::vector<ProcessName> after_us;      ///< processes this one depends on that do not know of its app
};

struct LaunchRequest {
    ProcessKey key;
    base::Slot slot;
    /// Never null; stays the spec of this generation even when the app's spec changes meanwhile.
    std::shared_ptr<const model::AppSpec> spec;
    /// True when the app has, or is declared to have, more than one instance (decides file names, PM2's rule).
    bool several = false;
    EndOrder end_order{};
    uid_t owner = 0; ///< whose app it is
    bool ran = false; ///< for adopt(): an earlier pmd knows that the program was executed
};

/// What a check of a process found: nothing when it serves, else why it does not, one line for people.
using Checked = std::function<void(const base::Result<void>&)>;

/// A command that is checking a process. It ends with this, all that it started with it; its Checked is then not called any more.
class Check {
public:
    virtual ~Check() = default;
};

/// Limits of an app that change while it runs.
struct Adjustment {
    /// What the app is from now on; never null. Processes that wait for their launch are launched with it.
    std::shared_ptr<const model::AppSpec> spec;
    std::vector<ProcessKey> processes; ///< all of the app that were launched and are not gone
    policy::LimitChange change;        ///< for each of the processes, and for what holds them all together
};

/// Starts and ends processes. Every launch() is answered by exactly one on_gone() at the end, whatever happens between.
class Launcher {
public:
    virtual ~Launcher() = default;
    /// Starts a process, perhaps when others before it have been started. Answers: on_launching() when the launch has begun,
    /// on_running() once the program has been exec'd, or on_gone() with ExitInfo::LaunchFailed.
    virtual void launch(const LaunchRequest& request) = 0;
    /// Takes up a process that an earlier pmd launched with this request. Answers: on_running() when it lives, or on_gone()
    /// with how it ended as far as anybody knows. What is not known to have run, and was never launched, is launched now.
    virtual void adopt(const LaunchRequest& request) = 0;
    /// Sends `signal` to everything the process started (KillMode::Group) or to it alone (Main). Unknown keys: nothing.
    virtual void terminate(ProcessKey key, int signal) = 0;
    /// SIGKILL, likewise. May be called again when something survived.
    virtual void kill(ProcessKey key) = 0;
    /// Sends `signal` to the main process alone, as the user asked.
    virtual base::Result<void> signal(ProcessKey key, int signal) = 0;
    /// CPU time and memory now; nothing when it cannot be told.
    [[nodiscard]] virtual std::optional<model::Usage> usage(ProcessKey key) = 0;
    /// The bytes that the process and all it started hold and cannot give back; nothing when it cannot be told.
    [[nodiscard]] virtual std::optional<std::uint64_t> held_memory(ProcessKey key)
    {
        const auto used = usage(key);
        return used ? std::optional(used->memory_bytes) : std::nullopt;
    }
    /// The environment the process was started with, as "NAME=value" lines of /proc; owner-only data.
    [[nodiscard]] virtual base::Result<std::vector<std::string>> environment(ProcessKey key) = 0;
    /// Sets limits of what runs; what cannot be set is logged, and holds from the next start on.
    virtual void adjust(const Adjustment& adjustment) = 0;
    /// Which limits of `spec` do not hold here, and why, as a sentence for people; empty when all do.
    [[nodiscard]] virtual std::string not_enforced(const model::AppSpec& spec) const = 0;
    /// The instance is removed: none of its processes is left, and its id may be given to another one. `last`: it was the
    /// last of `app`.
    virtual void forget(base::InstanceId id, const std::string& app, bool last) = 0;
};

/// The launcher's answers; the Supervisor is the one who hears them.
class LauncherEvents {
public:
    virtual ~LauncherEvents() = default;
    /// The launch stands in no line of pmd's any more; also when it has come on since. Its time begins now.
    virtual void on_launching(ProcessKey key) = 0;
    /// The program runs: execve succeeded.
    virtual void on_running(ProcessKey key, pid_t pid) = 0;
    /// The main process ended, but others it started are left (KillMode::Group only). on_gone() follows when they end.
    virtual void on_main_exited(ProcessKey key, const model::ExitInfo& exit) = 0;
    /// Nothing is left (or, KillMode::Main, the main process ended), or the launch failed. The last word on `key`.
    virtual void on_gone(ProcessKey key, const model::ExitInfo& exit) = 0;
};

/// The ends of a process's stdout and stderr that the process gets. Invalid: /dev/null.
struct Stdio {
    base::Fd out;
    base::Fd err;
};

/// Where output goes; the Launcher asks for it at each launch. logs/ implements it.
class Output {
public:
    virtual ~Output() = default;
    /// Makes pipes whose other ends are read until end of file, and remembers where their lines go. Files that the spec
    /// names are opened with the rights of `user`, the one the process runs as; null: pmd's own.
    virtual base::Result<Stdio> open(const LaunchRequest& request, const model::SharedIdentity& user) = 0;
    /// Goes on with the output of a process that an earlier pmd launched with this request.
    virtual void resume(const LaunchRequest& request, const model::SharedIdentity& user) = 0;
    /// The instance is removed; its id may be given to another one.
    virtual void forget(base::InstanceId id) = 0;
};

/// The sockets of `listen`: opened before anything starts, the same open ones for every process of an app, closed when
/// the app rests. channel/ implements it.
class Sockets {
public:
    virtual ~Sockets() = default;
    /// Opens what `spec` asks for and its app does not hold; what it holds at the same place stays the same open socket.
    /// All or nothing. `owner`: with whose rights. Error: ListenFailed, with what, where, why and what to do.
    virtual base::Result<void> hold(const model::AppSpec& spec, uid_t owner) = 0;
    /// Closes what `app` holds and `needed` has not.
    virtual void keep_only(const std::string& app, std::span<const model::ListenAddress> needed) = 0;
    /// Takes up what an earlier pmd held for the app. What is not there any more is opened anew, or told to the log.
    virtual void resume(const model::AppSpec& spec, uid_t owner) = 0;
    /// For a launch: the open sockets in the order of spec->listen, held now if they were not, and with those options that
    /// an open socket can change as the spec has them. They belong to the holder. Error: ListenFailed.
    virtual base::Result<std::vector<int>> descriptors(const LaunchRequest& request) = 0;
};

/// What a process gets at its launch to talk with pmd.
struct ChannelEnds {
    /// The message channel, blocking or not as the program wants it; becomes the descriptor behind those of `listen`,
    /// number policy::kFirstSocket + listen.size(). Invalid: it has none.
    base::Fd messages;
    /// pm-exec is to install the filter of bind() notifications and to send its listener to take_filter().
    bool bind_notifications = false;
    std::vector<std::string> arguments;         ///< of the interpreter, before those of the spec: "--require", "/usr/lib/..."
    std::map<std::string, std::string> environment; ///< wins over the spec's: NOTIFY_SOCKET, NODE_CHANNEL_FD, ...
};

/// The call of an action that a process announced.
struct TriggerRequest {
    std::string action;
    std::string params; ///< empty: none
    model::Duration timeout = std::chrono::seconds(8);
};
/// What an action replied, one JSON value, or why there is no reply.
using Triggered = std::function<void(base::Result<std::string>)>;

/// The ways in which processes and pmd talk beside signals: the notify socket, the message channel with Node's cluster
/// protocol, the bind() notifications. channel/ implements it; what a process says comes by ChannelEvents.
/// By itself this class is a pmd that talks with nobody.
class Channels {
public:
    virtual ~Channels() = default;
    /// For a launch, called by the launcher. `user`: whom the process runs as; null: as pmd. Error: why it cannot be had.
    virtual base::Result<ChannelEnds> connect(const LaunchRequest&, const model::SharedIdentity&) { return ChannelEnds(); }
    /// Goes on with a process that an earlier pmd launched with this request. Called by the launcher.
    virtual void reconnect(const LaunchRequest&, const model::SharedIdentity&) {}
    /// The listener of the process's filter; called by the launcher before the program runs. Who asked for it moves it away.
    virtual void take_filter(ProcessKey, base::Fd&) {}
    /// The program runs: execve succeeded, or it was adopted.
    virtual void runs(ProcessKey, pid_t) {}
    /// Tells the process to take no new work and to end when what it has is done; ChannelEvents::on_drained() follows when it
    /// has. False: it cannot be told.
    virtual bool dismiss(ProcessKey) { return false; }
    /// Sends the message "shutdown" (PM2's shutdown_with_message). False: there is no channel.
    virtual bool send_shutdown(ProcessKey) { return false; }
    /// Sends a message, one JSON value. Error: NotSupported (no channel), InvalidArgument (not JSON), LimitExceeded (too much is unsent).
    virtual base::Result<void> send(ProcessKey, std::string_view)
    {
        return base::fail(base::ErrorCode::NotSupported, "it has no message channel");
    }
    /// Has an action of the process called. When this is no error, `answered` is called once, from the loop. Errors: NotSupported (no
    /// channel), NoSuchAction, LimitExceeded (too much is unsent or unanswered).
    virtual base::Result<void> trigger(ProcessKey, const TriggerRequest&, Triggered)
    {
        return base::fail(base::ErrorCode::NotSupported, "it has no message channel");
    }
    /// Custom metrics and actions of the process; null: it has no channel. Valid until the loop turns.
    [[nodiscard]] virtual const model::CustomData* custom_data(ProcessKey) const { return nullptr; }
    /// Nothing is left of the process.
    virtual void ended(ProcessKey) {}
    /// None of the app's processes runs or is about to: sockets that were kept for it are closed.
    virtual void rests(const std::string& app) { (void)app; }
    /// Where the processes of an app listen, as far as it goes over a channel: "tcp 0.0.0.0:8000". For people.
    [[nodiscard]] virtual std::vector<std::string> addresses(const std::string&) const { return {}; }
};

/// What processes say; the Supervisor hears it, from the loop, never from inside a call of Channels.
class ChannelEvents {
public:
    virtual ~ChannelEvents() = default;
    /// The process serves: READY=1, "ready", or it listens (only `by` counts that its readiness waits for).
    virtual void on_ready(ProcessKey key, model::ReadyWhen by) = 0;
    /// It was looked at and does not serve yet; `why`, one line, for people.
    virtual void on_unready(ProcessKey key, std::string why) = 0;
    /// STATUS=, one line, for people.
    virtual void on_status(ProcessKey key, std::string text) = 0;
    /// EXTEND_TIMEOUT_USEC=: it wants so much longer, from now, for what it is doing (starting or ending).
    virtual void on_more_time(ProcessKey key, model::Duration time) = 0;
    /// It said that it is going by itself: STOPPING=1.
    virtual void on_stopping(ProcessKey key) = 0;
    /// After dismiss(): it has let go of everything, and may be signalled.
    virtual void on_drained(ProcessKey key) = 0;
    /// It owed a sign of life (WATCHDOG=1) or said WATCHDOG=trigger. `why` for people.
    virtual void on_watchdog(ProcessKey key, std::string why) = 0;
    /// A message of the app's own, one JSON value.
    virtual void on_message(ProcessKey key, const std::string& json) = 0;
};

/// One timer per instance. Arming replaces; firing disarms and calls Supervisor::on_timer(id).
class Timers {
public:
    virtual ~Timers() = default;
    virtual void arm(base::InstanceId id, model::TimePoint when) = 0;
    virtual void disarm(base::InstanceId id) = 0;
};

class Clock {
public:
    virtual ~Clock() = default;
    [[nodiscard]] virtual model::TimePoint now() const = 0;
    [[nodiscard]] virtual model::WallTime wall() const = 0;
};

/// What happened to a process; the names are those of D-Bus ProcessEvent and of PM2's bus where PM2 has one.
enum class EventKind {
    Wait,    ///< its start waits for apps it depends on
    Start,   ///< a process is being started
    Online,  ///< it runs
    Exit,    ///< it ended; `exit` tells how
    Restart, ///< it is being replaced, by command or by policy
    Stop,    ///< it is stopped and stays so
    Errored, ///< it ended and is not started again
    Delete,  ///< the instance was removed
    Signal,  ///< the user sent it a signal
    Reload,  ///< its successor took over, or it was told to reload itself
    ReloadFailed, ///< its successor failed; it serves on
    Recycle, ///< it is to be replaced though it serves; the reason tells why
    Unhealthy, ///< so many of its checks failed; the reason tells how
    Healthy, ///< its checks succeed again
};
[[nodiscard]] std::string_view to_string(EventKind kind) noexcept;

struct ProcessEvent {
    EventKind kind{};
    std::string app;
    base::InstanceId id;
    base::Slot slot;
    base::Generation generation;
    pid_t pid = 0;
    std::string reason;                   ///< a sentence for people; may be empty
    std::optional<model::ExitInfo> exit;  ///< for Exit and Errored
    std::optional<model::Duration> uptime;///< for Exit
    bool commanded = false;               ///< Exit: a command asked for it (stop, restart, scale, delete)
    std::uint64_t restarts = 0;
    std::optional<model::Duration> delay; ///< Exit followed by a backoff: how long it waits
    bool warning = false;                 ///< it went on, but somebody should look at the reason
};

/// What a process of an app sent over its message channel, and was not for pmd.
struct ProcessMessage {
    std::string app;
    base::InstanceId id;
    base::Slot slot;
    std::string json; ///< one value, in one line
};

/// Hears of every change, after the state has changed. Must not call back into the Supervisor.
class Events {
public:
    virtual ~Events() = default;
    virtual void process_event(const ProcessEvent& event) = 0;
    virtual void app_added(const std::string& app) = 0;
    virtual void app_removed(const std::string& app) = 0;
    /// Something that a snapshot of `app` shows has changed; called often, coalesce it.
    virtual void app_changed(const std::string& app) = 0;
    virtual void message(const ProcessMessage& message) = 0;
};

} // namespace pm::engine
