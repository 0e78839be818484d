// SPDX-License-Identifier: Apache-2.0
// What a process says with sd_notify(3), read from one datagram.
#pragma once

#include "model/status.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace pm::channel {

/// A datagram of more bytes is not read (systemd: NOTIFY_BUFFER_MAX).
constexpr std::size_t kMostNotifyBytes = 4096;

/// Of an assignment that comes twice the first counts, as with systemd. What is not known, and what has a value that it may
/// not have, is as if it were not there.
struct NotifyMessage {
    bool ready = false;     ///< READY=1
    bool reloading = false; ///< RELOADING=1
    bool stopping = false;  ///< STOPPING=1
    bool alive = false;     ///< WATCHDOG=1
    bool trigger = false;   ///< WATCHDOG=trigger: treat me as if I had been silent for too long
    bool store = false;     ///< FDSTORE=1, which is refused
    /// STATUS= and the text of ERRNO=, one line that a terminal shows harmlessly, at most kMostStatusBytes; empty: none any more.
    std::optional<std::string> status;
    std::optional<model::Duration> more_time; ///< EXTEND_TIMEOUT_USEC=, a year at most
    std::optional<model::Duration> watchdog;  ///< WATCHDOG_USEC=, a year at most; 0: none any more
    static constexpr std::size_t kMostStatusBytes = 512;
    bool operator==(const NotifyMessage&) const = default;
};

/// Nothing for what is no notification: too long, or with a zero byte before its end.
[[nodiscard]] std::optional<NotifyMessage> parse_notify(std::string_view datagram);

} // namespace pm::channel
