// SPDX-License-Identifier: Apache-2.0
// The wiring: the only place that names the concrete classes. Built once, runs the loop, ends.
#pragma once

#include "bus/service.hpp"
#include "channel/app_channels.hpp"
#include "channel/node_channels.hpp"
#include "channel/listening_watch.hpp"
#include "channel/probe_watch.hpp"
#include "channel/notify_socket.hpp"
#include "channel/quiet_end.hpp"
#include "channel/bind_broker.hpp"
#include "daemon/account_ids.hpp"
#include "daemon/boot.hpp"
#include "daemon/event_log.hpp"
#include "daemon/fd_store.hpp"
#include "daemon/kept_fds.hpp"
#include "daemon/runtime.hpp"
#include "daemon/state_keeper.hpp"
#include "daemon/trial.hpp"
#include "engine/supervisor.hpp"
#include "io/directory_watch.hpp"
#include "io/embedded_bus.hpp"
#include "io/event_loop.hpp"
#include "io/log.hpp"
#include "io/timers.hpp"
#include "launch/launcher.hpp"
#include "logs/log_store.hpp"
#include "upkeep/tidier.hpp"
#include "upkeep/upkeep.hpp"

#include <memory>
#include <optional>
#include <set>
#include <vector>

namespace pm::daemon {

class Daemon {
public:
    using UpgradeDone = std::function<void(const base::Result<void>&)>;

    Daemon(Runtime runtime, io::Log& log);
    /// Serves until told to end; returns the exit status.
    int run();

private:
    base::Result<void> watch_signals();
    base::Result<void> open_bus();
    base::Result<void> have_embedded_bus();
    void bus_lost(const std::string& why);
    void reopen_bus();
    void reload();
    /// Goes on with the apps that an earlier pmd left running.
    void restore();

    // daemon_apps.cpp
    /// Starts what starts with pmd and is neither there nor was removed since the machine came up.
    void start_boot_apps();
    /// `before`: what has failed already, told with the rest.
    void start(std::vector<BootApp> apps, engine::Done done, std::vector<engine::InstanceFailure> before);
    void add_errored(model::AppSpec spec, engine::ApplyOptions options, const engine::Done& done);
    [[nodiscard]] std::string saved_list() const { return runtime_.locations.state_dir + "/saved.jsonl"; }
    /// What is not whole is told to the log. Error: it is there, and cannot be read at all. Not there: an empty one.
    [[nodiscard]] base::Result<SavedList> read_saved_list();
    /// Puts a list that is not whole beside the one that is about to be written. Its name; empty: there was none.
    base::Result<std::string> set_damaged_list_aside();
    base::Result<std::uint32_t> save();
    base::Result<std::vector<std::string>> resurrect(engine::Done done);
    /// An app was deleted: the saved list forgets it.
    void forget_saved(const std::string& app);

    // daemon_places.cpp
    /// From now on it is noticed when somebody removes what pmd has in its runtime directory.
    void guard_places();
    /// Who asks for the lock of the state directory connects, and knows.
    void answer_state_lock();
    void watch_places();
    /// Makes anew what is not where it should be: directories, the lock, files of apps, sockets.
    void put_back();
    /// False when another pmd has the runtime directory meanwhile.
    base::Result<void> have_places();

    // daemon_end.cpp
    /// Stops all apps, within stop_timeout, then ends the loop; a later call joins the first.
    void shut_down(engine::Done done, const char* why);
    /// Ends without the apps, which run on; the next pmd goes on with them.
    void leave();
    void leave_begun_lines();
    void recover_begun_lines();
    /// The first signal shuts down, the next one kills what is left at once.
    void on_end_signal();
    void kill_what_is_left();
    void finish();

    // daemon_upgrade.cpp
    /// Has the binary on disk executed in place of this one, as soon as it said that it can go on with what there is.
    void upgrade(UpgradeDone done);
    void on_tried(const base::Result<void>& tried);
    void await_rest();
    void fail_upgrade(base::Error error);
    void hand_over();
    [[nodiscard]] Handover handover() const;
    /// What the pmd before left of its apps.
    [[nodiscard]] std::vector<engine::SavedApp> earlier_apps();

    // recovery.cpp
    /// What a pmd that did not end in order wrote down of its apps; what is open in their processes is taken from there.
    [[nodiscard]] std::vector<engine::SavedApp> recovered_apps();
    void recover_descriptors(const engine::SavedApp& app);

    // daemon.cpp
    void plan_housekeeping();
    /// Some time after the last change: tells systemd a status line, gives freed memory back.
    void keep_house();
    [[nodiscard]] std::unique_ptr<launch::Launcher> make_launcher();
    /// For upkeep_, see there.
    [[nodiscard]] static base::Result<base::Fd> start_helper(const std::string& program, int socket);
    [[nodiscard]] std::optional<model::Identity> user_of(const model::AppSpec& spec);
    [[nodiscard]] engine::Limits limits() const;
    [[nodiscard]] logs::LogOptions log_options() const;
    [[nodiscard]] std::string app_path_variable() const;

    Runtime runtime_;
    io::Log& log_;
    io::EventLoop loop_;
    io::MonotonicClock clock_;
    bus::CallQuota quota_;
    bus::UsageSampler sampler_;
    std::optional<FdStore> fd_store_; ///< where apps outlive pmd
    KeptFds kept_fds_;
    logs::LogStore logs_;
    AccountLookup accounts_;
    channel::PathKeeper paths_;
    channel::HeldSockets sockets_;
    channel::NotifySockets notify_;
    channel::BindBroker bind_broker_;
    channel::NodeChannels node_;
    channel::QuietEnd quiet_end_;
    channel::ListeningWatch listening_;
    channel::AppChannels channels_;
    std::unique_ptr<launch::Launcher> launcher_;
    channel::ProbeWatch probes_; ///< its checks end before the launcher does
    bus::Publisher publisher_;
    StateKeeper state_;
    upkeep::Upkeep upkeep_;
    upkeep::Tidier tidier_;
    EventLog events_;
    io::InstanceTimers timers_;
    engine::Supervisor supervisor_;
    bus::Context context_;
    std::optional<io::EmbeddedBus> embedded_;
    std::unique_ptr<bus::Service> service_;

    struct Upgrade {
        UpgradeDone done;
        std::unique_ptr<Trial> trial;
        model::TimePoint since{}; ///< of the trial's success
        bool paused = false;
        io::Source timer;
    };
    std::optional<Upgrade> upgrade_;

    io::DirectoryWatch places_;
    io::Source put_back_;       ///< once in a turn, however much was removed
    io::Source put_back_again_; ///< what could not be done
    model::Milliseconds put_back_delay_{0};
    base::Fd new_lock_; ///< in the place of a file that was removed
    io::Source state_lock_asked_;

    bool ending_ = false;
    bool supervised_ = false; ///< a service manager was told that pmd is ready
    int status_ = 0;          ///< what run() returns
    std::vector<engine::Done> enders_;
    std::set<std::string> boot_names_; ///< apps of apps.d, when pmd started
    std::set<std::string> saved_; ///< names in the saved list
    model::Milliseconds reopen_delay_{0};
    std::vector<io::Source> signals_;
    io::Source reopen_;
    io::Source give_up_;
    io::Source housekeeping_;
    bool housekeeping_due_ = false;
    std::string last_status_;
    int looks_ = 0; ///< of keep_house() since the last change
};

} // namespace pm::daemon
