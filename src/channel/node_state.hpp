// SPDX-License-Identifier: Apache-2.0
// What a later pmd must know, beside the open sockets themselves, to go on with channels in the middle of the talk. Pure.
#pragma once

#include "channel/cluster_sockets.hpp"
#include "channel/node_worker.hpp"

#include <list>
#include <string>
#include <string_view>
#include <vector>

namespace pm::channel {

/// Of a NodeWorker.
struct KeptWorker {
    engine::ProcessKey key;
    std::uint32_t unique_id = 0;
    bool online = false;
    bool listens = false;
    bool dismissed = false;
    std::map<std::string, std::string> held;
    std::set<std::string> addresses;
    std::map<std::string, model::CustomAction> actions; ///< announced once; metrics are told again and again
    NodeLink::State link; ///< its parcels are without their sockets: `stored` names them
};

struct NodeState {
    std::uint32_t last_id = 0; ///< of NODE_UNIQUE_ID
    std::vector<KeptWorker> workers;
    std::list<ClusterSocket> sockets; ///< without the open ones and their holders
};

[[nodiscard]] std::string to_bytes(const NodeState& state);
/// What cannot be understood is left out.
[[nodiscard]] NodeState state_from(std::string_view bytes);

} // namespace pm::channel
