// SPDX-License-Identifier: Apache-2.0
// The table of apps: turns commands and answers into steps of each instance's state machine, and tells who waits.
//
// Every instance runs its own machine (engine/step.hpp), so nothing one app does can wait for another. A command is
// applied at once to every instance it names and then only *watched*: its Done is called when each of those instances
// has come to rest (online, stopped, errored), or when another command took the instance over.
#pragma once

#include "base/error.hpp"
#include "engine/ports.hpp"
#include "engine/saved.hpp"
#include "policy/quota.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pm::engine {

enum class Verb { Start, Stop, Restart, Reload, Delete };
[[nodiscard]] std::string_view to_string(Verb verb) noexcept;

struct Limits {
    std::uint32_t max_apps = 10'000;
    std::uint32_t max_instances = 10'000;  ///< of all apps together
    std::uint64_t max_sockets = policy::QuotaBounds{}.of_all.sockets;
    policy::Usage of_user = policy::QuotaBounds{}.of_user; ///< an ordinary one
    uid_t master = 0;                      ///< the user pmd runs as; as root, not an ordinary one
    std::uint32_t max_waiting = 4'096;     ///< commands that have not ended
    std::uint32_t cpus = 1;                ///< what `instances: max` means
};

struct InstanceFailure {
    std::string app; ///< empty: of no instance; the error tells all
    base::InstanceId id;
    base::Error error;
};

/// How a command ended. `apps` are the names it touched, in order; it succeeded when `failures` is empty.
struct Outcome {
    std::vector<std::string> apps;
    std::vector<InstanceFailure> failures;
};
/// Called exactly once, possibly before the call that took it returns (when there is nothing to wait for).
using Done = std::function<void(const Outcome&)>;

/// What one process replied to the call of an action.
struct TriggerReply {
    std::string app;
    base::InstanceId id;
    base::Result<std::string> returned; ///< one JSON value
};
/// Called once, from the loop, with the replies in order of ids.
using TriggerDone = std::function<void(const std::vector<TriggerReply>&)>;

/// Whether the caller of a command may do it to `app`, which belongs to `owner`. Empty: to every app.
using May = std::function<bool(const std::string& app, uid_t owner)>;

struct AppRef {
    std::string name;
    uid_t owner = 0;
};

/// Adjust: nothing but limits differs (and perhaps the count), and what runs can be given the new ones.
enum class PlanAction { Add, Change, Adjust, Scale, Start, Keep, Remove };
[[nodiscard]] std::string_view to_string(PlanAction action) noexcept;

struct PlanItem {
    std::string app;
    PlanAction action{};
    /// "args, env changed", "2 -> 4 instances", "errored: exit code 1", "was loaded from /old/app.yaml"; may be empty.
    std::string why;
};

struct ApplyOptions {
    bool start = true;     ///< false: new apps are registered as stopped, as if autostart were false
    bool reload = false;   ///< what runs and does not differ is reloaded as well
    bool prune = false;    ///< remove the caller's apps that came from the same origin and are not in it any more
    std::vector<std::string> declared; ///< what the origin has beside the specs that are applied: prune spares it
    bool take_over = true; ///< false: AppExists for a name whose app has another script or cwd, or another origin
    bool update_env = true;///< false: an app of the same script, cwd and origin keeps its env
    bool unattended = false; ///< nobody is told what fails: what is missing is waited for
    bool may_miss_dependencies = false; ///< an app that depends on one that is not there is taken, and ends errored
    std::string origin;    ///< where the specs come from: absolute path or a word; remembered per app
    uid_t owner = 0;
};

class Supervisor final : public LauncherEvents, public ChannelEvents {
public:
    /// The ports must outlive the Supervisor.
    Supervisor(Launcher& launcher, Sockets& sockets, Channels& channels, Timers& timers, Clock& clock, Events& events, Limits limits);
    ~Supervisor() override;
    Supervisor(const Supervisor&) = delete;
    Supervisor& operator=(const Supervisor&) = delete;

    /// What apply() would do. Errors: AppExists (somebody else's app, or take_over), InvalidSpec
    /// (depends_on: not there, or a circle), LimitExceeded, Unavailable (shutting down).
    [[nodiscard]] base::Result<std::vector<PlanItem>> plan(std::span<const model::AppSpec> specs,
                                                           const ApplyOptions& options) const;
    /// Adds what is new, restarts what changed (only that), sets limits live where only they changed, scales where only the count changed, starts what of the rest
    /// does not run (stopped by whomever, errored, or waiting in backoff; not what `autostart: false` keeps down) and
    /// leaves alone what does. What is to run has its sockets opened first (Sockets). All or nothing: an error means that nothing was done.
    base::Result<std::vector<PlanItem>> apply(std::vector<model::AppSpec> specs, const ApplyOptions& options,
                                              Done done);

    /// Names of the apps `target` selects: "all", name, absolute path of a script, namespace, id, "/regex/" on names,
    /// tried in PM2's order (for numbers: name, namespace, id). An id selects one instance only. Errors: NoSuchApp (with a near name, if any),
    /// InvalidArgument (bad regex).
    /// Of these, the ones that `may` accepts; NotAuthorized when it accepts none. The same holds for the commands below.
    [[nodiscard]] base::Result<std::vector<std::string>> apps_of(std::string_view target, const May& may = {}) const;
    /// The apps of apps_of(), with whom they belong to.
    [[nodiscard]] base::Result<std::vector<AppRef>> owners_of(std::string_view target) const;

