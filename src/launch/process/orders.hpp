// SPDX-License-Identifier: Apache-2.0
// From a request to the bytes that pm-exec obeys.
#pragma once

#include "engine/ports.hpp"
#include "launch/process/accounts.hpp"

#include <string>

namespace pm::launch {

/// What the launcher knows beside the request.
struct OrderContext {
    const Account& account;
    bool out_is_null = false;
    bool err_is_null = false;
    const std::string& default_path; ///< PATH when the spec declares none
    const std::optional<model::ResourceLimit>& nofile; ///< RLIMIT_NOFILE when the spec declares none
};

/// The whole message; nothing when it is over wire::kMaxOrders.
[[nodiscard]] std::optional<std::string> make_orders(const engine::LaunchRequest& request, const OrderContext& context);

} // namespace pm::launch
