// SPDX-License-Identifier: Apache-2.0
// `ready: listening` of any program: looks whether one of its processes has a socket that takes connections.
//
// Nobody tells when a program listens, so it is looked at, less and less often, and only until it does. Sockets that the
// process was given (`listen`) count: their connections wait for it from the start. Of processes that an earlier pmd launched, those of
// clusters without `ready` are looked at, too: who was to be told of their listening (bind_broker, node_channels) may have missed it.
#pragma once

#include "engine/ports.hpp"
#include "io/event_loop.hpp"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace pm::channel {

class ListeningWatch final : public engine::Channels {
public:
    /// The living processes of `key`, as its launcher knows them.
    using Members = std::function<std::vector<pid_t>(engine::ProcessKey key)>;

    /// `told_by_others`: apps whose listening others tell of, while pmd is there.
    ListeningWatch(io::EventLoop& loop, Members members, std::function<void(const std::string&)> warn,
                   std::function<bool(const model::AppSpec&)> told_by_others = {});

    /// Who hears it; it must outlive this. Before the first connect().
    void set_events(engine::ChannelEvents& events) noexcept { events_ = &events; }

    base::Result<engine::ChannelEnds> connect(const engine::LaunchRequest& request, const model::SharedIdentity& user) override;
    void reconnect(const engine::LaunchRequest& request, const model::SharedIdentity& user) override;
    void runs(engine::ProcessKey key, pid_t pid) override;
    void ended(engine::ProcessKey key) override { waiting_.erase(key); }

private:
    struct Waiting {
        model::Duration listen_timeout{};
        bool must = true; ///< else it is looked at for listen_timeout only
        pid_t pid = 0;
        model::TimePoint since{};
        model::Duration interval{};
        io::Source timer{};
    };
    void look(engine::ProcessKey key);
    [[nodiscard]] bool listens(engine::ProcessKey key, pid_t main) const;

    io::EventLoop& loop_;
    Members members_;
    std::function<void(const std::string&)> warn_;
    std::function<bool(const model::AppSpec&)> told_by_others_;
    engine::ChannelEvents* events_ = nullptr;
    std::map<engine::ProcessKey, Waiting> waiting_;
};

} // namespace pm::channel