    /// Reload replaces each instance by a new process without a gap where the app lets it (policy::reload_mode_of), as
    /// many at once as `reload` says, and ends with the first failure: what was not replaced serves on. Start, Restart and Reload also start what rests of the apps that the target depends on, as far as `may` lets them; Stop and
    /// Delete end apps that depend on each other in reverse order. Error: as apps_of, LimitExceeded. Otherwise `done` tells the rest.
    base::Result<void> operate(Verb verb, std::string_view target, Done done, const May& may = {});
    /// Replaces, as Reload does, those instances of the app that are online; of these only `ids`, unless it is empty. What rests, starts or ends is left as
    /// it is. `why`, a clause about the instance, is told with an event. `done` comes also when nothing is replaced.
    void recycle(const std::string& app, const std::vector<base::InstanceId>& ids, const std::string& why, Done done);
    /// The same, but it is stopped before the new one is started, whether or not the app could be reloaded.
    void restart(const std::string& app, const std::vector<base::InstanceId>& ids, const std::string& why, Done done);
    /// What the checks of a process that is online say: why it does not serve; empty: it does. Of any other process nothing is noted.
    void note_health(ProcessKey key, std::string why);
    /// The same as recycle() for all of the app because its files have changed: what has crashed, starts, waits to be started again or ended by itself is started
    /// anew as well; what a command stopped is left.
    void renew(const std::string& app, const std::string& why, Done done);
    /// Switches `watch` of the apps of `target` on or off, by their names. Errors: as apps_of.
    base::Result<std::vector<std::string>> set_watching(std::string_view target, bool on, const May& may = {});
    /// `count`: "4", "+2", "-1", "max", "max-1". Returns the new number of instances. New instances start if any other
    /// instance is not stopped; removed are the highest slots. Errors: NoSuchApp, InvalidArgument, LimitExceeded.
    base::Result<std::uint32_t> scale(const std::string& app, std::string_view count, Done done);
    /// Sends a signal to the main processes of `target`; returns how many got it. Error also when none runs (NotOnline).
    base::Result<std::uint32_t> signal(std::string_view target, int signal, const May& may = {});
    /// Sends a message, one JSON value, over the channels of `target`; how many got it. Error also when nobody did.
    base::Result<std::uint32_t> send(std::string_view target, std::string_view json, const May& may = {});
    /// Calls an action of each process of `target` that announced it; `done` when each has replied or cannot any more, after
    /// the time-out at the latest. Errors: as apps_of, NotOnline, NotSupported (no channel), NoSuchAction, LimitExceeded.
    base::Result<void> trigger(std::string_view target, const TriggerRequest& request, TriggerDone done, const May& may = {});
    /// Custom metrics and actions of the instance's process; empty when it has none, or does not run.
    [[nodiscard]] model::CustomData custom_data(base::InstanceId id) const;
    /// Where the app listens, as far as its sockets are held or shared: "tcp *:8000".
    [[nodiscard]] std::vector<std::string> listening(const std::string& app) const;
    /// Restart counters and backoff to zero.
    base::Result<std::vector<std::string>> reset(std::string_view target, const May& may = {});

    /// Refuses new commands, stops everything, what depends on others before them, else newest app first, and calls `done` when nothing runs.
    void shut_down(Done done);

    [[nodiscard]] std::vector<model::AppSnapshot> snapshots() const; ///< in order of creation
    /// Of the apps of apps_of(), with those of their instances that `target` selects: one, where it is an id. Errors: as there.
    [[nodiscard]] base::Result<std::vector<model::AppSnapshot>> snapshots(std::string_view target, const May& may = {}) const;
    [[nodiscard]] base::Result<model::AppSnapshot> snapshot(const std::string& app) const;
    /// The spec the next start will use. Null: no such app.
    [[nodiscard]] std::shared_ptr<const model::AppSpec> spec(const std::string& app) const;
    /// The instance that `id` names. Error: NoSuchApp.
    struct InstanceRef {
        std::string app;
        base::Slot slot;
        ProcessKey key; ///< of the current generation
    };
    [[nodiscard]] base::Result<InstanceRef> instance(base::InstanceId id) const;
    [[nodiscard]] std::uint32_t app_count() const;
    [[nodiscard]] std::uint32_t instance_count() const;

    /// What restore() needs to go on with the app. Nothing: no such app.
    [[nodiscard]] std::optional<SavedApp> saved(const std::string& app) const;
    /// Takes apps up where an earlier pmd left them: their processes are adopted, their timers armed.
    /// All at once, as apps may wait for each other. Returns what could not be restored, AppExists.
    std::vector<base::Error> restore(std::span<const SavedApp> apps);

    void set_limits(Limits limits);

    /// The instance's timer fired (Timers port).
    void on_timer(base::InstanceId id);
    void on_launching(ProcessKey key) override;
    void on_running(ProcessKey key, pid_t pid) override;
    void on_main_exited(ProcessKey key, const model::ExitInfo& exit) override;
    void on_gone(ProcessKey key, const model::ExitInfo& exit) override;
    void on_ready(ProcessKey key, model::ReadyWhen by) override;
    void on_status(ProcessKey key, std::string text) override;
    void on_more_time(ProcessKey key, model::Duration time) override;
    void on_stopping(ProcessKey key) override;
    void on_drained(ProcessKey key) override;
    void on_unready(ProcessKey key, std::string why) override;
    void on_watchdog(ProcessKey key, std::string why) override;
    void on_message(ProcessKey key, const std::string& json) override;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace pm::engine
