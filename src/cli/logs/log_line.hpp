// SPDX-License-Identifier: Apache-2.0
// One line of an app's output, wherever it was kept: what OpenLog sends and what is read from the journal. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pm::cli {

struct LogLine {
    std::string app;
    std::optional<std::uint32_t> id;
    std::optional<std::uint32_t> slot;     ///< unknown for a writer that ended before journald looked
    std::string stream;                    ///< "out", "err"; "log": sent to the journal or syslog by the app itself
    std::string text;
    std::optional<std::uint64_t> time;     ///< microseconds since 1970
    std::optional<int> priority;           ///< 0 (emerg) to 7 (debug)
    bool continued = false;                ///< it goes on with an earlier line, of which it is a later piece
    bool partial = false;                  ///< it goes on in a later piece
    std::string origin{};                  ///< journal: the stream it came by, which tells what continues what
};

/// A line of OpenLog in JSON; nothing for what is no line (lost, history, nonsense).
[[nodiscard]] std::optional<LogLine> line_from_json(std::string_view json);
/// What lines must have in common to be pieces of one.
[[nodiscard]] std::string piece_key(const LogLine& line);
/// The same form: an object without a newline; keys that are not known are left out.
[[nodiscard]] std::string to_json(const LogLine& line);

/// "warning" or "4", as journalctl(1) takes them; nothing for other words.
[[nodiscard]] std::optional<int> priority_from(std::string_view word) noexcept;
/// What the journal would take as the priority of a line: that of a prefix "<4>" (sd-daemon(3)), else that of its stream.
[[nodiscard]] int priority_of(std::string_view text, std::string_view stream) noexcept;

} // namespace pm::cli
