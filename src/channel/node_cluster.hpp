// SPDX-License-Identifier: Apache-2.0
// The primary of Node's cluster protocol: workers ask it for what their programs listen on.
//
// A socket is opened for the first worker that asks and given to all that come later, whatever process they replace. It is
// closed when the app rests; when the program itself closed it everywhere; and when nobody took it up again, some time
// after the last worker that had it went, while others of the app serve: a new version has dropped it.
#pragma once

#include "channel/cluster_sockets.hpp"
#include "channel/node_turns.hpp"
#include "channel/node_worker.hpp"

#include <map>
#include <vector>

namespace pm::channel {

class NodeCluster {
public:
    /// `listened`: whoever has the sockets of `listen`. `unheld`: how long a socket without holders waits for a new one, while
    /// others of its app serve. `changed` is called when what is kept for a later pmd has changed.
    NodeCluster(io::EventLoop& loop, engine::Sockets& listened, model::Milliseconds unheld, std::function<void()> changed);

    void joined(NodeWorker& worker) { workers_[worker.key()] = &worker; }
    /// Its channel has ended: it lets go of everything.
    void left(NodeWorker& worker);
    void on_query(NodeWorker& worker, const ServerQuery& query);
    void on_listening(NodeWorker& worker, const ServerQuery& where);
    void on_close(NodeWorker& worker, const std::string& key);
    void on_leaving(NodeWorker& worker, std::int64_t seq);
    void on_answer(NodeWorker& worker, const NodeMessage& message);
    void on_undelivered(NodeWorker& worker, const NodeParcel& parcel);
    /// False: it does not talk the protocol.
    bool dismiss(NodeWorker& worker);
    void rests(const std::string& app);

    [[nodiscard]] NodeTurns& turns() noexcept { return turns_; }
    [[nodiscard]] const NodeTurns& turns() const noexcept { return turns_; }
    [[nodiscard]] ClusterSockets& sockets() noexcept { return sockets_; }
    [[nodiscard]] const ClusterSockets& sockets() const noexcept { return sockets_; }
    /// Goes on with a socket that an earlier pmd kept; its holders join later.
    void recover(ClusterSocket socket);

private:
    [[nodiscard]] tl::expected<ClusterSocket*, int> socket_for(const NodeWorker& worker, const ServerQuery& query);
    [[nodiscard]] tl::expected<base::Fd, int> listened_socket(const NodeWorker& worker, int number);
    void give(NodeWorker& worker, const ServerQuery& query, ClusterSocket& socket);
    void refuse(NodeWorker& worker, std::int64_t answered, const std::string& key, int error);
    void release(const NodeWorker& worker, const std::string& place, bool on_purpose);
    void close(const std::string& app, const std::string& place);
    [[nodiscard]] std::vector<NodeTurns::Candidate> candidates(const std::string& app, const std::string& place);
    void sweep();
    void sweep_later();
    [[nodiscard]] bool serves(const std::string& app) const;

    io::EventLoop& loop_;
    engine::Sockets& listened_;
    model::Milliseconds unheld_;
    std::function<void()> changed_;
    ClusterSockets sockets_;
    std::int64_t last_seq_;
    NodeTurns turns_;
    std::map<engine::ProcessKey, NodeWorker*> workers_;
    io::Source sweeper_;
    bool sweep_due_ = false;
};

} // namespace pm::channel
