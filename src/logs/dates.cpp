// SPDX-License-Identifier: Apache-2.0
#include "logs/dates.hpp"

#include "model/date_tokens.hpp"

#include <array>
#include <climits>
#include <ctime>
#include <fmt/format.h>

namespace pm::logs {
namespace {

constexpr std::size_t kLongestDate = 256; ///< bytes

struct Moment {
    std::tm local{};
    std::int64_t microseconds = 0; ///< of the second
    std::int64_t seconds = 0;      ///< since 1970
};

Moment moment_of(model::WallTime when)
{
    using namespace std::chrono;
    const auto since = floor<microseconds>(when.time_since_epoch());
    const auto whole = floor<seconds>(since);
    Moment moment;
    moment.seconds = whole.count();
    moment.microseconds = (since - whole).count();
    const std::time_t time = moment.seconds;
    localtime_r(&time, &moment.local);
    return moment;
}

std::string ordinal(int number)
{
    constexpr std::array kEndings{"th", "st", "nd", "rd"};
    const bool teens = number % 100 >= 11 && number % 100 <= 13;
    return fmt::format("{}{}", number, kEndings[teens || number % 10 > 3 ? 0U : static_cast<unsigned>(number % 10)]);
}

int number_of(const std::tm& local, const char* conversion)
{
    std::array<char, 8> text{};
    std::strftime(text.data(), text.size(), conversion, &local);
    return std::atoi(text.data());
}

/// Week 1 is the one with January 1st, and weeks begin on Sunday, as in day.js's English.
struct Week {
    int number;
    int year;
};
Week week_of(const std::tm& local)
{
    const int year = local.tm_year + 1900;
    const int days = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 366 : 365;
    const int saturday = local.tm_yday + 6 - local.tm_wday; // of this week
    if (saturday >= days) return {1, year + 1};
    return {saturday / 7 + 1, year};
}

std::string offset_text(const std::tm& local)
{
    const long minutes = std::labs(local.tm_gmtoff) / 60;
    return fmt::format("{}{:02}:{:02}", local.tm_gmtoff < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

std::string token_text(std::string_view token, const Moment& moment)
{
    const std::tm& local = moment.local;
    if (token.front() == 'S') return fmt::format("{:06}", moment.microseconds).substr(0, token.size());
    if (token == "Z") return offset_text(local);
    if (token == "x") return std::to_string(moment.seconds * 1000 + moment.microseconds / 1000);
    if (token == "Do") return ordinal(local.tm_mday);
    if (token == "DDD") return std::to_string(local.tm_yday + 1);
    if (token == "dd") {
        constexpr std::array kDays{"Su", "Mo", "Tu", "We", "Th", "Fr", "Sa"};
        return kDays[static_cast<unsigned>(local.tm_wday)];
    }
    if (token == "do") return ordinal(local.tm_wday);
    if (token == "Q") return std::to_string(local.tm_mon / 3 + 1);
    if (token == "Qo") return ordinal(local.tm_mon / 3 + 1);
    if (token == "Mo") return ordinal(local.tm_mon + 1);
    if (token == "k") return std::to_string(local.tm_hour == 0 ? 24 : local.tm_hour);
    if (token == "kk") return fmt::format("{:02}", local.tm_hour == 0 ? 24 : local.tm_hour);
    if (token == "w") return std::to_string(week_of(local).number);
    if (token == "ww") return fmt::format("{:02}", week_of(local).number);
    if (token == "wo") return ordinal(week_of(local).number);
    if (token == "gggg") return std::to_string(week_of(local).year);
    return ordinal(number_of(local, "%V")); // "Wo"
}

/// Calls `conversion(text)` for each part of `format` that is strftime's, `token(name)` for each of ours, in order.
template <typename Conversion, typename Token>
void for_each_part(std::string_view format, Conversion&& conversion, Token&& token)
{
    std::size_t begin = 0;
    for (std::size_t at = 0; at < format.size();) {
        const auto name = model::date_token_at(format.substr(at));
        if (!name) {
            at += format[at] == '%' ? 2 : 1; // "%%" and others are two
            continue;
        }
        conversion(format.substr(begin, at - begin));
        token(*name);
        begin = at += name->size() + 3;
    }
    conversion(format.substr(std::min(begin, format.size())));
}

/// Reads a token of ours at the start of `text`, and what it tells.
class TokenReader {
public:
    /// The bytes it takes; nothing when there is something else. What is left of them is for `conversion` of strptime(3).
    std::optional<std::size_t> read(std::string_view token, std::string_view text);
    std::optional<std::int64_t> milliseconds; ///< since 1970
    std::int64_t microseconds = 0;            ///< of the second

private:
    static std::size_t digits(std::string_view text) noexcept
    {
        return std::min(text.find_first_not_of("0123456789"), text.size());
    }
};

std::optional<std::size_t> TokenReader::read(std::string_view token, std::string_view text)
{
    if (token == "dd") return text.size() < 2 ? std::nullopt : std::optional<std::size_t>(2);
    const std::size_t count = digits(text);
    if (count == 0 || count > 18) return std::nullopt;
    const std::int64_t number = std::atoll(std::string(text.substr(0, count)).c_str());
    if (token.front() == 'S') {
        if (count < token.size()) return std::nullopt;
        std::string fraction(text.substr(0, token.size()));
        fraction.resize(6, '0');
        microseconds = std::atoll(fraction.c_str());
        return token.size();
    }
    if (token == "x") milliseconds = number;
    return token.back() == 'o' && token.size() > 1 ? std::min(count + 2, text.size()) : count;
}

/// What strptime(3) reads instead of a token of ours; empty: it tells nothing that is needed.
std::string_view strptime_for(std::string_view token)
{
    if (token == "Z") return "%z";
    if (token == "k" || token == "kk") return "%H";
    return {};
}

std::tm unknown_parts()
{
    std::tm parts{};
    parts.tm_year = INT_MIN;
    parts.tm_mon = parts.tm_hour = parts.tm_isdst = -1; // what the format does not name stays so
    return parts;
}

/// Turns format and text into such that strptime(3) can read: takes the tokens it does not know out of both.
bool take_tokens(std::string& text, std::string& plain, const std::string& format, TokenReader& reader)
{
    bool good = true;
    for_each_part(
        format, [&](std::string_view part) { plain += part; },
        [&](std::string_view token) {
            if (const auto known = strptime_for(token); !known.empty()) {
                plain += known;
                return;
            }
            std::tm scratch = unknown_parts();
            const char* end = good ? strptime(text.c_str(), plain.c_str(), &scratch) : nullptr;
            good = end != nullptr;
            if (!good) return;
            const auto at = static_cast<std::size_t>(end - text.c_str());
            const auto size = reader.read(token, std::string_view(text).substr(at));
            good = size.has_value();
            if (!good) return;
            if (token == "Do") { // "1st": the number stays
                plain += "%d";
                text.erase(at + *size - 2, 2);
            } else if (token == "Mo") {
                plain += "%m";
                text.erase(at + *size - 2, 2);
            } else {
                text.erase(at, *size);
            }
        });
    return good;
}

} // namespace

std::string format_date(const std::string& format, model::WallTime when)
{
    const Moment moment = moment_of(when);
    std::string date;
    bool fits = true;
    for_each_part(
        format,
        [&](std::string_view part) {
            if (part.empty()) return;
            std::array<char, kLongestDate> text{};
            const std::string terminated(part);
            const std::size_t length = std::strftime(text.data(), text.size(), terminated.c_str(), &moment.local);
            fits = fits && (length > 0 || part == "%p" || part == "%P" || part == "%Z");
            date.append(text.data(), length);
        },
        [&](std::string_view token) { date += token_text(token, moment); });
    return fits && date.size() < kLongestDate ? date : std::string();
}

std::string iso_time(model::WallTime when)
{
    const auto milliseconds = std::chrono::floor<std::chrono::milliseconds>(when.time_since_epoch());
    const auto seconds = std::chrono::floor<std::chrono::seconds>(milliseconds);
    const std::time_t time = seconds.count();
    std::tm utc{};
    gmtime_r(&time, &utc);
    std::array<char, 64> text{};
    const std::size_t length = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &utc);
    return fmt::format("{}.{:03}Z", std::string_view(text.data(), length), (milliseconds - seconds).count());
}

std::optional<model::WallTime> read_date(std::string_view text, const std::string& format, bool utc)
{
    using namespace std::chrono;
    std::string rest(text.substr(0, kLongestDate)), plain;
    TokenReader reader;
    if (!take_tokens(rest, plain, format, reader)) return std::nullopt;
    if (reader.milliseconds) return model::WallTime(milliseconds(*reader.milliseconds));
    std::tm parts = unknown_parts();
    if (strptime(rest.c_str(), plain.c_str(), &parts) == nullptr) return std::nullopt;
    if (parts.tm_year == INT_MIN || parts.tm_mon < 0 || parts.tm_mday < 1 || parts.tm_hour < 0) return std::nullopt;
    const bool offset = plain.find("%z") != std::string::npos;
    const long east = parts.tm_gmtoff; // timegm() sets it to 0
    const std::time_t seconds = utc || offset ? timegm(&parts) - (offset ? east : 0) : mktime(&parts);
    return system_clock::from_time_t(seconds) + duration_cast<system_clock::duration>(microseconds(reader.microseconds));
}

} // namespace pm::logs
