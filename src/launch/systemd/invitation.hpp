// SPDX-License-Identifier: Apache-2.0
// What pm-exec gets over the stdin of its unit; see wire.hpp.
#pragma once

#include "base/fd.hpp"

namespace pm::launch {

/// Sends the socket of the talk and what the program gets for stdout and stderr, each where it is valid. 0 or errno.
[[nodiscard]] int invite(const base::Fd& socket, const base::Fd& talk, const base::Fd& out, const base::Fd& err);

} // namespace pm::launch
