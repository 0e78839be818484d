// SPDX-License-Identifier: Apache-2.0
// From a request to the bytes that pm-exec obeys.
#pragma once

#include "engine/ports.hpp"
#include "launch/process/accounts.hpp"

#include <string>
#include <vector>

namespace pm::launch {

/// What the launcher knows beside the request.
struct OrderContext {
    const Account& account;
    bool out_is_null = false;
    bool err_is_null = false;
    const std::string& default_path; ///< PATH when the spec declares none
    const std::optional<model::ResourceLimit>& nofile; ///< RLIMIT_NOFILE when the spec declares none
    const engine::ChannelEnds& channel;
    bool in_unit = false; ///< user, groups, limits, umask, nice and oom score are the unit's, whose manager sets them
};

/// The descriptors that go with the orders: the app's sockets, then its message channel.
[[nodiscard]] std::vector<int> descriptors_of(std::vector<int> sockets, const engine::ChannelEnds& channel);

/// The whole message; nothing when it is over wire::kMaxOrders.
[[nodiscard]] std::optional<std::string> make_orders(const engine::LaunchRequest& request, const OrderContext& context);

} // namespace pm::launch
