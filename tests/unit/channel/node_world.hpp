// SPDX-License-Identifier: Apache-2.0
// Real Node processes, started by the direct launcher through pm-exec, with their channels; what they say is recorded.
#pragma once

#include "channel/node_channels.hpp"
#include "launch/direct_launcher.hpp"

#include <functional>
#include <gtest/gtest.h>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace pm::channel::test {

using engine::ProcessKey;
using model::ClusterMode;
using model::ReadyWhen;

struct FakeStore final : SocketDepot {
    std::map<std::string, base::Fd> kept;
    void store(const std::string& name, int fd) override;
    void discard(const std::string& name) override { kept.erase(name); }
    [[nodiscard]] base::Fd recover(const std::string& name) override;
    void settle() override {}
};

struct Said {
    bool launched = false;
    bool running = false;
    bool gone = false;
    bool drained = false;
    model::ExitInfo exit;
    std::set<ReadyWhen> ready;
    std::vector<std::string> messages;
};

/// One app, "web", of which processes are started by hand.
class NodeWorld : public ::testing::Test,
                  public engine::LauncherEvents,
                  public engine::Output,
                  public engine::Sockets,
                  public engine::ChannelEvents,
                  public engine::Channels { // passes on to `channels`, which may be replaced
protected:
    NodeWorld();
    ~NodeWorld() override;
    void SetUp() override;

    /// Writes `source` as the app's program.
    void program(const std::string& source, const std::string& name = "app.js");
    ProcessKey start(std::uint32_t slot = 0);
    /// Starts one and waits until it listens.
    ProcessKey serve(std::uint32_t slot = 0);
    bool until(const std::function<bool()>& done);
    bool until_ready(ProcessKey key, ReadyWhen when = ReadyWhen::Listening);
    bool until_gone(ProcessKey key);
    /// Runs the loop while `work` runs beside it; `meanwhile` is done here.
    void beside(
        const std::function<void()>& work, const std::function<void()>& meanwhile = [] {});
    /// What the apps wrote.
    [[nodiscard]] std::string output() const;
    void make_channels();
    void kill(ProcessKey key) { launcher->kill(key); }

    void on_launching(ProcessKey) override {}
    void on_running(ProcessKey key, pid_t) override { said[key].running = true; }
    void on_main_exited(ProcessKey, const model::ExitInfo&) override {}
    void on_gone(ProcessKey key, const model::ExitInfo& exit) override;
    base::Result<engine::Stdio> open(const engine::LaunchRequest&, const model::SharedIdentity&) override;
    void resume(const engine::LaunchRequest&, const model::SharedIdentity&) override {}
    void forget(base::InstanceId) override {}
    base::Result<void> hold(const model::AppSpec&, uid_t) override { return {}; }
    void keep_only(const std::string&, std::span<const model::ListenAddress>) override {}
    void resume(const model::AppSpec&, uid_t) override {}
    base::Result<std::vector<int>> descriptors(const engine::LaunchRequest&) override { return listened; }
    void on_ready(ProcessKey key, ReadyWhen by) override { said[key].ready.insert(by); }
    void on_status(ProcessKey, std::string) override {}
    void on_more_time(ProcessKey, model::Duration) override {}
    void on_stopping(ProcessKey) override {}
    void on_drained(ProcessKey key) override { said[key].drained = true; }
    void on_unready(ProcessKey, std::string) override {}
    void on_watchdog(ProcessKey, std::string) override {}
    void on_message(ProcessKey key, const std::string& json) override { said[key].messages.push_back(json); }
    base::Result<engine::ChannelEnds> connect(const engine::LaunchRequest& request, const model::SharedIdentity& user) override
    {
        return channels->connect(request, user);
    }

    io::EventLoop loop;
    FakeStore store;
    ClusterMode mode = ClusterMode::Shared;
    bool channel = true;
    std::string drain_script;
    model::Milliseconds unheld{10'000};
    std::vector<int> listened; ///< descriptors of `listen`
    std::vector<std::string> warnings;
    std::unique_ptr<NodeChannels> channels;
    std::unique_ptr<launch::DirectLauncher> launcher;
    model::AppSpec spec;
    std::string directory;
    std::map<ProcessKey, Said> said;
    std::map<ProcessKey, engine::LaunchRequest> requests;
    std::map<std::uint32_t, std::uint64_t> generations;
};

/// One HTTP request on a connection of its own; the body, or "error: ..." .
[[nodiscard]] std::string get(std::uint16_t port);
[[nodiscard]] std::string get(const std::string& path);
[[nodiscard]] std::uint16_t free_port();
/// What is sent back for a packet.
[[nodiscard]] std::string packet(std::uint16_t port, const std::string& text);
/// A socket of somebody else's on that port.
[[nodiscard]] base::Fd listening(std::uint16_t port);
[[nodiscard]] base::Fd connected(std::uint16_t port);
[[nodiscard]] bool is_refused(std::uint16_t port);
/// A request on a connection that is kept alive; the answer with its head.
[[nodiscard]] std::string ask_again(int fd);

} // namespace pm::channel::test
