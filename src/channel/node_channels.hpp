// SPDX-License-Identifier: Apache-2.0
// The message channel of Node's processes (of bun and deno too), and with it Node's cluster, whose primary pmd is.
//
// A process that is a worker of a cluster learns it by NODE_UNIQUE_ID and asks for what it listens on. Others have the
// channel alone: process.send() and 'message', as with PM2.
#pragma once

#include "channel/kept_bytes.hpp"
#include "channel/node_cluster.hpp"
#include "channel/node_state.hpp"
#include "channel/node_triggers.hpp"
#include "channel/node_worker.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>

namespace pm::channel {

struct NodeOptions {
    std::function<model::ClusterMode(const model::AppSpec&)> cluster_of;
    std::function<bool(const model::AppSpec&)> has_channel;
    std::string drain_script;           ///< pmd-drain.cjs, absolute; empty or not there: workers drain as well as Node does it
    model::Milliseconds unheld{10'000}; ///< a socket that no worker has waits so long for one, while others serve
};

class NodeChannels final : public engine::Channels, public NodeWorkerEvents {
public:
    /// When the depot gets what the next pmd needs: with every change, as pmd may die, or when save() is called.
    enum class Saving { Always, Asked };

    /// `listened`: who has the sockets of `listen`. `warn` gets sentences for the log.
    NodeChannels(io::EventLoop& loop, engine::Sockets& listened, NodeOptions options,
                 std::function<void(const std::string&)> warn);
    ~NodeChannels() override;
    NodeChannels(const NodeChannels&) = delete;
    NodeChannels& operator=(const NodeChannels&) = delete;

    /// Both must outlive this. Before anything is launched.
    void set_events(engine::ChannelEvents& events) noexcept { told_ = &events; }
    /// Takes up what an earlier pmd kept there, as soon as its processes are adopted. Without, channels end with pmd.
    void set_depot(SocketDepot& depot, Saving saving = Saving::Always);
    /// Accepts no more connections for workers, so that none is with us: before another pmd is executed in our place.
    void pause() { cluster_.turns().pause(true); }
    void go_on() { cluster_.turns().pause(false); }
    [[nodiscard]] bool at_rest() const { return cluster_.turns().at_rest(); }
    /// Writes what the next pmd needs to the depot, now.
    void save();

    base::Result<engine::ChannelEnds> connect(const engine::LaunchRequest& request, const model::SharedIdentity& user) override;
    void reconnect(const engine::LaunchRequest& request, const model::SharedIdentity& user) override;
    bool dismiss(engine::ProcessKey key) override;
    bool send_shutdown(engine::ProcessKey key) override;
    base::Result<void> send(engine::ProcessKey key, std::string_view json) override;
    base::Result<void> trigger(engine::ProcessKey key, const engine::TriggerRequest& request, engine::Triggered answered) override;
    [[nodiscard]] const model::CustomData* custom_data(engine::ProcessKey key) const override;
    void ended(engine::ProcessKey key) override;
    void rests(const std::string& app) override;
    [[nodiscard]] std::vector<std::string> addresses(const std::string& app) const override;

    void on_line(NodeWorker& worker, const NodeMessage& message, std::string_view line) override;
    void on_end(NodeWorker& worker, bool too_long) override;
    void on_undelivered(NodeWorker& worker, const NodeParcel& parcel) override { cluster_.on_undelivered(worker, parcel); }
    void on_state() override;

private:
    base::Result<void> attach(std::shared_ptr<NodeWorker> worker, base::Fd fd, NodeLink::State state);
    void let_go(NodeWorker& worker);
    void hear_last_words();
    [[nodiscard]] bool drain(NodeWorker& worker);
    void on_serves(NodeWorker& worker);
    [[nodiscard]] bool on_custom(NodeWorker& worker, const NodeMessage& message, std::string_view line);
    void on_cluster(NodeWorker& worker, const NodeMessage& message);
    void complain(NodeWorker& worker, const char* what);
    [[nodiscard]] NodeWorker* find(engine::ProcessKey key) const;
    [[nodiscard]] bool wants_drain_script(const model::AppSpec& spec) const;
    [[nodiscard]] engine::ChannelEnds ends_for(const NodeWorker& worker, base::Fd theirs) const;
    /// The name under which the depot has the channel of a process.
    [[nodiscard]] static std::string stored_name(engine::ProcessKey key);
    void take_up(NodeWorker& worker, KeptWorker& kept);
    [[nodiscard]] NodeState state() const;

    io::EventLoop& loop_;
    NodeOptions options_;
    std::function<void(const std::string&)> warn_;
    engine::ChannelEvents* told_ = nullptr;
    SocketDepot* depot_ = nullptr;
    Saving saving_ = Saving::Always;
    std::optional<KeptBytes> kept_;
    std::map<engine::ProcessKey, KeptWorker> earlier_; ///< of an earlier pmd, not adopted yet
    std::uint32_t last_id_ = 0;
    NodeCluster cluster_;
    NodeTriggers triggers_;
    std::map<engine::ProcessKey, std::shared_ptr<NodeWorker>> workers_;
    std::vector<std::shared_ptr<NodeWorker>> ended_; ///< what they said last is read when the loop turns
    io::Source listener_;
    io::Source saver_;
    bool save_due_ = false;
    bool save_failed_ = false; ///< the log knows
};

} // namespace pm::channel
