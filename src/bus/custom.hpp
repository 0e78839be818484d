// SPDX-License-Identifier: Apache-2.0
// Custom metrics and actions of processes as D-Bus has them, and the call of an action.
#pragma once

#include "bus/authority.hpp"
#include "bus/options.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace pm::bus {

using ReplyRow = sdbus::Struct<std::uint32_t, std::string, std::string, std::string>;
using MetricRow = sdbus::Struct<std::string, sdbus::Variant, std::string, std::string>;
using ActionRow = sdbus::Struct<std::string, std::string, std::uint32_t, std::string>;

/// What a call of Trigger asks for. Error: InvalidArgument.
[[nodiscard]] base::Result<engine::TriggerRequest> read_trigger(std::string action, std::string params, const OptionMap& options);

/// Calls the action and answers the caller when all have replied.
base::Result<void> trigger(Context& context, const std::string& target, const engine::TriggerRequest& request,
                           const Grant& grant, const Reply<std::vector<ReplyRow>>& reply);

[[nodiscard]] std::vector<MetricRow> metric_rows(const model::CustomData& data);
[[nodiscard]] std::vector<ActionRow> action_rows(const model::CustomData& data);

} // namespace pm::bus
