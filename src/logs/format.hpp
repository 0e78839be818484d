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
/// True when the file gets the bytes as they came.
[[nodiscard]] bool is_verbatim(const model::LogSpec& spec) noexcept;
/// Appends the lines of `blocks` as the file gets them: "<date>: " before each, or a JSON object with PM2's keys for each.
/// `continues`: the first one goes on with a line of which a piece was written before. A piece has no date of its own, as it
/// stands behind the one before it; as an object it has "partial" when the line goes on, "continued" when it began before.
void append_for_file(std::string& to, std::span<const std::string_view> blocks, const model::LogSpec& spec,
                     const Origin& origin, Stream stream, model::WallTime when, bool continues = false);
/// What stands in a file of dated lines where lines of others came between the pieces of one.
inline constexpr std::string_view kParted = " [continues]\n";
[[nodiscard]] std::string before_rest(const model::LogSpec& spec, model::WallTime when);

/// A line as a reader gets it, or a piece of one.
struct ReaderLine {
    std::string_view text;
    bool continued = false; ///< it began in an earlier piece
    bool partial = false;   ///< it goes on in a later one
};

/// Writes lines for one reader; made once for a run of lines with the same origin. Those of Stream::Messages are JSON already.
class ReaderLines {
public:
    ReaderLines(ReaderFormat format, const Origin& origin, Stream stream);
    /// `when` it came, if that is known.
    void append(std::string& to, const ReaderLine& line, std::optional<model::WallTime> when) const;

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
