// SPDX-License-Identifier: Apache-2.0
// What a failed launch is called: the table of the steps, and the sentence of a report from pm-exec.
#pragma once

#include "base/error.hpp"
#include "model/status.hpp"

#include <string>
#include <string_view>

namespace pm::launch {

/// A failed launch with its whole sentence.
[[nodiscard]] model::ExitInfo launch_failed(model::LaunchStage stage, int error, std::string sentence);

/// The same with an error that was met, whose errno it has, else `otherwise`.
[[nodiscard]] model::ExitInfo launch_failed(model::LaunchStage stage, int otherwise, const base::Error& error);

/// A failed launch told as "<step> '<what>': <errno>"; without `what`, "<step>: <errno>".
[[nodiscard]] model::ExitInfo step_failed(model::LaunchStage stage, int error, std::string_view what);

/// The failure that the bytes of a report (wire::Report) tell. A malformed report is a failure of the wire itself.
[[nodiscard]] model::ExitInfo from_report(std::string_view bytes);

} // namespace pm::launch
