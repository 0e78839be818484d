// SPDX-License-Identifier: Apache-2.0
// A stream into the journal for stdout or stderr of a process: connected by pmd, written by the process alone.
//
// journald takes who wrote a line from the credentials that come with it, so its trusted fields (_PID, _SYSTEMD_UNIT) are
// the writer's. Only the header below is ours. It cannot say "stdout" or "stderr", so the facility does: it stays when a
// line brings a priority of its own ("<4>text", sd-daemon(3)), which replaces the level only.
#pragma once

#include "base/error.hpp"
#include "base/fd.hpp"
#include "logs/log_store.hpp"

#include <string>

namespace pm::logs {

struct JournalStream {
    std::string identifier; ///< SYSLOG_IDENTIFIER: the app's name
    /// Unit that lines belong to when their writer has ended before journald looked; believed from root only.
    std::string unit;
    int priority = 0; ///< facility and level of syslog(3)
};

/// stdout: LOG_DAEMON | LOG_INFO, stderr: LOG_USER | LOG_NOTICE. Not an error level: many programs write to stderr
/// whatever is not their result.
[[nodiscard]] int journal_priority(Stream stream) noexcept;

/// The header as sd_journal_stream_fd(3) sends it: level prefixes are read, nothing is forwarded.
[[nodiscard]] std::string journal_header(const JournalStream& stream);

/// A blocking socket for writing, with the header sent. Never waits: an error when `socket` is not there or its queue is
/// full.
[[nodiscard]] base::Result<base::Fd> open_journal_stream(const std::string& socket, const JournalStream& stream);

} // namespace pm::logs
