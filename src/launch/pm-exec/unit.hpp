// SPDX-License-Identifier: Apache-2.0
// The beginning of the talk with pmd: directly on fd 0, or, as a transient unit, on a socket that comes over fd 0.
#pragma once

#include <cstddef>

namespace pm::launch::exec {

/// Takes the first bytes from fd 0 into `data`; their number. As a transient unit we are sent descriptors instead
/// (wire.hpp): they become fds 0, 1 and 2, pmd is greeted, `in_unit` is true, and 0 is returned, as the orders are still to
/// come over the new fd 0.
[[nodiscard]] std::size_t receive_first(char* data, std::size_t room, bool& in_unit) noexcept;

} // namespace pm::launch::exec
