// SPDX-License-Identifier: Apache-2.0
// Where a worker's query wants its socket, as a ListenAddress. Pure.
#pragma once

#include "base/error.hpp"
#include "channel/node_protocol.hpp"
#include "model/app_spec.hpp"

namespace pm::channel {

/// Backlog and permissions are those that Node and libuv would have used in a process with this umask. The error is an
/// errno. Not for Family::Descriptor.
[[nodiscard]] tl::expected<model::ListenAddress, int> address_of(const ServerQuery& query, mode_t umask);
/// errno when the app's sandbox keeps its processes from what pmd would open for them, else 0: a socket of another network,
/// a path below another root.
[[nodiscard]] int refused_by_sandbox(const model::AppSpec& spec, const ServerQuery& query);
/// Whether its processes have another root directory than pmd.
[[nodiscard]] bool has_other_root(const model::AppSpec& spec);
/// Whether the sandbox gives its processes the ports of root.
[[nodiscard]] bool may_bind_low_ports(const model::AppSpec& spec);
/// "tcp *:8000", "udp 127.0.0.1:53", "unix:/run/x.sock".
[[nodiscard]] std::string for_people(const ServerQuery& query);

} // namespace pm::channel
