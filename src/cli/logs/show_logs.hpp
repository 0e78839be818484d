// SPDX-License-Identifier: Apache-2.0
// What apps wrote, from files (pmd sends it) and from the journal (read here), in one view.
#pragma once

#include "cli/client.hpp"
#include "cli/logs/log_filter.hpp"
#include "cli/view/log_lines.hpp"

#include <optional>
#include <string>
#include <vector>

namespace pm::cli {

struct LogWish {
    LogLook look = LogLook::People;
    bool timestamp = false;
    bool follow = true;
    std::optional<std::uint32_t> lines; ///< old ones: of each file, and of each app in the journal
    LogFilter filter;
};

/// Prints until the end, or Ctrl-C when following; the exit status.
int show_logs(const Context& context, Client& client, const std::vector<std::string>& targets, const LogWish& wish);

/// The last `count` lines `app` wrote to stderr, whole, without anything around them; empty when they cannot be had.
[[nodiscard]] std::vector<std::string> last_error_lines(Client& client, const std::string& app, std::uint32_t count);

} // namespace pm::cli
