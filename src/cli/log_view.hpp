// SPDX-License-Identifier: Apache-2.0
// Copies what feeds give to standard output as it comes, until they end or Ctrl-C.
#pragma once

#include "cli/interrupt.hpp"
#include "cli/logs/log_feed.hpp"

#include <vector>

namespace pm::cli {

enum class ViewEnd { StreamsEnded, Interrupted, OutputLost };

/// Ends with the last of `streams`; `journal` may be null, and when it ends by itself, the streams are waited for still.
/// OutputLost: standard output takes no more, which was told.
Outcome<ViewEnd> view_logs(std::vector<LogFeed*> streams, LogFeed* journal, const Interrupt& interrupt);

/// The exit status of a command that follows until Ctrl-C; tells when pmd has ended.
int status_of(ViewEnd end);

} // namespace pm::cli
