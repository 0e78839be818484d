// SPDX-License-Identifier: Apache-2.0
// How lines look: in files (raw, with a date, as JSON objects) and to readers. Pure; the time is an argument.
#pragma once

#include "logs/log_store.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace pm::logs {

/// Whose lines they are.
struct Origin {
    std::string app;
    base::InstanceId id;
    base::Slot slot;
};

/// "out", "err" or "messages".
[[nodiscard]] std::string_view to_string(Stream stream) noexcept;

/// Appends `text` as a JSON string; what is not UTF-8 becomes U+FFFD.
void append_json_string(std::string& to, std::string_view text);
/// strftime(3) in local time; empty when the result is longer than 256 bytes.
[[nodiscard]] std::string format_date(const std::string& format, model::WallTime when);
/// "2026-11-23T11:14:32.123Z".
[[nodiscard]] std::string iso_time(model::WallTime when);

/// True when the file gets the bytes as they came.
[[nodiscard]] bool is_verbatim(const model::LogSpec& spec) noexcept;
/// Appends the lines of `blocks` as the file gets them: "<date>: " before each, or a JSON object each with PM2's keys.
void append_for_file(std::string& to, std::span<const std::string_view> blocks, const model::LogSpec& spec,
                     const Origin& origin, Stream stream, model::WallTime when);

/// Writes lines for one reader; made once for a run of lines with the same origin. Those of Stream::Messages are JSON already.
class ReaderLines {
public:
    ReaderLines(ReaderFormat format, const Origin& origin, Stream stream);
    /// `when` it came, if that is known.
    void append(std::string& to, std::string_view line, std::optional<model::WallTime> when) const;

private:
    bool raw_;
    bool json_; ///< a line is a JSON value
    std::string before_;
};

/// The line that tells a reader that the old lines end here.
inline constexpr std::string_view kHistoryEnd = "{\"history\":\"end\"}\n";

/// The line that tells a slow reader what it missed.
[[nodiscard]] std::string lost_marker(ReaderFormat format, std::uint64_t lines);

} // namespace pm::logs
