// SPDX-License-Identifier: Apache-2.0
// A table of text that drops and shortens columns until it fits the terminal. Pure.
#pragma once

#include "cli/terminal.hpp"

#include <string>
#include <vector>

namespace pm::cli {

struct Column {
    std::string title;
    bool right = false;      ///< numbers
    unsigned keep = 0;       ///< the lowest is dropped first when space is short; 0 is never dropped
    unsigned shortest = 0;   ///< may be shortened to this many columns; 0: never shortened
};

struct Cell {
    std::string text;
    Colour colour = Colour::None;
};

/// Lines, each ended by a newline; a heading first. Cells must be printable.
[[nodiscard]] std::string render(const std::vector<Column>& columns, const std::vector<std::vector<Cell>>& rows,
                                 const Terminal& terminal);

} // namespace pm::cli
