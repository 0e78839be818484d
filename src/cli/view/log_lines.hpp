// SPDX-License-Identifier: Apache-2.0
// Turns the JSON lines of Manager.OpenLog into lines for people. Pure.
//
// What apps write is not trusted: escape sequences and control characters never reach the terminal (only --raw, which
// does not come through here, lets them).
#pragma once

#include "cli/terminal.hpp"

#include <map>
#include <string>
#include <string_view>

namespace pm::cli {

class LogFormatter {
public:
    LogFormatter(const Terminal& terminal, bool timestamp) : terminal_(terminal), timestamp_(timestamp) {}
    /// The line to print, newline included, for one line of the stream; empty for what is not understood.
    [[nodiscard]] std::string format(std::string_view json);

private:
    Colour colour_of(const std::string& label);

    const Terminal& terminal_;
    bool timestamp_;
    std::size_t width_ = 0; ///< of the widest label so far, so that the bars stand in one column
    std::map<std::string, Colour> colours_;
};

/// `text` without terminal escape sequences (ECMA-48) and other control characters.
[[nodiscard]] std::string without_escapes(std::string_view text);

} // namespace pm::cli
