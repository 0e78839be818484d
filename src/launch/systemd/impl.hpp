// SPDX-License-Identifier: Apache-2.0
// The inside of SystemdLauncher: the table of processes and what moves them on.
//
// pm-exec's greeting tells the pid, the end of its talk that the app runs, a pidfd that it ended, and only then is systemd
// asked how: so an idle pmd is woken by nothing but its own apps, not by every change of every unit of the machine.
// Telling the engine may start another process: it is always the last thing a function does with one.
#pragma once

#include "launch/process/accounts.hpp"
#include "launch/process/decisions.hpp"
#include "launch/systemd/manager_bus.hpp"
#include "launch/systemd/unit_process.hpp"
#include "launch/systemd_launcher.hpp"
#include "policy/unit_properties.hpp"

#include <map>
#include <memory>
#include <set>
#include <unordered_map>
#include <utility>

namespace pm::launch {

class UnitCheck;

struct SystemdLauncher::Impl {
    using Process = std::shared_ptr<UnitProcess>;
    using Later = std::weak_ptr<UnitProcess>; ///< what an answer is about, if that is still there

    Impl(io::EventLoop& loop, engine::Output& output, engine::Sockets& sockets, engine::Channels& channels, SystemdOptions options,
         std::function<void(const std::string&)> warn);

    // launching.cpp
    void launch(const engine::LaunchRequest& request);
    Process add(const engine::LaunchRequest& request);
    std::optional<model::ExitInfo> prepare(const Process& process);
    void begin(const Process& process);
    std::optional<model::ExitInfo> request_unit(const Process& process);
    void prepare_slice(const model::AppSpec& spec);
    void start_slice(const std::string& slice, const model::AppSpec& spec);
    void change(const std::string& unit, const policy::Properties& properties);
    void adjust(const engine::Adjustment& adjustment);
    void on_requested(const Process& process, const ManagerBus::Answer& answer);
    void refuse(const Process& process, const std::string& why, int code = 0);
    void on_job_removed(const std::string& unit, const std::string& result, const std::string& job);
    void on_talk(UnitProcess& process, std::uint32_t events);
    void read_talk(UnitProcess& process);
    bool watch_main(UnitProcess& process, pid_t pid, std::string cgroup);
    void became_running(UnitProcess& process);

    // checking.cpp
    /// True when `unit` is that of a check.
    bool on_check_done(const std::string& unit, const std::string& result);

    // handing_over.cpp
    void read_earlier();
    /// True when the process was still waiting for its launch, and will not be launched.
    bool drop_held(engine::ProcessKey key, int signal);

    // adopting.cpp
    void on_connected();
    void adopt(const engine::LaunchRequest& request);
    void on_recognised(UnitProcess& process, const UnitResult& result);
    void launch_anew(UnitProcess& process);

    // sweeping.cpp
    void sweep();
    void on_listed(const ManagerBus::Answer& answer);
    void judge_unknown(const std::string& unit, bool over);
    void judge_slice(const std::string& slice);
    void swept();
    /// Tells whether the unit is one that a pmd made for the app of its name; false also when it cannot be told.
    void ask_whose(const std::string& unit, std::function<void(bool ours)> answered);
    const std::string* in_the_way_of(const UnitProcess& process) const;
    void release(const std::string& unit);
    void stop_and_forget(const std::string& unit);
    void on_released(const std::string& unit);

    // ending.cpp
    void on_main(UnitProcess& process);
    void ask_how(UnitProcess& process);
    void on_told_how(UnitProcess& process, const UnitResult& result);
    void ask_whether_there(UnitProcess& process);
    void ask_again(UnitProcess& process);
    void ask_after(UnitProcess& process, std::chrono::milliseconds delay);
    void ask(const Process& process, std::function<void(UnitProcess&, const std::optional<UnitResult>&)> answered);
    void ended(UnitProcess& process, model::ExitInfo exit);
    void check_leftovers(UnitProcess& process);
    void finish(UnitProcess& process);
    void signal_all(UnitProcess& process, int signal);
    void signal_escaped(UnitProcess& process, int signal);
    void tell_escaped(const UnitProcess& process);
    void drop(UnitProcess& process, int signal);
    std::optional<model::Usage> usage(const UnitProcess& process) const;
    void forget(base::InstanceId id, const std::string& app, bool last);

    Process find(engine::ProcessKey key) const;
    void stop_unit(const std::string& unit);
    void tell_unit(const char* method, const std::string& unit);
    void defer_gone(engine::ProcessKey key, model::ExitInfo exit);

    io::EventLoop& loop_;
    engine::Output& output_;
    engine::Sockets& sockets_;
    engine::Channels& channels_;
    SystemdOptions options_;
    std::function<void(const std::string&)> warn_;
    engine::LauncherEvents* events_ = nullptr;

    AccountFiles account_files_;
    NameService name_service_;
    Accounts accounts_{account_files_, name_service_};
    std::map<engine::ProcessKey, Process> processes_;
    std::unordered_map<std::string, UnitProcess*> starting_; ///< by unit: whose start job is not known to be done
    std::unordered_map<std::string, UnitCheck*> checks_;     ///< by unit
    std::uint64_t checks_made_ = 0;
    /// Units that are being released, by the job that stops them (empty: not told yet), and who waits for that.
    struct Release {
        std::string job;
        std::vector<Later> next;
    };
    std::unordered_map<std::string, Release> releasing_;
    std::map<std::string, std::set<std::string>> strays_; ///< units that run and nobody knows, by app (escaped): being released
    int unanswered_ = 0;             ///< questions of the sweep
    std::vector<Later> after_sweep_; ///< launches that wait for it
    bool all_claimed_ = false;       ///< end_unclaimed()
    Decisions decisions_;
    std::set<std::string> slices_; ///< of apps that had a process
    std::map<std::string, model::ResourceControl> limited_; ///< slices that were given limits, and which
    std::vector<std::pair<engine::ProcessKey, model::ExitInfo>> failed_;
    io::Source deferred_;
    bool paused_ = false;
    std::map<engine::ProcessKey, engine::LaunchRequest> held_; ///< to be launched when the pause ends
    std::set<engine::ProcessKey> held_earlier_; ///< by the launcher before, not yet asked for
    ManagerBus bus_;
};

} // namespace pm::launch
