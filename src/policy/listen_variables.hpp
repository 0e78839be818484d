// SPDX-License-Identifier: Apache-2.0
// The variables by which a program finds the sockets it inherits: those of systemd, of einhorn, of Server::Starter, and
// of the few programs that know only their own.
#pragma once

#include "model/app_spec.hpp"

#include <map>
#include <string>

namespace pm::policy {

/// The first descriptor; the others follow in the order of spec.listen (sd_listen_fds(3)).
inline constexpr int kFirstSocket = 3;

/// Empty when the spec listens on nothing. LISTEN_PID is not among them: only the process itself knows it.
[[nodiscard]] std::map<std::string, std::string> listen_variables(const model::AppSpec& spec);

} // namespace pm::policy
