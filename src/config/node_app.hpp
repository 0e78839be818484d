// SPDX-License-Identifier: Apache-2.0
// Whether a program is a Node app (node, bun, or a script that they run): its default kill_signal is PM2's SIGINT.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace pm::config {

[[nodiscard]] bool is_node_app(const std::optional<std::string>& interpreter, std::string_view script);

} // namespace pm::config
