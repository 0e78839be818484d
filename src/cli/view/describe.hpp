// SPDX-License-Identifier: Apache-2.0
// One instance in full, from what the daemon tells about it and from the app's own declaration. Pure.
#pragma once

#include "cli/client.hpp"

#include <string>
#include <utility>
#include <vector>

namespace pm::cli {


/// "exit code 3", "SIGKILL", "launch failed: No such file or directory"; empty: none yet.
[[nodiscard]] std::string last_exit_text(const LastExit& last);

[[nodiscard]] std::string describe_text(const Row& row, const AppInfo& app, const Terminal& terminal);
/// An object; pmctl(1) documents its keys.
[[nodiscard]] std::string describe_json(const std::vector<std::pair<Row, AppInfo>>& instances);

} // namespace pm::cli
