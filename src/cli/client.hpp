// SPDX-License-Identifier: Apache-2.0
// The daemon as pmctl sees it: one connection, a C++ call for each D-Bus call. With daemon_search, activation and
// questions the only place that sees sdbus-c++.
//
// Calls that only ask are made at once. Calls that change processes can take as long as an app's kill_timeout: they are
// made without a time-out, and while they last the client hears Ctrl-C and, when somebody wants to show progress, what
// happens to the processes.
#pragma once

#include "base/fd.hpp"
#include "cli/context.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace pm::cli {

/// One instance, a row of Manager.ListApps.
struct Row {
    std::string app;
    std::string name_space;
    std::uint32_t id = 0;
    std::uint32_t slot = 0;
    std::uint32_t pid = 0; ///< 0: none
    std::string status;
    std::string reason;
    std::uint64_t uptime_usec = 0;
    std::uint64_t restarts = 0;
    std::uint32_t unstable_restarts = 0;
    double cpu_percent = 0;
    std::uint64_t memory_bytes = 0;
    std::string user;
};

struct LastExit {
    std::uint32_t slot = 0;
    std::string kind; ///< empty: none yet
    std::int32_t code = 0;
};
struct LogFiles {
    std::uint32_t slot = 0;
    std::string out;
    std::string err;
};
/// A custom metric of a process.
struct Metric {
    std::string name;
    std::variant<bool, std::int64_t, double, std::string> value;
    std::string unit; ///< may be empty, as the type
    std::string type;
};
/// An action that a process offers.
struct Action {
    std::string name;
    std::string type; ///< may be empty, as the comment
    std::uint32_t arity = 0;
    std::string comment;
};
struct CustomInfo {
    std::vector<Metric> metrics;
    std::vector<Action> actions;
};
/// What one process replied to the call of an action.
struct ActionReply {
    std::uint32_t id = 0;
    std::string app;
    std::string json;
    std::string error; ///< why there is none; empty: there is one
};
/// The properties of an org.pmd1.App.
struct AppInfo {
    std::string name;
    std::string name_space;
    std::uint32_t owner = 0;
    std::string status;
    std::string reason;
    std::string spec; ///< YAML; what may be secret is masked where the caller may not see it
    std::uint64_t created_at_usec = 0;
    std::vector<LastExit> last_exits;
    std::vector<LogFiles> log_files;
    std::vector<std::string> warnings; ///< what of the spec does not hold
    std::string log_target; ///< journal, files
    std::string cluster;    ///< how instances share a port
    std::vector<std::string> listening; ///< where, as far as pmd knows
    std::string reload_hint; ///< what a reload loses; empty: nothing
    bool watches = false;    ///< its files (watch)
    std::uint64_t watched_directories = 0;
    std::map<std::uint32_t, CustomInfo> custom; ///< by id; without those the caller may not see
};

struct DaemonInfo {
    std::string version;
    std::string scope;
    std::string state_dir;
    std::uint32_t pid = 0;
    std::uint32_t apps = 0;
    std::uint32_t instances = 0;
    std::string launcher; ///< direct, systemd
};

struct LoadOptions {
    std::string profile;
    std::vector<std::string> only;
    std::string name_space;
    std::string directory;
    bool start = true;
    bool prune = false;
    bool caller_environment = false;
    bool force = false;
    bool update_env = false;
    bool reload = false;
    std::string dialect;    ///< config::Dialect by its name; empty: our own
    bool evaluated = false; ///< a program made the text
    std::map<std::string, std::string> files; ///< what base::file_fact() says of what the apps run
};

struct PlanRow {
    std::string app;
    std::string action;
    std::string why;
};

struct LogOptions {
    std::uint32_t lines = 15;
    bool follow = true;
    std::string stream; ///< out, err; empty: both
    std::string format = "json";
    bool mark_history_end = false; ///< in json: {"history":"end"} after the old lines
    bool ask_people = true; ///< for a password, should the output be another user's
    bool wait = false;      ///< following: nothing has to be there yet
};

