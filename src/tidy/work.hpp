// SPDX-License-Identifier: Apache-2.0
// Removes and compresses what was put aside of a log file.
#pragma once

#include "tidy/orders.hpp"

namespace pm::tidy {

/// Whatever it is killed in, nothing is lost, and the next one goes on with it: a file is removed when its compressed form is complete.
/// Empty, or what could not be done, for people.
[[nodiscard]] std::string carry_out(const Orders& orders);

} // namespace pm::tidy
