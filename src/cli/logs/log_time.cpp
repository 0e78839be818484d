// SPDX-License-Identifier: Apache-2.0
#include "cli/logs/log_time.hpp"

#include "base/text.hpp"

#include <array>
#include <ctime>
#include <string>

namespace pm::cli {
namespace {

constexpr std::uint64_t kSecond = 1'000'000;
constexpr std::uint64_t kDay = 86'400 * kSecond;

struct Unit {
    std::string_view name;
    std::uint64_t usec;
};
// systemd.time(7), "Parsing Time Spans"; a month has 30.44 days, a year 365.25.
constexpr std::array kUnits{
    Unit{"us", 1}, Unit{"usec", 1}, Unit{"ms", 1000}, Unit{"msec", 1000},
    Unit{"", kSecond}, Unit{"s", kSecond}, Unit{"sec", kSecond}, Unit{"second", kSecond}, Unit{"seconds", kSecond},
    Unit{"m", 60 * kSecond}, Unit{"min", 60 * kSecond}, Unit{"minute", 60 * kSecond}, Unit{"minutes", 60 * kSecond},
    Unit{"h", 3600 * kSecond}, Unit{"hr", 3600 * kSecond}, Unit{"hour", 3600 * kSecond}, Unit{"hours", 3600 * kSecond},
    Unit{"d", kDay}, Unit{"day", kDay}, Unit{"days", kDay},
    Unit{"w", 7 * kDay}, Unit{"week", 7 * kDay}, Unit{"weeks", 7 * kDay},
    Unit{"M", 2'629'800 * kSecond}, Unit{"month", 2'629'800 * kSecond}, Unit{"months", 2'629'800 * kSecond},
    Unit{"y", 31'557'600 * kSecond}, Unit{"year", 31'557'600 * kSecond}, Unit{"years", 31'557'600 * kSecond},
};
constexpr std::uint64_t kLongest = 1000 * 365 * kDay; ///< so that nothing overflows

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool is_letter(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

template <typename Is>
std::string_view take_while(std::string_view& text, Is&& is)
{
    std::size_t count = 0;
    while (count < text.size() && is(text[count])) ++count;
    const std::string_view taken = text.substr(0, count);
    text = base::trim(text.substr(count));
    return taken;
}

/// "1h 30min".
std::optional<std::uint64_t> parse_span(std::string_view text)
{
    if (text.empty()) return std::nullopt;
    std::uint64_t sum = 0;
    while (!text.empty()) {
        const auto number = base::parse_number<std::uint64_t>(take_while(text, is_digit));
        const std::string_view word = take_while(text, is_letter);
        const Unit* unit = nullptr;
        for (const Unit& known : kUnits)
            if (known.name == word) unit = &known;
        if (!number || unit == nullptr || *number > kLongest / unit->usec) return std::nullopt;
        sum += *number * unit->usec;
        if (sum > kLongest) return std::nullopt;
    }
    return sum;
}

std::tm broken_down(std::uint64_t usec, bool utc)
{
    const auto seconds = static_cast<std::time_t>(usec / kSecond);
    std::tm parts{};
    utc ? gmtime_r(&seconds, &parts) : localtime_r(&seconds, &parts);
    return parts;
}

std::optional<std::uint64_t> usec_of(std::tm parts, bool utc)
{
    parts.tm_isdst = -1;
    const std::tm meant = parts;
    const std::time_t seconds = utc ? timegm(&parts) : mktime(&parts);
    if (seconds < 0 || parts.tm_mday != meant.tm_mday) return std::nullopt; // February 30
    return static_cast<std::uint64_t>(seconds) * kSecond;
}

/// Midnight, `days` from today.
std::optional<std::uint64_t> midnight(std::uint64_t now, int days)
{
    const std::tm today = broken_down(now, false);
    std::tm parts{};
    parts.tm_year = today.tm_year;
    parts.tm_mon = today.tm_mon;
    parts.tm_mday = today.tm_mday + days;
    parts.tm_isdst = -1;
    const std::time_t seconds = mktime(&parts);
    return seconds < 0 ? std::nullopt : std::optional(static_cast<std::uint64_t>(seconds) * kSecond);
}

std::optional<std::uint64_t> parse_date(std::string text, std::uint64_t now)
{
    bool utc = false;
    for (const std::string_view zone : {"Z", " UTC"})
        if (text.ends_with(zone)) {
            text.resize(text.size() - zone.size());
            utc = true;
            break;
        }
    constexpr std::array kFormats{"%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M",
                                  "%Y-%m-%d",          "%H:%M:%S",          "%H:%M"};
    for (const char* format : kFormats) {
        std::tm parts = broken_down(now, utc);
        parts.tm_hour = parts.tm_min = parts.tm_sec = 0;
        const char* end = strptime(text.c_str(), format, &parts);
        if (end != nullptr && *end == '\0') return usec_of(parts, utc);
    }
    return std::nullopt;
}

} // namespace

std::optional<std::uint64_t> parse_log_time(std::string_view text, std::uint64_t now)
{
    text = base::trim(text);
    if (text == "now") return now;
    if (text == "today") return midnight(now, 0);
    if (text == "yesterday") return midnight(now, -1);
    if (text == "tomorrow") return midnight(now, 1);
    const auto before = [now](std::optional<std::uint64_t> span) {
        return span ? std::optional(now > *span ? now - *span : 0) : std::nullopt;
    };
    if (text.starts_with('-')) return before(parse_span(base::trim(text.substr(1))));
    if (text.ends_with(" ago")) return before(parse_span(base::trim(text.substr(0, text.size() - 4))));
    if (text.starts_with('+')) {
        const auto span = parse_span(base::trim(text.substr(1)));
        return span ? std::optional(now + *span) : std::nullopt;
    }
    if (text.starts_with('@')) {
        const auto seconds = base::parse_number<std::uint64_t>(text.substr(1));
        return seconds && *seconds <= kLongest / kSecond ? std::optional(*seconds * kSecond) : std::nullopt;
    }
    return parse_date(std::string(text), now);
}

} // namespace pm::cli
