// SPDX-License-Identifier: Apache-2.0
// A process with a message channel, and what it is to the cluster of its app.
#pragma once

#include "channel/node_link.hpp"
#include "engine/ports.hpp"

#include <map>
#include <memory>
#include <set>
#include <string>

namespace pm::channel {

struct NodeWorker;

/// Hears what a worker's link has to tell.
class NodeWorkerEvents {
public:
    virtual ~NodeWorkerEvents() = default;
    virtual void on_line(NodeWorker& worker, const NodeMessage& message, std::string_view line) = 0;
    virtual void on_end(NodeWorker& worker, bool too_long) = 0;
    virtual void on_undelivered(NodeWorker& worker, const NodeParcel& parcel) = 0;
    virtual void on_state() = 0;
};

struct NodeWorker final : NodeLinkEvents {
    NodeWorker(engine::LaunchRequest from, model::SharedIdentity whose, NodeWorkerEvents& who)
        : request(std::move(from)), user(std::move(whose)), events(who)
    {
    }
    ~NodeWorker() override
    {
        if (link) link->close();
    }
    NodeWorker(const NodeWorker&) = delete;
    NodeWorker& operator=(const NodeWorker&) = delete;

    void on_line(const NodeMessage& message, std::string_view line) override { events.on_line(*this, message, line); }
    void on_end(bool too_long) override { events.on_end(*this, too_long); }
    void on_undelivered(const NodeParcel& parcel) override { events.on_undelivered(*this, parcel); }
    void on_state() override { events.on_state(); }

    [[nodiscard]] engine::ProcessKey key() const noexcept { return request.key; }
    [[nodiscard]] const std::string& app() const noexcept { return request.spec->name; }
    [[nodiscard]] bool is_open() const noexcept { return link && link->is_open(); }
    bool post(NodeParcel parcel) const { return link && link->post(std::move(parcel)); }

    engine::LaunchRequest request;
    model::SharedIdentity user; ///< whom it runs as; null: as pmd
    NodeWorkerEvents& events;
    std::shared_ptr<NodeLink> link;
    model::ClusterMode mode = model::ClusterMode::None;
    std::uint32_t unique_id = 0; ///< NODE_UNIQUE_ID; 0: it is no worker
    bool online = false;         ///< it talks the cluster's protocol, or that of pmd-drain.cjs
    bool listens = false;
    bool dismissed = false;                  ///< it was told to go
    bool ended = false;                      ///< only what it said last is of interest
    bool complained = false;                 ///< the log knows that it talks nonsense
    bool overdid = false;                    ///< the log knows that not all of `custom` is kept
    model::CustomData custom;
    std::map<std::string, std::string> held; ///< key of a reply -> place of the socket
    std::set<std::string> addresses;         ///< where it said that it listens, for people
};

} // namespace pm::channel
