// SPDX-License-Identifier: Apache-2.0
#include "model/cron.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <span>
#include <vector>

namespace pm::model {
namespace {

constexpr std::size_t kLongest = 256;
constexpr std::array<std::string_view, 12> kMonths{"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};
constexpr std::array<std::string_view, 7> kWeekdays{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"};

struct Nickname {
    std::string_view name, pattern;
};
constexpr std::array kNicknames{Nickname{"@yearly", "0 0 1 1 *"}, Nickname{"@annually", "0 0 1 1 *"}, Nickname{"@monthly", "0 0 1 * *"},
                                Nickname{"@weekly", "0 0 * * 0"}, Nickname{"@daily", "0 0 * * *"},    Nickname{"@midnight", "0 0 * * *"},
                                Nickname{"@hourly", "0 * * * *"}};

struct FieldKind {
    std::string_view name;
    int least, most;
    std::span<const std::string_view> names; ///< of the numbers from `first_name` on
    int first_name = 0;
};
const FieldKind kSecond{"second", 0, 59, {}};
const FieldKind kMinute{"minute", 0, 59, {}};
const FieldKind kHour{"hour", 0, 23, {}};
const FieldKind kDay{"day of the month", 1, 31, {}};
const FieldKind kMonth{"month", 1, 12, kMonths, 1};
const FieldKind kWeekday{"day of the week", 0, 7, kWeekdays, 0};

base::Unexpected fault(std::string text) { return base::fail(base::ErrorCode::InvalidArgument, std::move(text)); }

std::string upper(std::string_view text)
{
    std::string out(text);
    std::ranges::transform(out, out.begin(), [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
    return out;
}

base::Result<int> number(std::string_view text, const FieldKind& kind)
{
    const std::string name = upper(text);
    if (const auto named = std::ranges::find(kind.names, name); named != kind.names.end())
        return kind.first_name + static_cast<int>(named - kind.names.begin());
    const auto value = base::parse_number<int>(text);
    if (!value || *value < kind.least || *value > kind.most)
        return fault(fmt::format("'{}' is no {} ({} to {}{})", text, kind.name, kind.least, kind.most, kind.names.empty() ? "" : ", or a name of three letters"));
    return *value;
}

/// What a field selects: calls `each` with every number.
template <typename Each>
base::Result<void> read_part(std::string_view part, const FieldKind& kind, Each&& each)
{
    std::string_view range = part;
    int step = 1;
    const auto slash = part.find('/');
    if (slash != std::string_view::npos) {
        const auto value = base::parse_number<int>(part.substr(slash + 1));
        if (!value || *value < 1 || *value > kind.most) return fault(fmt::format("'{}' is no step of a {} (1 to {})", part.substr(slash + 1), kind.name, kind.most));
        step = *value;
        range = part.substr(0, slash);
    }
    int from = kind.least, to = kind.most == 7 ? 6 : kind.most;
    if (range != "*" && range != "?") {
        const auto dash = range.find('-');
        const auto first = number(range.substr(0, dash), kind);
        if (!first) return base::Unexpected(first.error());
        from = *first;
        if (dash != std::string_view::npos) {
            const auto last = number(range.substr(dash + 1), kind);
            if (!last) return base::Unexpected(last.error());
            to = *last;
            if (to == 0 && kind.most == 7 && from > 0) to = 7; // FRI-SUN
            if (to < from) return fault(fmt::format("'{}' ends before it begins", range));
        } else if (slash == std::string_view::npos) {
            to = from;
        }
    }
    for (int value = from; value <= to; value += step) each(value);
    return {};
}

template <std::size_t Size>
base::Result<void> read_field(std::string_view text, const FieldKind& kind, std::bitset<Size>& to)
{
    for (const std::string& part : base::split(text, ',')) {
        auto read = read_part(part, kind, [&](int value) { to.set(static_cast<std::size_t>(value)); });
        if (!read) return read;
    }
    return {};
}

base::Result<void> read_days(std::string_view text, CronPattern& pattern)
{
    pattern.any_day = text == "*" || text == "?";
    for (const std::string& part : base::split(text, ',')) {
        if (upper(part) == "L") {
            pattern.last_day = true;
            continue;
        }
        auto read = read_part(part, kDay, [&](int value) { pattern.days.set(static_cast<std::size_t>(value)); });
        if (!read) return read;
    }
    return {};
}

base::Result<void> read_weekdays(std::string_view text, CronPattern& pattern)
{
    pattern.any_weekday = text == "*" || text == "?";
    for (const std::string& part : base::split(text, ',')) {
        const auto hash = part.find('#');
        if (hash == std::string::npos) {
            auto read = read_part(part, kWeekday, [&](int value) { pattern.weekdays.set(static_cast<std::size_t>(value % 7)); });
            if (!read) return read;
            continue;
        }
        const auto day = number(std::string_view(part).substr(0, hash), kWeekday);
        if (!day) return base::Unexpected(day.error());
        const std::string which = upper(part.substr(hash + 1));
        const auto n = which == "L" ? std::optional(0) : base::parse_number<int>(which);
        if (!n || *n > 5 || (*n < 1 && which != "L")) return fault(fmt::format("'{}' says which {} of the month it is by 1 to 5 or L", part, kWeekday.name));
        pattern.nth.set(static_cast<std::size_t>(*day % 7 * 6 + *n));
    }
    return {};
}

bool is_leap(int year) noexcept { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

int days_of(int year, int month) noexcept
{
    constexpr std::array kDays{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && is_leap(year) ? 29 : kDays[static_cast<std::size_t>(month - 1)];
}

/// A name of the database, or a rule, tzset(3). No path: the C library opens one, with pmd's rights, and whatever is there.
bool is_zone(std::string_view text)
{
    const auto fits = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || std::string_view("_+-/,.:<>").find(c) != std::string_view::npos;
    };
    return !text.empty() && text.front() != '/' && text.front() != ':' && text.find("..") == std::string_view::npos && std::ranges::all_of(text, fits);
}

/// A day of the calendar, without a place.
struct Date {
    int year, month, day, weekday;

    void advance() noexcept
    {
        weekday = (weekday + 1) % 7;
        if (++day <= days_of(year, month)) return;
        day = 1;
        if (++month <= 12) return;
        month = 1;
        ++year;
    }
};

bool is_due(const CronPattern& pattern, const Date& date)
{
    if (!pattern.months.test(static_cast<std::size_t>(date.month))) return false;
    const int last = days_of(date.year, date.month);
    const bool day = pattern.days.test(static_cast<std::size_t>(date.day)) || (pattern.last_day && date.day == last);
    const auto week = static_cast<std::size_t>(date.weekday);
    const auto nth = static_cast<std::size_t>((date.day - 1) / 7 + 1);
    const bool weekday = pattern.weekdays.test(week) || pattern.nth.test(week * 6 + nth) || (pattern.nth.test(week * 6) && date.day + 7 > last);
    if (pattern.any_day || pattern.any_weekday) return (pattern.any_day || day) && (pattern.any_weekday || weekday);
    return day || weekday;
}

std::tm wall_of(const Date& date, int hour, int minute, int second, int dst)
{
    std::tm wall{};
    wall.tm_year = date.year - 1900;
    wall.tm_mon = date.month - 1;
    wall.tm_mday = date.day;
    wall.tm_hour = hour;
    wall.tm_min = minute;
    wall.tm_sec = second;
    wall.tm_isdst = dst;
    return wall;
}

bool shows(const TimeZone& zone, std::time_t at, const std::tm& wall)
{
    const std::tm local = zone.local(at);
    return local.tm_mday == wall.tm_mday && local.tm_hour == wall.tm_hour && local.tm_min == wall.tm_min && local.tm_sec == wall.tm_sec && local.tm_mon == wall.tm_mon;
}

/// The first moment at which the clocks show `wall`, or, where they skip it, the first one after they have.
std::time_t first_moment(const Date& date, int hour, int minute, int second, const TimeZone& zone)
{
    std::optional<std::time_t> first;
    for (const int dst : {0, 1, -1}) {
        const std::tm wall = wall_of(date, hour, minute, second, dst);
        const std::time_t at = zone.moment(wall);
        if (shows(zone, at, wall) && (!first || at < *first)) first = at;
    }
    if (first) return *first;
    // Skipped: somewhere within a day the offset changes.
    std::time_t before = zone.moment(wall_of(date, hour, minute, second, -1)) - 86'400, after = before + 2 * 86'400;
    const auto offset = zone.local(before).tm_gmtoff;
    while (after - before > 1) {
        const std::time_t middle = before + (after - before) / 2;
        (zone.local(middle).tm_gmtoff == offset ? before : after) = middle;
    }
    return after;
}

template <std::size_t Size, typename Each>
bool any_of(const std::bitset<Size>& bits, Each&& each)
{
    for (std::size_t i = 0; i < Size; ++i)
        if (bits.test(i) && each(static_cast<int>(i))) return true;
    return false;
}

/// Whatever comes again comes again within the time after which weekdays and leap years meet anew, 2100 without its own included.
constexpr int kMostYears = 48;

Date date_of(const std::tm& local) { return {local.tm_year + 1900, local.tm_mon + 1, local.tm_mday, local.tm_wday}; }

std::optional<std::time_t> next_by_wall(const CronPattern& pattern, std::time_t after, const TimeZone& zone)
{
    Date date = date_of(zone.local(after));
    for (const int last = date.year + kMostYears; date.year <= last; date.advance()) {
        if (!is_due(pattern, date)) continue;
        std::optional<std::time_t> found;
        const bool any = any_of(pattern.hours, [&](int hour) {
            if (first_moment(date, hour, 59, 59, zone) <= after) return false;
            return any_of(pattern.minutes, [&](int minute) {
                if (first_moment(date, hour, minute, 59, zone) <= after) return false;
                return any_of(pattern.seconds, [&](int second) {
                    const std::time_t at = first_moment(date, hour, minute, second, zone);
                    if (at <= after) return false;
                    found = at;
                    return true;
                });
            });
        });
        if (any) return found;
    }
    return std::nullopt;
}

/// For every hour: as time passes, not as clocks show it.
std::optional<std::time_t> next_by_time(const CronPattern& pattern, std::time_t after, const TimeZone& zone)
{
    std::time_t at = after + 1;
    const int last = zone.local(at).tm_year + kMostYears;
    for (;;) {
        const std::tm local = zone.local(at);
        if (local.tm_year > last) return std::nullopt;
        Date date = date_of(local);
        if (!is_due(pattern, date)) {
            date.advance();
            at = std::max(at + 1, first_moment(date, 0, 0, 0, zone));
            continue;
        }
        if (!pattern.minutes.test(static_cast<std::size_t>(local.tm_min))) {
            at += 60 - local.tm_sec;
            continue;
        }
        if (pattern.seconds.test(static_cast<std::size_t>(std::min(local.tm_sec, 59)))) return at;
        ++at;
    }
}

} // namespace

std::optional<std::time_t> CronPattern::next(std::time_t after, const TimeZone& at) const
{
    return hours.all() ? next_by_time(*this, after, at) : next_by_wall(*this, after, at);
}

bool CronPattern::can_be_due() const
{
    Date date{2000, 1, 1, 6};
    for (const int last = date.year + kMostYears; date.year <= last; date.advance())
        if (is_due(*this, date)) return true;
    return false;
}

base::Result<CronPattern> parse_cron(std::string_view text)
{
    if (text.size() > kLongest) return fault("a pattern of more than 256 bytes");
    CronPattern pattern;
    std::vector<std::string> fields;
    for (const std::string& field : base::split(base::trim(text), ' '))
        if (!base::trim(field).empty()) fields.push_back(std::string(base::trim(field)));
    for (const std::string_view prefix : {"TZ=", "CRON_TZ="})
        if (!fields.empty() && fields.front().starts_with(prefix)) {
            pattern.zone = fields.front().substr(prefix.size());
            fields.erase(fields.begin());
            if (!is_zone(pattern.zone)) return fault(fmt::format("'{}' is no time zone such as Europe/Paris", base::printable(pattern.zone)));
            break;
        }
    if (fields.size() == 1 && fields.front().starts_with('@')) {
        const auto nickname = std::ranges::find(kNicknames, fields.front(), &Nickname::name);
        if (nickname == kNicknames.end()) return fault(fmt::format("'{}' is none of @yearly, @monthly, @weekly, @daily, @hourly", base::printable(fields.front())));
        fields = base::split(nickname->pattern, ' ');
    }
    if (fields.size() != 5 && fields.size() != 6)
        return fault(fmt::format("{} fields; there are five (minute, hour, day of the month, month, day of the week), or six with seconds first", fields.size()));
    if (fields.size() == 5) fields.insert(fields.begin(), "0");
    for (std::string& field : fields) field = base::printable(field);
    auto read = read_field(fields[0], kSecond, pattern.seconds);
    if (read) read = read_field(fields[1], kMinute, pattern.minutes);
    if (read) read = read_field(fields[2], kHour, pattern.hours);
    if (read) read = read_days(fields[3], pattern);
    if (read) read = read_field(fields[4], kMonth, pattern.months);
    if (read) read = read_weekdays(fields[5], pattern);
    if (!read) return base::Unexpected(read.error());
    return pattern;
}

} // namespace pm::model
