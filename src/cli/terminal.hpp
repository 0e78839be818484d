// SPDX-License-Identifier: Apache-2.0
// What the other end of a descriptor can show: how wide it is, whether colours and characters outside ASCII make sense.
#pragma once

#include "config/settings.hpp"

#include <string>
#include <string_view>

namespace pm::cli {

struct Terminal {
    bool is_terminal = false;
    unsigned width = 0;   ///< columns; 0: no limit (not a terminal)
    bool colour = false;  ///< a terminal, and neither NO_COLOR (no-color.org) nor --no-color nor TERM=dumb
    bool unicode = false; ///< the locale's character set is UTF-8
};

/// Looks at `fd` once.
[[nodiscard]] Terminal look_at(int fd, bool no_colour, const config::Environment& environment);

enum class Colour { None, Bold, Dim, Red, Green, Yellow, Blue, Magenta, Cyan };

/// `text` in `colour` when `on`, else as it is.
[[nodiscard]] std::string paint(std::string_view text, Colour colour, bool on);

/// The colour of an instance's status.
[[nodiscard]] Colour colour_of_status(std::string_view status) noexcept;

/// Columns that `text` (valid UTF-8, printable) takes: two for East Asian wide characters, none for combining ones.
[[nodiscard]] unsigned display_width(std::string_view text) noexcept;

/// `text` cut to `width` columns, the last one an ellipsis when something was cut.
[[nodiscard]] std::string shorten(std::string_view text, unsigned width, bool unicode);

/// Writes all of `text`. Gives 0, or the errno with which the rest was lost.
int write_all(int fd, std::string_view text) noexcept;
/// To standard error; what cannot be written there is lost.
void err(std::string_view text) noexcept;

} // namespace pm::cli
