// SPDX-License-Identifier: Apache-2.0
// Starts pmd for the embedded bus and waits until it is ready.
//
// Two pmctls may do so at once: pmd's lock lets one of the two daemons live, the other says so by ending with status 0,
// and both pmctls find the one that lives.
#pragma once

#include "cli/bus_choice.hpp"

namespace pm::cli {

/// Where pmd is: PMD_DAEMON, beside pmctl, ../sbin, ../daemon (a build tree), the place it was built for.
[[nodiscard]] std::string find_daemon(const Context& context);

/// True: ready. False: another one was faster and may still be getting ready. Fails with the end of what pmd said.
[[nodiscard]] Outcome<bool> start_daemon(const Context& context, const BusChoice& embedded);

} // namespace pm::cli
