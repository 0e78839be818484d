// SPDX-License-Identifier: Apache-2.0
// Which sockets take connections, and who has them open: /proc/<pid>/net/{tcp,tcp6,unix} and /proc/<pid>/fd, proc(5).
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string_view>
#include <sys/types.h>

namespace pm::channel {

using Inodes = std::set<std::uint64_t>;

/// The inode of the socket in a line of net/tcp or net/tcp6 when it listens; nothing for the others and for the heading.
[[nodiscard]] std::optional<std::uint64_t> listening_tcp(std::string_view line);
/// Likewise of net/unix.
[[nodiscard]] std::optional<std::uint64_t> listening_unix(std::string_view line);

/// Those that listen in the network namespace of `pid`; of very many not all.
[[nodiscard]] Inodes listening_sockets(pid_t pid);
/// True when `pid` has one of `sockets` open. `budget`: how many descriptors may be looked at; counted down.
[[nodiscard]] bool has_any(pid_t pid, const Inodes& sockets, std::size_t& budget);

} // namespace pm::channel
