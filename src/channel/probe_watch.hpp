// SPDX-License-Identifier: Apache-2.0
// `ready: probe`: a process is checked from its start on, soon and then less often, until a check succeeds or its time is over.
//
// Who asks at an address cannot see which process answers: those that share what they listen on answer for each other.
// A command is run by the launcher, as a process of the app.
#pragma once

#include "engine/ports.hpp"
#include "io/event_loop.hpp"

#include <functional>
#include <map>
#include <memory>

namespace pm::channel {

class ProbeWatch final : public engine::Channels {
public:
    /// Runs the command of a check for a process; engine::Check has the rules.
    using RunCommand = std::function<std::unique_ptr<engine::Check>(engine::ProcessKey key, model::Duration timeout, engine::Checked done)>;

    ProbeWatch(io::EventLoop& loop, RunCommand run_command, std::function<void(const std::string&)> warn);
    ~ProbeWatch() override;

    /// Who hears it; it must outlive this. Before the first connect().
    void set_events(engine::ChannelEvents& events) noexcept { events_ = &events; }

    base::Result<engine::ChannelEnds> connect(const engine::LaunchRequest& request, const model::SharedIdentity& user) override;
    void reconnect(const engine::LaunchRequest& request, const model::SharedIdentity& user) override;
    void runs(engine::ProcessKey key, pid_t pid) override;
    void ended(engine::ProcessKey key) override;

private:
    struct Watched;
    void check(engine::ProcessKey key);
    void on_checked(engine::ProcessKey key, const base::Result<void>& result);

    io::EventLoop& loop_;
    RunCommand run_command_;
    std::function<void(const std::string&)> warn_;
    engine::ChannelEvents* events_ = nullptr;
    std::map<engine::ProcessKey, std::unique_ptr<Watched>> watched_; ///< those that are not ready yet
};

} // namespace pm::channel