/// What is shown while a call waits.
class Watcher {
public:
    virtual ~Watcher() = default;
    virtual void on_event(const std::string& event, const std::string& app, std::uint32_t id) = 0;
    /// About once a second.
    virtual void on_tick() = 0;
    /// From now on somebody may be asked for a password: the terminal is theirs.
    virtual void on_question() = 0;
};

class Client {
public:
    /// What is done when no pmd runs. Look: nothing at all. Recover: on the embedded bus one is started to go on with the apps
    /// of one that was killed. Fail: also where that is the bus's business (D-Bus activation). Start: in any case on the embedded bus.
    enum class Missing { Look, Recover, Fail, Start };
    /// Finds pmd. Status 3: none; with the code NoDaemon: the bus could not start it.
    static Outcome<Client> connect(const Context& context, Missing missing = Missing::Fail);
    Client(Client&&) noexcept;
    Client& operator=(Client&&) noexcept;
    ~Client();

    Outcome<std::vector<Row>> list(const std::string& target, bool usage);
    Outcome<std::map<std::string, std::string>> environment(std::uint32_t id);
    Outcome<AppInfo> app(const std::string& name);
    /// Custom metrics and actions of an instance; empty for those who may not see them, and of an older pmd.
    CustomInfo custom(std::uint32_t id);
    Outcome<DaemonInfo> daemon();
    /// The property LogTarget of an app.
    Outcome<std::string> log_target(const std::string& app);
    Outcome<base::Fd> open_log(const std::string& target, const LogOptions& options);
    /// The messages that processes of `target` send from now on, as Manager.OpenMessages gives them.
    Outcome<base::Fd> open_messages(const std::string& target, bool wait);
    /// From now on handle_events() calls `added` for each app that is new.
    Outcome<void> watch_apps(std::function<void()> added);
    struct Waiting {
        int fd = -1;
        short events = 0;
        int timeout = -1; ///< milliseconds; -1: for ever
    };
    /// For poll(2): when handle_events() has something to do.
    [[nodiscard]] Waiting waiting() const;
    void handle_events();
    Outcome<std::vector<PlanRow>> plan(const std::string& text, const std::string& origin, const LoadOptions& options);
    Outcome<std::uint32_t> signal(const std::string& target, int signal);
    /// How many processes got it.
    Outcome<std::uint32_t> send_message(const std::string& target, const std::string& json);
    Outcome<void> reset(const std::string& target);
    /// `method`: RotateLogs, FlushLogs or ReopenLogs.
    Outcome<void> act_on_logs(const std::string& method, const std::string& target);
    /// Switches the watching of files on or off.
    Outcome<void> watch(const std::string& target, bool on);
    /// How many apps are in the list that was saved.
    Outcome<std::uint32_t> save();
    Outcome<void> resurrect(Watcher* watcher);

    /// These wait. Status 130: the user pressed Ctrl-C; pmd goes on. `watcher` may be null.
    Outcome<void> load(const std::string& text, const std::string& origin, const LoadOptions& options, Watcher* watcher);
    /// `method`: Start, Stop, Restart or Delete.
    Outcome<void> operate(const std::string& method, const std::string& target, Watcher* watcher);
    /// The same for several targets at once: none waits for another, but those that take a password, which come last
    /// and one by one. How each ended, in their order.
    Outcome<std::vector<Outcome<void>>> operate(const std::string& method, const std::vector<std::string>& targets,
                                                Watcher* watcher);
    Outcome<std::uint32_t> scale(const std::string& app, const std::string& count, Watcher* watcher);
    /// Calls an action of all processes of `target` that have it; waits for each `timeout_usec` at most.
    Outcome<std::vector<ActionReply>> trigger(const std::string& target, const std::string& action, const std::string& params,
                                              std::uint64_t timeout_usec);
    /// Has the pmd that is installed executed in place of the one that runs; returns when the new one has taken the name.
    /// This object is of the old one: connect() anew.
    Outcome<void> upgrade();
    /// Stops all apps and ends pmd; returns when the process is gone.
    Outcome<void> exit(Watcher* watcher);

    [[nodiscard]] const std::string& bus() const noexcept; ///< for messages

private:
    struct Impl;
    explicit Client(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

} // namespace pm::cli
