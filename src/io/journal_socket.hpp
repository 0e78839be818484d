// SPDX-License-Identifier: Apache-2.0
// Messages with fields for journald, in its native protocol (systemd.io, JOURNAL_NATIVE_PROTOCOL).
//
// By hand, as sd_journal_sendv(3) waits while journald's queue is full, and pmd waits for nobody.
#pragma once

#include "base/fd.hpp"

#include <span>
#include <string>
#include <string_view>

namespace pm::io {

struct LogField;

class JournalSocket {
public:
    explicit JournalSocket(std::string path = "/run/systemd/journal/socket");
    /// One datagram; false when journald does not take it now. Values are cut after 16 KiB.
    [[nodiscard]] bool send(std::span<const LogField> fields) const;

private:
    std::string path_;
    base::Fd fd_;
};

/// The bytes of one message.
[[nodiscard]] std::string journal_datagram(std::span<const LogField> fields);

} // namespace pm::io
