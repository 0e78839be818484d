// SPDX-License-Identifier: Apache-2.0
// From what systemd says of a unit's end to how a process ended or why it never began. Pure.
#pragma once

#include "launch/systemd/unit_process.hpp"

namespace pm::launch {

/// How the main process ended. `ran`: the app had been executed; else an exit status of 200 and more is one of systemd's own
/// failed steps (systemd.exec(5), "Process Exit Codes"), told as a failed launch.
[[nodiscard]] model::ExitInfo exit_of(const UnitResult& result, bool ran);

} // namespace pm::launch
