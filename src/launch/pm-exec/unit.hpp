// SPDX-License-Identifier: Apache-2.0
// The beginning of the talk with pmd: directly on fd 0, or, as a transient unit, on a socket that comes over fd 0.
#pragma once

#include "launch/pm-exec/sockets.hpp"

#include <cstddef>

namespace pm::launch::exec {

/// Takes the first bytes of the orders into `data`, and the app's sockets that come with them; their number. As a
/// transient unit we are sent descriptors before (wire.hpp): they become fds 0, 1 and 2, pmd is greeted, and `in_unit` is
/// true.
[[nodiscard]] std::size_t receive_first(char* data, std::size_t room, bool& in_unit, Descriptors& sockets) noexcept;

} // namespace pm::launch::exec
