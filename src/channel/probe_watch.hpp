// SPDX-License-Identifier: Apache-2.0
// `ready: probe`: a process is checked from its start on, soon and then less often, until a check succeeds.
//
// Instances that share what they listen on answer for each other: it is the app that serves then.
#pragma once

#include "engine/ports.hpp"
#include "io/event_loop.hpp"
#include "model/health.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>

namespace pm::channel {

class ProbeWatch final : public engine::Channels {
public:
    /// What to check of an app; nothing: it has no check.
    using HealthOf = std::function<std::optional<model::HealthSpec>(const model::AppSpec& spec)>;

    ProbeWatch(io::EventLoop& loop, HealthOf health_of, std::function<void(const std::string&)> warn);
    ~ProbeWatch() override;

    /// Who hears it; it must outlive this. Before the first connect().
    void set_events(engine::ChannelEvents& events) noexcept { events_ = &events; }

    base::Result<engine::ChannelEnds> connect(const engine::LaunchRequest& request, const model::SharedIdentity& user) override;
    void reconnect(const engine::LaunchRequest& request, const model::SharedIdentity& user) override;
    void runs(engine::ProcessKey key, pid_t pid) override;
    void ended(engine::ProcessKey key) override;

private:
    struct Checked;
    void check(engine::ProcessKey key);
    void on_checked(engine::ProcessKey key, const base::Result<void>& result);

    io::EventLoop& loop_;
    HealthOf health_of_;
    std::function<void(const std::string&)> warn_;
    engine::ChannelEvents* events_ = nullptr;
    std::map<engine::ProcessKey, std::unique_ptr<Checked>> checked_; ///< those that are not ready yet
};

} // namespace pm::channel
