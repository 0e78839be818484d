// SPDX-License-Identifier: Apache-2.0
// The Launcher that makes processes itself: children of pmd, each in its own session, and in its own cgroup where a
// writable cgroup2 tree exists.
#pragma once

#include "io/event_loop.hpp"
#include "launch/launcher.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace pm::launch {

struct DirectOptions {
    std::string pm_exec;                 ///< absolute path of the launch helper
    bool cgroups = true;                 ///< use a writable cgroup2 subtree if there is one
    std::string path;                    ///< PATH of apps that declare none
    /// RLIMIT_NOFILE of apps that declare none: what pmd began with, if it raised its own (one pidfd and two log pipes
    /// per process). Unset: apps inherit pmd's. select(2) programs break above 1024.
    std::optional<model::ResourceLimit> nofile;
    std::string journal;                 ///< LaunchJournal, in a directory that is there; empty: a killed pmd may leave what nobody knows
    std::string earlier;                 ///< state() of the launcher in whose place this one was executed; empty: none
    std::function<void()> write_down{};  ///< writes what was decided down for the next pmd; called before signals
};

class DirectLauncher final : public Launcher {
public:
    /// Makes this process a subreaper, and its own cgroup subtree when it can. `events` hears the answers, never from
    /// inside a call of this class. All references must outlive the launcher. `warn` gets sentences for the log.
    DirectLauncher(io::EventLoop& loop, engine::Output& output, engine::Sockets& sockets, engine::Channels& channels, DirectOptions options,
                   std::function<void(const std::string&)> warn);
    ~DirectLauncher() override;

    void launch(const engine::LaunchRequest& request) override;
    void adopt(const engine::LaunchRequest& request) override;
    void terminate(engine::ProcessKey key, int signal) override;
    void kill(engine::ProcessKey key) override;
    base::Result<void> signal(engine::ProcessKey key, int signal) override;
    std::optional<model::Usage> usage(engine::ProcessKey key) override;
    std::optional<std::uint64_t> held_memory(engine::ProcessKey key) override;
    base::Result<std::vector<std::string>> environment(engine::ProcessKey key) override;
    void adjust(const engine::Adjustment& adjustment) override;
    std::string not_enforced(const model::AppSpec& spec) const override;
    void forget(base::InstanceId id, const std::string& app, bool last) override;

    void set_events(engine::LauncherEvents& events) override;
    void set_path(std::string path) override;
    void forget_accounts() override;
    void settle(std::function<void()> done) override { done(); }
    [[nodiscard]] std::string_view name() const noexcept override { return "direct"; }
    [[nodiscard]] bool apps_outlive_us() const noexcept override { return false; }
    [[nodiscard]] bool owns(engine::ProcessKey key, pid_t pid) override;
    [[nodiscard]] std::vector<pid_t> members(engine::ProcessKey key) override;
    [[nodiscard]] std::unique_ptr<engine::Check> check(engine::ProcessKey key, model::Duration timeout, engine::Checked done) override;
    void pause() override;
    void go_on() override;
    [[nodiscard]] bool at_rest() const override;
    [[nodiscard]] std::string state() const override;
    [[nodiscard]] std::string trace(std::span<const engine::ProcessKey> keys) override;
    void recover(const std::string& trace) override;
    void end_unclaimed() override;
    [[nodiscard]] base::Fd descriptor_of(engine::ProcessKey key, int number) override;
    [[nodiscard]] base::Fd output_of(engine::ProcessKey key, int number) override;
    [[nodiscard]] std::string description() const override;
    /// The cgroup directory processes are placed under; empty when process trees are followed instead.
    [[nodiscard]] const std::string& cgroup_root() const;

    struct Impl; ///< for the files of this launcher

private:
    std::unique_ptr<Impl> impl_;
};

} // namespace pm::launch
