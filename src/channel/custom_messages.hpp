// SPDX-License-Identifier: Apache-2.0
// PM2's messages about custom metrics and actions, as @pm2/io and tx2 send and expect them. Pure: text in, data out, and back.
#pragma once

#include "base/error.hpp"
#include "base/ids.hpp"
#include "model/custom_data.hpp"

#include <string>
#include <string_view>

namespace pm::channel {

/// Types of messages that are for the process manager alone; PM2 passes none of them on either.
[[nodiscard]] bool is_for_manager(std::string_view type) noexcept;

/// Merges the metrics of {"type":"axm:monitor","data":{name:{value,unit,type},...}} into `data`. Those without a value yet
/// are passed over. False: some are none, or beyond the bounds, and were left out.
[[nodiscard]] bool read_metrics(std::string_view line, model::CustomData& data);
/// The same for {"type":"axm:action","data":{action_name,action_type,arity,opts}}, which announces one action.
[[nodiscard]] bool read_action(std::string_view line, model::CustomData& data);

/// The member data.return of {"type":"axm:reply",...} as JSON; "null" when it is not there. Error: LimitExceeded.
[[nodiscard]] base::Result<std::string> read_return(std::string_view line);

/// What calls an action of the instance `id`, with the end of line: the bare name, or an object when there are `params`.
[[nodiscard]] std::string action_call(std::string_view action, std::string_view params, base::InstanceId id);

} // namespace pm::channel
