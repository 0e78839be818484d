// SPDX-License-Identifier: Apache-2.0
// Copies log streams of the daemon to standard output, line by line, until they end or Ctrl-C.
#pragma once

#include "base/fd.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace pm::cli {

enum class ViewEnd { StreamsEnded, Interrupted, OutputLost };

/// `format` gets each complete line without its newline and gives what is written.
/// OutputLost: standard output takes no more, which was told.
ViewEnd view_logs(std::vector<base::Fd> streams, const std::function<std::string(std::string_view)>& format);

/// The exit status of a command that follows until Ctrl-C; tells when pmd has ended.
int status_of(ViewEnd end);

} // namespace pm::cli
