// SPDX-License-Identifier: Apache-2.0
// What a D-Bus error means for whoever typed the command: the exit status, and what they read.
#pragma once

#include "cli/failure.hpp"

#include <string>

namespace pm::cli
{

/// Nobody answered in time: pmd runs, or the bus waits for one that is being started.
[[nodiscard]] bool means_no_answer(const std::string& name);

/// `name` and `message` of the error that a call to pmd on `bus` (for messages) ended with.
[[nodiscard]] Failure failure_of(const std::string& name, const std::string& message, const std::string& bus);

} // namespace pm::cli
