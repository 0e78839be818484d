// SPDX-License-Identifier: Apache-2.0
// Where `pmctl messages` gets messages from: a stream of pmd (OpenMessages).
#pragma once

#include "cli/logs/log_feed.hpp"

#include <cstdint>
#include <optional>
#include <poll.h>
#include <string>
#include <string_view>

namespace pm::cli {

/// What is printed for a line of OpenMessages, newline included: "web (id 0): {"a":1}", or how many were lost. Empty for
/// what is neither.
[[nodiscard]] std::string message_text(std::string_view line);

class MessageFeed final : public LogFeed {
public:
    /// `json`: the lines as they are. Ends after `count` messages; unset: never by itself.
    MessageFeed(base::Fd fd, bool json, std::optional<std::uint32_t> count) : fd_(std::move(fd)), json_(json), left_(count) {}
    [[nodiscard]] int fd() const override { return fd_.get(); }
    [[nodiscard]] short events() const override { return POLLIN; }
    [[nodiscard]] int timeout() const override { return -1; }
    Outcome<bool> take(std::string& text) override;
    /// As many messages were shown as were wanted.
    [[nodiscard]] bool is_complete() const noexcept { return left_ == 0U; }

private:
    void take_line(std::string_view line, std::string& text);

    base::Fd fd_;
    bool json_;
    std::optional<std::uint32_t> left_; ///< messages to show
    std::string partial_;
};

} // namespace pm::cli
