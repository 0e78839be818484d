// SPDX-License-Identifier: Apache-2.0
// A launcher on a real loop with real processes; waiting is always for an event, with a deadline as the way to fail.
#pragma once

#include "channel/app_channels.hpp"
#include "launch/direct_launcher.hpp"
#include "launch/process/earlier.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>

namespace pm::launch::test {

struct Told {
    int launching = 0;
    int running = 0;
    pid_t pid = 0;
    std::optional<model::ExitInfo> main_exit;
    std::optional<model::ExitInfo> gone;
    int gone_count = 0;
    base::Fd out; ///< read end of stdout and stderr
    std::string text;
};

/// A pmd that only wants to hear of bind().
class FilterChannels final : public engine::Channels {
public:
    base::Result<engine::ChannelEnds> connect(const engine::LaunchRequest&, const model::SharedIdentity&) override
    {
        engine::ChannelEnds ends;
        ends.bind_notifications = wanted;
        return ends;
    }
    void take_filter(engine::ProcessKey key, base::Fd& listener) override { listeners[key] = std::move(listener); }

    bool wanted = false;
    std::map<engine::ProcessKey, base::Fd> listeners;
};

class World : public engine::LauncherEvents, public engine::Output, public engine::Sockets {
public:
    explicit World(bool cgroups);
    ~World() override;

    engine::ProcessKey launch(const model::AppSpec& spec);
    /// As if another pmd had been executed in the place of this one: a new launcher, which adopts what is not gone.
    void replace_launcher();
    /// As if a pmd that was killed had only written down of `key` what `alter` makes of it; its process is adopted.
    void recover(engine::ProcessKey key, const std::function<void(Earlier&)>& alter);
    /// Runs the loop until `done` holds; false after 20 s.
    bool until(const std::function<bool()>& done);
    bool until_running(engine::ProcessKey key);
    bool until_gone(engine::ProcessKey key);
    /// Runs the app to its end and returns how that was told.
    model::ExitInfo run(const model::AppSpec& spec, std::string* text = nullptr);
    /// What the app has written so far.
    const std::string& text(engine::ProcessKey key);
    /// Waits for a whole line and returns all lines.
    bool until_text(engine::ProcessKey key, const std::string& wanted);

    Told& told(engine::ProcessKey key) { return told_[key]; }
    [[nodiscard]] std::string path(const std::string& name) const { return directory_ + "/" + name; }
    std::string write(const std::string& name, const std::string& content, int mode = 0755);

    void on_launching(engine::ProcessKey key) override { ++told_[key].launching; }
    void on_running(engine::ProcessKey key, pid_t pid) override;
    void on_main_exited(engine::ProcessKey key, const model::ExitInfo& exit) override;
    void on_gone(engine::ProcessKey key, const model::ExitInfo& exit) override;
    base::Result<engine::Stdio> open(const engine::LaunchRequest& request, const model::SharedIdentity& user) override;
    void resume(const engine::LaunchRequest&, const model::SharedIdentity&) override {}
    base::Result<void> hold(const model::AppSpec&, uid_t) override { return {}; }
    void keep_only(const std::string&, std::span<const model::ListenAddress>) override {}
    void resume(const model::AppSpec&, uid_t) override {}
    base::Result<std::vector<int>> descriptors(const engine::LaunchRequest&) override
    {
        if (!sockets_fault.empty()) return base::fail(base::ErrorCode::ListenFailed, sockets_fault);
        return sockets;
    }
    void forget(base::InstanceId id) override { forgotten.push_back(id); }

    io::EventLoop loop;
    FilterChannels filters;
    channel::AppChannels channels; ///< filters, and what a test adds
    std::unique_ptr<DirectLauncher> launcher;
    std::vector<std::string> warnings;
    std::vector<base::InstanceId> forgotten;
    std::vector<int> sockets; ///< what an app that listens is given
    std::string sockets_fault;
    bool null_output = false;
    bool several = false;

private:
    void make_launcher(std::string earlier);

    bool cgroups_;
    std::map<engine::ProcessKey, engine::LaunchRequest> requests_;
    std::string directory_;
    std::map<engine::ProcessKey, Told> told_;
    std::uint32_t last_id_ = 0;
};

/// An app that runs `script` (with "#!") directly.
[[nodiscard]] model::AppSpec spec_of(std::string script, std::vector<std::string> args = {});
/// An app that runs a line of /bin/sh.
[[nodiscard]] model::AppSpec shell(std::string line);
[[nodiscard]] bool is_alive(pid_t pid);
/// Numbers in `text`, in order.
[[nodiscard]] std::vector<pid_t> numbers(const std::string& text);
[[nodiscard]] std::size_t open_fds();

/// Each test runs with cgroups (where this machine gives them) and without.
class Launching : public testing::TestWithParam<bool> {
protected:
    void SetUp() override;
    World world{GetParam()};
};

} // namespace pm::launch::test
