// SPDX-License-Identifier: Apache-2.0
// Times by pattern, as crontab(5) and PM2's `cron_restart` write them: "30 4 * * MON-FRI".
//
// Five fields (minute, hour, day of the month, month, day of the week), or six with seconds first; in each *, numbers, names of
// months and days, lists, ranges and steps; L is the last day of a month, MON#2 the second Monday of one, MON#L its last. Or @yearly, @annually, @monthly, @weekly,
// @daily, @midnight, @hourly. "TZ=Europe/Paris " or "CRON_TZ=..." in front names the time zone; without it that of the machine.
//
// Where both days are restricted, either is enough (POSIX crontab(1)). Where clocks are put forward, what is due in the hour that is
// missing is due when it would have begun; where they are put back, what is due in the hour that comes twice is due the first time. A pattern
// for every hour is due in each hour that passes.
#pragma once

#include "base/error.hpp"

#include <bitset>
#include <cstdint>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>

namespace pm::model {

/// The clocks of one place.
class TimeZone {
public:
    virtual ~TimeZone() = default;
    [[nodiscard]] virtual std::tm local(std::time_t at) const = 0;
    /// The moment at which the clocks show `wall`, as mktime(3) with its tm_isdst: some moment nearby where they never do.
    [[nodiscard]] virtual std::time_t moment(std::tm wall) const = 0;
};

struct CronPattern {
    std::bitset<60> seconds, minutes;
    std::bitset<24> hours;
    std::bitset<32> days;     ///< of the month, from 1
    std::bitset<13> months;   ///< from 1
    std::bitset<7> weekdays;  ///< from Sunday
    bool last_day = false;    ///< of the month, beside `days`
    std::bitset<7 * 6> nth;   ///< weekday * 6 + n, n from 1 to 5, or 0: the last of the month
    bool any_day = false;     ///< the day of the month is not restricted
    bool any_weekday = false;
    std::string zone;         ///< as in TZ; empty: the machine's

    /// Whether there is a day on which it is due.
    [[nodiscard]] bool can_be_due() const;
    /// The first moment after `after` at which it is due; nothing: never.
    [[nodiscard]] std::optional<std::time_t> next(std::time_t after, const TimeZone& zone) const;
};

/// Error: InvalidArgument with what is wrong, a clause that begins with what was written.
[[nodiscard]] base::Result<CronPattern> parse_cron(std::string_view text);

} // namespace pm::model
