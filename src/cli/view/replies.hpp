// SPDX-License-Identifier: Apache-2.0
// What processes replied to the call of an action. Pure.
#pragma once

#include "cli/client.hpp"

#include <string>
#include <vector>

namespace pm::cli {

/// "web (id 0): {...}", a line for each reply.
[[nodiscard]] std::string replies_text(const std::vector<ActionReply>& replies);
/// "web (id 0): why", for each that there is not.
[[nodiscard]] std::vector<std::string> reply_faults(const std::vector<ActionReply>& replies);
/// All, those without a reply too; pmctl(1) documents the keys.
[[nodiscard]] std::string replies_json(const std::vector<ActionReply>& replies);

} // namespace pm::cli
