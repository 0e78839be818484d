// SPDX-License-Identifier: Apache-2.0
// The inside of DirectLauncher: the table of generations and the sources that move them on.
//
// Callbacks of one generation may end it, and what they tell the engine may start another: telling is always the last
// thing a function does with a generation.
#pragma once

#include "launch/process/accounts.hpp"
#include "launch/process/decisions.hpp"
#include "launch/process/earlier.hpp"
#include "launch/direct/cgroups.hpp"
#include "launch/direct/family.hpp"
#include "launch/direct/generation.hpp"
#include "launch/direct/launch_journal.hpp"
#include "launch/direct/launch_queue.hpp"
#include "launch/direct/spawn.hpp"
#include "launch/direct_launcher.hpp"

#include <csignal>
#include <list>
#include <set>
#include <unordered_map>
#include <utility>

namespace pm::launch {

class DirectCheck;

/// How it ended, as waitid(2) tells.
[[nodiscard]] model::ExitInfo to_exit(const siginfo_t& info);

struct DirectLauncher::Impl {
    Impl(io::EventLoop& loop, engine::Output& output, engine::Sockets& sockets, engine::Channels& channels, DirectOptions options,
         std::function<void(const std::string&)> warn);

    // launching.cpp
    void launch(const engine::LaunchRequest& request);
    void launch_from_line();
    void carry_out(Generation& generation);
    bool drop_from_line(Generation& generation, int signal);
    std::optional<model::ExitInfo> start(Generation& generation);
    std::optional<model::ExitInfo> run_pm_exec(Generation& generation, const engine::Stdio& stdio, base::Fd in);
    void set_limits(const Generation& generation, const policy::Properties& properties);
    void adjust(const engine::Adjustment& adjustment);
    std::optional<model::ExitInfo> watch(Generation& generation);
    void on_orders(Generation& generation, std::uint32_t events);
    Talk::Heard read_answer(Generation& generation);
    void became_running(Generation& generation);

    // ending.cpp
    void on_main(Generation& generation);
    void main_ended(Generation& generation, const siginfo_t& info);
    void check_leftovers(Generation& generation);
    enum class Left { Nothing, Perhaps, Something };
    Left left(Generation& generation);
    void check_all_leftovers();
    void watch_leftovers(Generation& generation);
    void finish(Generation& generation);
    void reap();
    void linger(const std::string& leaf);

    // checking.cpp
    void end_checks(const std::string& why);

    // handing_over.cpp
    [[nodiscard]] bool at_rest() const;
    [[nodiscard]] std::string state() const;
    void read_earlier();
    void adopt(const engine::LaunchRequest& request);
    bool take_up(Generation& generation, Earlier& earlier);
    bool take_up_foreign(Generation& generation);
    bool watch_earlier(Generation& generation);
    void tell_adopted();
    void tell_adopted(Generation& generation);

    // recovering.cpp
    [[nodiscard]] std::string trace(std::span<const engine::ProcessKey> keys);
    void recover(const std::string& trace);
    void note_launch(Generation& generation);
    void note_launch(const LaunchJournal::Entry& entry);
    void note_end();
    void end_unclaimed();
    [[nodiscard]] std::string seen_from_beside(const std::string& leaf) const;
    [[nodiscard]] std::optional<ProcessInfo> recovered(engine::ProcessKey key) const;

    // signalling.cpp
    void signal_all(Generation& generation, int signal);
    std::vector<ProcessInfo> escaped(Generation& generation);
    bool signal_cgroup_once(Generation& generation, int signal, std::map<pid_t, std::uint64_t>& done);
    bool signal_family_once(Generation& generation, int signal, std::map<pid_t, std::uint64_t>& done);
    std::optional<model::Usage> usage(Generation& generation);

    Generation* find(engine::ProcessKey key);
    void defer_gone(engine::ProcessKey key, model::ExitInfo exit);
    void run_deferred();

    io::EventLoop& loop_;
    engine::Output& output_;
    engine::Sockets& sockets_;
    engine::Channels& channels_;
    DirectOptions options_;
    std::function<void(const std::string&)> warn_;
    engine::LauncherEvents* events_ = nullptr;

    AccountFiles account_files_;
    NameService name_service_;
    Accounts accounts_{account_files_, name_service_};
    std::optional<Cgroups> cgroups_;
    std::string no_root_;
    std::map<engine::ProcessKey, std::unique_ptr<Generation>> generations_;
    std::unordered_map<pid_t, Generation*> mains_; ///< not yet reaped
    std::unordered_map<pid_t, DirectCheck*> checks_; ///< not yet reaped
    std::set<engine::ProcessKey> waiting_;         ///< main ended, adopted processes of its family have not
    Family family_;

    struct Lingering {
        std::string leaf;
        Watched emptiness;
    };
    std::list<Lingering> lingering_; ///< leaves of processes that were spared (KillMode::Main), and of dead pmds

    std::vector<std::pair<engine::ProcessKey, model::ExitInfo>> failed_;
    std::vector<engine::ProcessKey> begun_;         ///< launches that stood in line, or did not; to be told
    std::map<engine::ProcessKey, Earlier> earlier_; ///< of the pmd before, not yet asked for
    std::vector<engine::ProcessKey> adopted_;       ///< to be told
    bool paused_ = false;
    bool reap_again_ = false;
    LaunchJournal journal_;
    bool journal_complained_ = false;
    bool claims_known_ = true; ///< every trace could be read
    Decisions decisions_;
    LaunchQueue line_;
    io::Source line_turn_;
    io::Source deferred_;
    io::Source ask_again_; ///< armed while it cannot be told whether something is left
    io::Source children_;
};

/// What another launcher needs to know of it.
[[nodiscard]] Earlier left_as(const Generation& generation);

} // namespace pm::launch
