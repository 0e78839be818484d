// SPDX-License-Identifier: Apache-2.0
// Descriptors that come with bytes (SCM_RIGHTS), and those the app gets from us.
#pragma once

#include "launch/wire.hpp"

#include <cstddef>

namespace pm::launch::exec {

struct Descriptors {
    int fds[wire::kMaxSockets];
    std::size_t count = 0;
};

/// Reads once from fd 0; the number of bytes, 0 at the end. Descriptors that came along are close-on-exec.
[[nodiscard]] std::size_t receive(char* data, std::size_t room, Descriptors& with) noexcept;

inline constexpr int kFirstSocket = 3;

/// Makes the sockets fds 3, 4, ... that stay open at execve, and closes everything behind them.
void place_sockets(const Descriptors& sockets) noexcept;

} // namespace pm::launch::exec
