// SPDX-License-Identifier: Apache-2.0
// How channels outlive pmd: what is kept, and how a later one goes on with it.
#include "channel/node_channels.hpp"

#include <cstring>
#include <fmt/format.h>
#include <utility>

namespace pm::channel {
namespace {

constexpr const char* kStateName = "node-state";

} // namespace

std::string NodeChannels::stored_name(engine::ProcessKey key)
{
    return fmt::format("node-{}.{}", key.id.value, key.generation.value);
}

void NodeChannels::set_depot(SocketDepot& depot, Saving saving)
{
    depot_ = &depot;
    saving_ = saving;
    cluster_.sockets().set_depot(depot);
    kept_.emplace(depot, kStateName);
    NodeState earlier = state_from(kept_->read());
    last_id_ = earlier.last_id;
    for (ClusterSocket& socket : earlier.sockets) cluster_.recover(std::move(socket));
    for (KeptWorker& worker : earlier.workers) earlier_[worker.key] = std::move(worker);
}

void NodeChannels::reconnect(const engine::LaunchRequest& request, const model::SharedIdentity& user)
{
    auto found = earlier_.extract(request.key);
    base::Fd fd = depot_ != nullptr && found ? depot_->recover(stored_name(request.key)) : base::Fd();
    if (!fd) return;
    auto worker = std::make_shared<NodeWorker>(request, user, *this);
    worker->mode = options_.cluster_of(*request.spec);
    take_up(*worker, found.mapped());
    (void)attach(std::move(worker), std::move(fd), std::move(found.mapped().link));
}

void NodeChannels::take_up(NodeWorker& worker, KeptWorker& kept)
{
    worker.unique_id = kept.unique_id;
    worker.online = kept.online;
    worker.listens = kept.listens;
    worker.dismissed = kept.dismissed;
    worker.addresses = std::move(kept.addresses);
    worker.custom.actions = std::move(kept.actions);
    for (auto& [key, place] : kept.held) {
        ClusterSocket* socket = cluster_.sockets().find(worker.app(), place);
        if (socket == nullptr) continue;
        socket->holders.insert(worker.key());
        socket->unheld_since.reset();
        worker.held.emplace(key, place);
        const std::string stored = ClusterSockets::stored_name(worker.app(), place);
        for (NodeParcel& parcel : kept.link.queue)
            if (parcel.stored == stored) parcel.fd = socket->fd;
    }
}

NodeState NodeChannels::state() const
{
    NodeState state{.last_id = last_id_};
    for (const auto& [key, worker] : workers_)
        if (worker->is_open())
            state.workers.push_back({key, worker->unique_id, worker->online, worker->listens, worker->dismissed, worker->held,
                                     worker->addresses, worker->custom.actions, worker->link->state()});
    for (const auto& [app, list] : cluster_.sockets().all())
        for (const ClusterSocket& socket : list) state.sockets.push_back(socket);
    return state;
}

void NodeChannels::on_state()
{
    if (depot_ == nullptr || saving_ == Saving::Asked || std::exchange(save_due_, true)) return;
    saver_.set_enabled(true);
}

void NodeChannels::save()
{
    save_due_ = false;
    if (!kept_) return;
    const int error = kept_->write(to_bytes(state()));
    if (error != 0 && !std::exchange(save_failed_, true))
        warn_(fmt::format("keeping what a restarted pmd must know of message channels: {}", std::strerror(error)));
}

} // namespace pm::channel
