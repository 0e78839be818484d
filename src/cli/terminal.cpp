// SPDX-License-Identifier: Apache-2.0
#include "cli/terminal.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <poll.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/text.hpp"

namespace pm::cli {
namespace {

bool utf8_locale(const config::Environment& environment)
{
    for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
        const auto value = environment(name);
        if (!value || value->empty()) continue; // locale(7): an empty variable counts as unset
        const auto dot = value->find('.');
        if (dot == std::string::npos) return false;
        const std::string set = value->substr(dot + 1);
        return strncasecmp(set.c_str(), "UTF-8", 5) == 0 || strncasecmp(set.c_str(), "UTF8", 4) == 0;
    }
    return false;
}

unsigned width_of(int fd, const config::Environment& environment)
{
    winsize size{};
    if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
    const auto columns = environment("COLUMNS");
    return base::parse_number<unsigned>(columns.value_or("")).value_or(80);
}

std::string_view code_of(Colour colour) noexcept
{
    switch (colour) {
    case Colour::None: return "";
    case Colour::Bold: return "1";
    case Colour::Dim: return "2";
    case Colour::Red: return "31";
    case Colour::Green: return "32";
    case Colour::Yellow: return "33";
    case Colour::Blue: return "34";
    case Colour::Magenta: return "35";
    case Colour::Cyan: return "36";
    }
    return "";
}

struct Range {
    char32_t first;
    char32_t last;
};
// Unicode TR 11, the blocks that matter in names and log lines.
constexpr std::array kWide{Range{0x1100, 0x115f},   Range{0x2e80, 0x303e},   Range{0x3041, 0xa4cf},
                           Range{0xac00, 0xd7a3},   Range{0xf900, 0xfaff},   Range{0xfe30, 0xfe6f},
                           Range{0xff00, 0xff60},   Range{0xffe0, 0xffe6},   Range{0x1f300, 0x1f64f},
                           Range{0x1f680, 0x1f6ff}, Range{0x1f900, 0x1f9ff}, Range{0x20000, 0x3fffd}};
constexpr std::array kNarrow{Range{0x0300, 0x036f}, Range{0x200b, 0x200f}, Range{0x20d0, 0x20ff},
                             Range{0xfe00, 0xfe0f}};

unsigned columns_of(char32_t character) noexcept
{
    const auto holds = [character](Range range) { return character >= range.first && character <= range.last; };
    if (std::ranges::any_of(kNarrow, holds)) return 0;
    return std::ranges::any_of(kWide, holds) ? 2 : 1;
}

struct Character {
    std::size_t bytes;
    unsigned columns;
};

/// The first character of `text`; bytes that are no UTF-8 count as one column each.
Character first_of(std::string_view text) noexcept
{
    const auto lead = static_cast<unsigned char>(text.front());
    const std::size_t length = lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (length == 1 || text.size() < length) return {1, 1};
    char32_t value = lead & (0x7fU >> length);
    for (std::size_t i = 1; i < length; ++i) value = (value << 6) | (static_cast<unsigned char>(text[i]) & 0x3fU);
    return {length, columns_of(value)};
}

} // namespace

Terminal look_at(int fd, bool no_colour, const config::Environment& environment)
{
    Terminal terminal;
    terminal.unicode = utf8_locale(environment);
    terminal.is_terminal = isatty(fd) == 1;
    if (!terminal.is_terminal) return terminal;
    terminal.width = width_of(fd, environment);
    const auto wish = environment("NO_COLOR");
    terminal.colour = !no_colour && (!wish || wish->empty()) && environment("TERM").value_or("") != "dumb";
    return terminal;
}

std::string paint(std::string_view text, Colour colour, bool on)
{
    if (!on || colour == Colour::None) return std::string(text);
    std::string painted = "\033[";
    painted += code_of(colour);
    painted += 'm';
    painted += text;
    painted += "\033[0m";
    return painted;
}

Colour colour_of_status(std::string_view status) noexcept
{
    if (status == "online") return Colour::Green;
    if (status == "errored" || status == "unhealthy") return Colour::Red;
    if (status == "stopped") return Colour::Dim;
    return Colour::Yellow;
}

unsigned display_width(std::string_view text) noexcept
{
    unsigned width = 0;
    while (!text.empty()) {
        const Character character = first_of(text);
        width += character.columns;
        text.remove_prefix(character.bytes);
    }
    return width;
}

std::string shorten(std::string_view text, unsigned width, bool unicode)
{
    if (display_width(text) <= width) return std::string(text);
    const std::string_view ellipsis = unicode ? "\xe2\x80\xa6" : "~";
    if (width == 0) return {};
    std::string kept;
    for (unsigned used = 0; !text.empty();) {
        const Character character = first_of(text);
        if (used + character.columns > width - 1) break;
        kept += text.substr(0, character.bytes);
        used += character.columns;
        text.remove_prefix(character.bytes);
    }
    return kept.append(ellipsis);
}

int write_all(int fd, std::string_view text) noexcept
{
    while (!text.empty()) {
        const ssize_t count = write(fd, text.data(), text.size());
        if (count < 0 && errno == EAGAIN) {
            pollfd ready{fd, POLLOUT, 0};
            poll(&ready, 1, -1);
        }
        if (count < 0 && errno != EINTR && errno != EAGAIN) return errno;
        if (count > 0) text.remove_prefix(static_cast<std::size_t>(count));
    }
    return 0;
}

void err(std::string_view text) noexcept { write_all(STDERR_FILENO, text); }

} // namespace pm::cli
