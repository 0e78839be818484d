// SPDX-License-Identifier: Apache-2.0
#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <csignal>
#include <fmt/format.h>
#include <numeric>

namespace pm::base {
namespace {

struct SignalRow {
    int number;
    std::string_view name;
};

// signal(7); the numbers come from the platform's headers.
constexpr std::array kSignals{
    SignalRow{SIGHUP, "HUP"},   SignalRow{SIGINT, "INT"},       SignalRow{SIGQUIT, "QUIT"},
    SignalRow{SIGILL, "ILL"},   SignalRow{SIGTRAP, "TRAP"},     SignalRow{SIGABRT, "ABRT"},
    SignalRow{SIGBUS, "BUS"},   SignalRow{SIGFPE, "FPE"},       SignalRow{SIGKILL, "KILL"},
    SignalRow{SIGUSR1, "USR1"}, SignalRow{SIGSEGV, "SEGV"},     SignalRow{SIGUSR2, "USR2"},
    SignalRow{SIGPIPE, "PIPE"}, SignalRow{SIGALRM, "ALRM"},     SignalRow{SIGTERM, "TERM"},
    SignalRow{SIGCHLD, "CHLD"}, SignalRow{SIGCONT, "CONT"},     SignalRow{SIGSTOP, "STOP"},
    SignalRow{SIGTSTP, "TSTP"}, SignalRow{SIGTTIN, "TTIN"},     SignalRow{SIGTTOU, "TTOU"},
    SignalRow{SIGURG, "URG"},   SignalRow{SIGXCPU, "XCPU"},     SignalRow{SIGXFSZ, "XFSZ"},
    SignalRow{SIGPROF, "PROF"}, SignalRow{SIGVTALRM, "VTALRM"}, SignalRow{SIGWINCH, "WINCH"},
    SignalRow{SIGIO, "IO"},     SignalRow{SIGPWR, "PWR"},       SignalRow{SIGSYS, "SYS"},
};
constexpr int kLastSignal = 64; // _NSIG - 1 on Linux: real-time signals end here

} // namespace

std::string_view trim(std::string_view text) noexcept
{
    constexpr std::string_view kSpace = " \t\r\n\v\f";
    const auto first = text.find_first_not_of(kSpace);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

std::vector<std::string> split(std::string_view text, char separator)
{
    std::vector<std::string> parts;
    for (std::size_t start = 0;;) {
        const auto end = text.find(separator, start);
        parts.emplace_back(text.substr(start, end == std::string_view::npos ? end : end - start));
        if (end == std::string_view::npos) return parts;
        start = end + 1;
    }
}

std::string join(std::span<const std::string> parts, std::string_view separator)
{
    return fmt::format("{}", fmt::join(parts, separator));
}

std::size_t edit_distance(std::string_view left, std::string_view right)
{
    const std::size_t width = right.size() + 1;
    std::vector<std::size_t> before(width), previous(width), current(width);
    std::iota(previous.begin(), previous.end(), std::size_t{0});
    for (std::size_t row = 1; row <= left.size(); ++row) {
        current[0] = row;
        for (std::size_t column = 1; column < width; ++column) {
            const bool same = left[row - 1] == right[column - 1];
            current[column] = std::min({previous[column] + 1, current[column - 1] + 1,
                                        previous[column - 1] + (same ? 0U : 1U)});
            const bool swapped = row > 1 && column > 1 && left[row - 1] == right[column - 2] &&
                                 left[row - 2] == right[column - 1];
            if (swapped) current[column] = std::min(current[column], before[column - 2] + 1);
        }
        std::swap(before, previous);
        std::swap(previous, current);
    }
    return previous[width - 1];
}

std::optional<std::string_view> nearest(std::string_view word,
                                        std::span<const std::string_view> candidates)
{
    std::optional<std::string_view> best;
    std::size_t best_distance = std::max<std::size_t>(2, word.size() / 3) + 1;
    for (std::string_view candidate : candidates) {
        const std::size_t distance = edit_distance(word, candidate);
        if (distance < best_distance && distance < candidate.size()) {
            best = candidate;
            best_distance = distance;
        }
    }
    return best;
}

std::string format_duration(std::chrono::microseconds duration)
{
    const std::int64_t us = duration.count();
    if (us < 0) return "-" + format_duration(-duration);
    if (us < 1000) return fmt::format("{}us", us);
    if (us < 1'000'000) return fmt::format("{}ms", us / 1000);
    const std::int64_t seconds = us / 1'000'000;
    if (seconds < 60) {
        const std::int64_t tenths = us / 100'000 % 10;
        return seconds < 10 && tenths != 0 ? fmt::format("{}.{}s", seconds, tenths)
                                           : fmt::format("{}s", seconds);
    }
    const auto pair = [](std::int64_t big, char big_unit, std::int64_t small, char small_unit) {
        return small == 0 ? fmt::format("{}{}", big, big_unit)
                          : fmt::format("{}{} {}{}", big, big_unit, small, small_unit);
    };
    if (seconds < 3600) return pair(seconds / 60, 'm', seconds % 60, 's');
    if (seconds < 86400) return pair(seconds / 3600, 'h', seconds / 60 % 60, 'm');
    return pair(seconds / 86400, 'd', seconds / 3600 % 24, 'h');
}

std::string format_bytes(std::uint64_t bytes)
{
    constexpr std::string_view kUnits = "BKMGTPE";
    if (bytes < 1024) return fmt::format("{}B", bytes);
    double value = static_cast<double>(bytes);
    std::size_t unit = 0;
    while (value >= 1023.95 && unit + 1 < kUnits.size()) {
        value /= 1024;
        ++unit;
    }
    return fmt::format("{:.1f}{}", value, kUnits[unit]);
}

std::string signal_name(int signal)
{
    for (const SignalRow& row : kSignals)
        if (row.number == signal) return fmt::format("SIG{}", row.name);
    return fmt::format("signal {}", signal);
}

std::optional<int> signal_number(std::string_view name)
{
    std::string upper(name);
    std::ranges::transform(upper, upper.begin(), [](unsigned char c) { return std::toupper(c); });
    std::string_view word = upper;
    if (word.starts_with("SIG")) word.remove_prefix(3);
    for (const SignalRow& row : kSignals)
        if (row.name == word) return row.number;
    const auto number = parse_number<int>(name);
    return number && *number >= 1 && *number <= kLastSignal ? number : std::nullopt;
}

std::size_t utf8_sequence(std::string_view text) noexcept
{
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
    const unsigned char lead = byte(0);
    if (lead < 0x80) return 1;
    const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return 0;
    for (std::size_t i = 1; i < length; ++i)
        if ((byte(i) & 0xc0) != 0x80) return 0;
    const unsigned char next = byte(1);
    const bool overlong = (lead == 0xe0 && next < 0xa0) || (lead == 0xf0 && next < 0x90);
    const bool surrogate = lead == 0xed && next > 0x9f;
    const bool too_high = lead == 0xf4 && next > 0x8f;
    return overlong || surrogate || too_high ? 0 : length;
}

bool is_valid_utf8(std::string_view text) noexcept
{
    while (!text.empty()) {
        const std::size_t length = utf8_sequence(text);
        if (length == 0) return false;
        text.remove_prefix(length);
    }
    return true;
}

std::string to_utf8(std::string_view text)
{
    std::string clean;
    clean.reserve(text.size());
    while (!text.empty()) {
        const std::size_t length = utf8_sequence(text);
        clean.append(length == 0 ? std::string_view("\xef\xbf\xbd") : text.substr(0, length));
        text.remove_prefix(std::max<std::size_t>(length, 1));
    }
    return clean;
}

std::string printable(std::string_view text)
{
    std::string clean;
    clean.reserve(text.size());
    while (!text.empty()) {
        const std::size_t length = utf8_sequence(text);
        const auto byte = static_cast<unsigned char>(text.front());
        // C0, DEL and the two-byte C1 controls (U+0080..U+009F) can all start an escape sequence
        const bool c1 = length == 2 && byte == 0xc2 && static_cast<unsigned char>(text[1]) < 0xa0;
        if (length == 0 || byte < 0x20 || byte == 0x7f || c1)
            clean += byte == '\t' ? '\t' : '?';
        else
            clean.append(text.substr(0, length));
        text.remove_prefix(std::max<std::size_t>(length, 1));
    }
    return clean;
}

} // namespace pm::base
