// SPDX-License-Identifier: Apache-2.0
// Configurations of PM2 in JavaScript or TypeScript: run by the caller's node (or bun, deno) as a child of pmctl, with the
// caller's rights; what they export comes back as JSON over a descriptor of its own.
#pragma once

#include "cli/context.hpp"

#include <string>

namespace pm::cli {

/// Runs `file` (shown to people so) and gives what it exports as JSON: a value, a promise, or what a function returns. What it writes
/// on either stream goes to standard error. At most `most` bytes and 30 s (PMCTL_EVALUATION_TIMEOUT: another time); whatever it has
/// started ends then. Fails with status 2 and the place of the fault, with 130 on Ctrl-C.
[[nodiscard]] Outcome<std::string> evaluate_javascript(const Context& context, const std::string& file, std::size_t most);

} // namespace pm::cli
