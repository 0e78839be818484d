// SPDX-License-Identifier: Apache-2.0
// Descriptors over unix sockets (unix(7), SCM_RIGHTS).
#pragma once

#include <span>
#include <string_view>
#include <sys/types.h>

namespace pm::io {

/// So many go with one message; the kernel takes 253.
inline constexpr std::size_t kMostPassed = 128;

/// Sends `bytes`, at least one, with copies of `fds`, perhaps none, without waiting and without SIGPIPE. How many bytes were sent,
/// of which the first has the descriptors; or -1 with errno, E2BIG for more than kMostPassed.
ssize_t send_with_fds(int socket, std::string_view bytes, std::span<const int> fds);

} // namespace pm::io
