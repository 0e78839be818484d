// SPDX-License-Identifier: Apache-2.0
// The way to a pmd: each bus it may be on is looked at in turn, and one is started where that is wished.
#pragma once

#include "cli/client.hpp"

#include "sdbus_versions.hpp"

#include <memory>
#include <string>
#include <sys/types.h>

namespace pm::cli {

inline constexpr const char* kBusName = "org.pmd1";

struct FoundDaemon {
    std::unique_ptr<sdbus::IConnection> connection;
    std::string bus; ///< for messages
    bool is_system = false;
    std::string name = kBusName; ///< whom to call; with Missing::Look a unique name, which the bus starts nobody for
};

/// The pid of who has the name `daemon` on the bus; 0 when nobody has, or the bus does not say.
[[nodiscard]] pid_t pid_of_daemon(sdbus::IConnection& connection, const std::string& daemon);

/// As Client::connect().
[[nodiscard]] Outcome<FoundDaemon> search_daemon(const Context& context, Client::Missing missing);

} // namespace pm::cli
