// SPDX-License-Identifier: Apache-2.0
// The Launcher that has systemd make the processes: each a transient service of its own in the slice of its app.
//
// They are no children of pmd: nothing that happens to pmd touches them, and a pmd that comes back takes them up again
// (adopt). systemd switches users, holds limits and sandbox, and keeps how a process ended until it was asked.
#pragma once

#include "io/event_loop.hpp"
#include "launch/launcher.hpp"

#include <functional>
#include <memory>
#include <string>

namespace pm::launch {

struct SystemdOptions {
    std::string pm_exec;  ///< absolute path of the launch helper
    std::string path;     ///< PATH of apps that declare none
    bool user = false;    ///< the user's own manager instead of the system's
    std::string earlier{}; ///< state() of the launcher in whose place this one was executed; empty: none
    /// Writes what was decided down for the next pmd. Called before systemd is asked for units or told to forget them, and before signals.
    std::function<void()> write_down{};
};

class SystemdLauncher final : public Launcher {
public:
    /// All references must outlive the launcher. `warn` gets sentences for the log.
    SystemdLauncher(io::EventLoop& loop, engine::Output& output, engine::Sockets& sockets, engine::Channels& channels, SystemdOptions options,
                    std::function<void(const std::string&)> warn);
    ~SystemdLauncher() override;

    void launch(const engine::LaunchRequest& request) override;
    void adopt(const engine::LaunchRequest& request) override;
    void terminate(engine::ProcessKey key, int signal) override;
    void kill(engine::ProcessKey key) override;
    base::Result<void> signal(engine::ProcessKey key, int signal) override;
    std::optional<model::Usage> usage(engine::ProcessKey key) override;
    std::optional<std::uint64_t> held_memory(engine::ProcessKey key) override;
    base::Result<std::vector<std::string>> environment(engine::ProcessKey key) override;
    void adjust(const engine::Adjustment& adjustment) override;
    [[nodiscard]] std::string not_enforced(const model::AppSpec&) const override { return {}; }
    void forget(base::InstanceId id, const std::string& app, bool last) override;

    void set_events(engine::LauncherEvents& events) override;
    void set_path(std::string path) override;
    void forget_accounts() override;
    void settle(std::function<void()> done) override;
    [[nodiscard]] std::unique_ptr<engine::Check> check(engine::ProcessKey key, model::Duration timeout, engine::Checked done) override;
    [[nodiscard]] std::string_view name() const noexcept override { return "systemd"; }
    [[nodiscard]] bool apps_outlive_us() const noexcept override { return true; }
    [[nodiscard]] bool owns(engine::ProcessKey key, pid_t pid) override;
    [[nodiscard]] std::vector<pid_t> members(engine::ProcessKey key) override;
    void end_unclaimed() override;
    void pause() override;
    void go_on() override;
    [[nodiscard]] bool at_rest() const override;
    [[nodiscard]] std::string state() const override;
    [[nodiscard]] std::string description() const override;

    struct Impl; ///< for the files of this launcher

private:
    std::unique_ptr<Impl> impl_;
};

} // namespace pm::launch
