// SPDX-License-Identifier: Apache-2.0
// A broker between a real launcher with real programs and a depot that is a map.
#pragma once

#include "sockets_world.hpp"

#include "channel/bind_broker.hpp"
#include "launch/direct_launcher.hpp"

#include <algorithm>
#include <csignal>
#include <set>

namespace pm::channel::test {

using engine::ProcessKey;

class BindWorld : public ::testing::Test,
                  public engine::LauncherEvents,
                  public engine::Output,
                  public engine::Sockets,
                  public engine::ChannelEvents {
protected:
    struct Told {
        bool running = false;
        pid_t pid = 0;
        int ready = 0;
        std::optional<model::ExitInfo> gone;
        base::Fd out;
        std::string text;
    };

    BindWorld();
    ~BindWorld() override;
    void SetUp() override;
    void make_broker();

    /// The next generation of an instance of app `web` that runs `binding-server mode place`.
    ProcessKey launch(const std::string& mode, const std::string& place, std::uint32_t id = 1);
    ProcessKey launch(model::AppSpec spec, std::uint32_t id = 1);
    [[nodiscard]] static model::AppSpec server(const std::string& mode, const std::string& place);
    bool until(const std::function<bool()>& done);
    bool until_text(ProcessKey key, const std::string& wanted);
    bool until_ready(ProcessKey key);
    void kill(ProcessKey key);
    /// Who answers at the place; 0: nobody within some seconds.
    pid_t ask(const std::string& place);
    /// Asks until each of `keys` has answered.
    bool all_answer(const std::string& place, const std::vector<ProcessKey>& keys);
    const std::string& text(ProcessKey key);
    [[nodiscard]] std::string path(const std::string& name) const { return directory + "/" + name; }
    [[nodiscard]] static std::string free_port();

    void on_launching(ProcessKey) override {}
    void on_running(ProcessKey key, pid_t pid) override;
    void on_main_exited(ProcessKey, const model::ExitInfo&) override {}
    void on_gone(ProcessKey key, const model::ExitInfo& exit) override;
    base::Result<engine::Stdio> open(const engine::LaunchRequest& request, const model::SharedIdentity& user) override;
    void resume(const engine::LaunchRequest&, const model::SharedIdentity&) override {}
    void forget(base::InstanceId) override {}
    base::Result<void> hold(const model::AppSpec&, uid_t) override { return {}; }
    void keep_only(const std::string&, std::span<const model::ListenAddress>) override {}
    void resume(const model::AppSpec&, uid_t) override {}
    base::Result<std::vector<int>> descriptors(const engine::LaunchRequest&) override { return std::vector<int>(); }
    void on_ready(ProcessKey key, model::ReadyWhen by) override
    {
        EXPECT_EQ(by, model::ReadyWhen::Listening);
        ++told[key].ready;
    }
    void on_status(ProcessKey, std::string) override {}
    void on_more_time(ProcessKey, model::Duration) override {}
    void on_stopping(ProcessKey) override {}
    void on_drained(ProcessKey) override {}
    void on_unready(ProcessKey, std::string) override {}
    void on_watchdog(ProcessKey, std::string) override {}
    void on_message(ProcessKey, const std::string&) override {}

    std::string directory;
    io::EventLoop loop;
    FakeDepot depot;
    std::vector<std::string> warnings;
    std::optional<BindBroker> broker;
    base::Fd client;
    std::unique_ptr<launch::DirectLauncher> launcher;
    std::map<ProcessKey, Told> told;
    std::map<ProcessKey, engine::LaunchRequest> requests;
    std::uint32_t generation = 0;
};

} // namespace pm::channel::test
