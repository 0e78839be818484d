// SPDX-License-Identifier: Apache-2.0
// Turns lines of apps into what is printed: for people, raw, or as JSON. Pure.
//
// What apps write is not trusted: escape sequences and control characters never reach the terminal (only --raw, which
// does not come through here, lets them).
#pragma once

#include "cli/logs/log_line.hpp"
#include "cli/terminal.hpp"

#include <map>
#include <string>
#include <string_view>

namespace pm::cli {

enum class LogLook { People, Raw, Json };

class LogFormatter {
public:
    LogFormatter(const Terminal& terminal, bool timestamp, LogLook look = LogLook::People)
        : terminal_(terminal), timestamp_(timestamp), look_(look)
    {
    }
    /// What is printed, newline included, for a line as Manager.OpenLog sends it: in JSON, or (look Raw) as it was written.
    /// Empty for what is not understood. A piece of a line is printed without a newline, and behind the one before it, if
    /// nothing came between them.
    [[nodiscard]] std::string format(std::string_view sent);
    /// Likewise; a text of several lines gives as many.
    [[nodiscard]] std::string format(const LogLine& line);
    /// For the object that says how many lines were lost.
    [[nodiscard]] std::string format_lost(std::string_view json);
    /// A part of a stream of raw text; `stream`: which one it is.
    [[nodiscard]] std::string format_raw(std::string_view text, const void* stream);
    /// What ends the last line, if it has no end.
    [[nodiscard]] std::string finish();

private:
    Colour colour_of(const std::string& label);
    std::string for_people(const LogLine& line);
    std::string begin(const std::string& key, bool continued);


    const Terminal& terminal_;
    bool timestamp_;
    LogLook look_;
    std::size_t width_ = 0; ///< of the widest label so far, so that the bars stand in one column
    std::map<std::string, Colour> colours_;
    std::string within_; ///< of what was printed last: piece_key() of a line that has no end yet, or which raw stream
};

/// `text` without terminal escape sequences (ECMA-48) and other control characters.
[[nodiscard]] std::string without_escapes(std::string_view text);

} // namespace pm::cli
