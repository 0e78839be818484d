// SPDX-License-Identifier: Apache-2.0
// Copies what feeds give to standard output as it comes, until they end or Ctrl-C.
#pragma once

#include "cli/interrupt.hpp"
#include "cli/logs/log_feed.hpp"

#include <vector>

namespace pm::cli {

enum class ViewEnd { StreamsEnded, Interrupted, OutputLost };

/// Ends with the last of `streams`; `others` are not waited for, but what they have at that time is shown. OutputLost: standard
/// output takes no more, which was told.
Outcome<ViewEnd> view_logs(std::vector<LogFeed*> streams, std::vector<LogFeed*> others, const Interrupt& interrupt);

/// Whether what a command follows is not there yet and may come: names, namespaces, all. Not numbers of instances, which are
/// pmd's: nobody knows what a new one will be.
[[nodiscard]] bool may_come(const std::string& target, const Failure& failure);

/// The exit status of a command that follows until Ctrl-C; tells when pmd has ended.
int status_of(ViewEnd end);

} // namespace pm::cli
