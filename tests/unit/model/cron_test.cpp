// SPDX-License-Identifier: Apache-2.0
#include "model/cron.hpp"

#include <cstdlib>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace pm::model {
namespace {

/// A zone by its rule, tzset(3), so that no database is needed.
class RuleZone final : public TimeZone {
public:
    explicit RuleZone(const char* rule)
    {
        setenv("TZ", rule, 1);
        tzset();
    }
    ~RuleZone() override
    {
        unsetenv("TZ");
        tzset();
    }
    [[nodiscard]] std::tm local(std::time_t at) const override
    {
        std::tm wall{};
        localtime_r(&at, &wall);
        return wall;
    }
    [[nodiscard]] std::time_t moment(std::tm wall) const override { return std::mktime(&wall); }
};

constexpr const char* kUtc = "UTC0";
constexpr const char* kParis = "CET-1CEST,M3.5.0,M10.5.0/3";      // 2026: forward on March 29 at 2:00, back on October 25 at 3:00
constexpr const char* kLordHowe = "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0"; // half an hour: forward on October 4 at 2:00, back on April 5 at 2:00
constexpr const char* kApia = "<+13>-13";

std::time_t utc(const std::string& text)
{
    std::tm wall{};
    EXPECT_NE(strptime(text.c_str(), "%Y-%m-%d %H:%M:%S", &wall), nullptr) << text;
    return timegm(&wall);
}

std::string text_of(std::time_t at)
{
    std::tm wall{};
    gmtime_r(&at, &wall);
    char buffer[32];
    return {buffer, strftime(buffer, sizeof buffer, "%Y-%m-%d %H:%M:%S", &wall)};
}

struct CronRow {
    const char* pattern;
    const char* zone;
    const char* after;              ///< UTC
    std::vector<std::string> then;  ///< UTC, one after the other
};

TEST(Cron, IsDueWhenItSays)
{
    const std::vector<CronRow> rows{
        {"* * * * *", kUtc, "2026-12-01 10:00:00", {"2026-12-01 10:01:00", "2026-12-01 10:02:00"}},
        {"* * * * *", kUtc, "2026-12-31 23:59:30", {"2027-01-01 00:00:00"}},
        {"*/15 * * * *", kUtc, "2026-12-01 10:46:00", {"2026-12-01 11:00:00", "2026-12-01 11:15:00"}},
        {"5/20 * * * *", kUtc, "2026-12-01 10:00:00", {"2026-12-01 10:05:00", "2026-12-01 10:25:00", "2026-12-01 10:45:00", "2026-12-01 11:05:00"}},
        {"30 4 * * *", kUtc, "2026-12-01 04:30:00", {"2026-12-02 04:30:00"}},
        {"*/10 * * * * *", kUtc, "2026-12-01 00:00:51", {"2026-12-01 00:01:00", "2026-12-01 00:01:10"}},
        {"59 59 23 31 12 *", kUtc, "2026-12-01 00:00:00", {"2026-12-31 23:59:59", "2027-12-31 23:59:59"}},
        {"0 9-17/4 * * MON-FRI", kUtc, "2026-12-04 13:00:00", {"2026-12-04 17:00:00", "2026-12-07 09:00:00"}},
        {"0 0 * * SUN", kUtc, "2026-12-01 00:00:00", {"2026-12-06 00:00:00"}},
        {"0 0 * * 7", kUtc, "2026-12-01 00:00:00", {"2026-12-06 00:00:00"}},
        {"0 0 * * FRI-SUN", kUtc, "2026-12-01 00:00:00", {"2026-12-04 00:00:00", "2026-12-05 00:00:00", "2026-12-06 00:00:00", "2026-12-11 00:00:00"}},
        {"0 0 13 * FRI", kUtc, "2026-12-10 00:00:00", {"2026-12-11 00:00:00", "2026-12-13 00:00:00"}}, // either day is enough
        {"0 0 29 2 *", kUtc, "2026-12-01 00:00:00", {"2028-02-29 00:00:00", "2032-02-29 00:00:00"}},
        {"0 0 29 2 *", kUtc, "2097-01-01 00:00:00", {"2104-02-29 00:00:00"}},
        {"0 0 L * *", kUtc, "2027-01-31 12:00:00", {"2027-02-28 00:00:00", "2027-03-31 00:00:00"}},
        {"0 0 * * MON#2", kUtc, "2026-12-01 00:00:00", {"2026-12-14 00:00:00", "2027-01-11 00:00:00"}},
        {"0 0 * * FRI#L", kUtc, "2026-12-01 00:00:00", {"2026-12-25 00:00:00", "2027-01-29 00:00:00"}},
        {"@daily", kUtc, "2026-12-01 00:00:00", {"2026-12-02 00:00:00"}},
        {"@weekly", kUtc, "2026-12-01 00:00:00", {"2026-12-06 00:00:00"}},
        {"@yearly", kUtc, "2026-12-01 00:00:00", {"2027-01-01 00:00:00"}},
        {"  0   12 1,15 jan,Jul ?  ", kUtc, "2026-12-01 00:00:00", {"2027-01-01 12:00:00", "2027-01-15 12:00:00", "2027-07-01 12:00:00"}},
        // Forward: 2:30 is not there and due at 3:00, which is 1:00 UTC; once.
        {"30 2 * * *", kParis, "2026-03-28 12:00:00", {"2026-03-29 01:00:00", "2026-03-30 00:30:00"}},
        {"0,30 2 * * *", kParis, "2026-03-28 12:00:00", {"2026-03-29 01:00:00", "2026-03-30 00:00:00"}},
        {"30 * * * *", kParis, "2026-03-29 00:00:00", {"2026-03-29 00:30:00", "2026-03-29 01:30:00"}},
        {"30 3 * * *", kParis, "2026-03-28 12:00:00", {"2026-03-29 01:30:00"}},
        // Back: 2:30 is there twice, at 0:30 and 1:30 UTC, and due the first time.
        {"30 2 * * *", kParis, "2026-10-24 12:00:00", {"2026-10-25 00:30:00", "2026-10-26 01:30:00"}},
        {"30 2 * * *", kParis, "2026-10-25 01:00:00", {"2026-10-26 01:30:00"}},
        {"30 * * * *", kParis, "2026-10-25 00:00:00", {"2026-10-25 00:30:00", "2026-10-25 01:30:00", "2026-10-25 02:30:00"}},
        {"15 2 * * *", kLordHowe, "2026-10-03 00:00:00", {"2026-10-03 15:30:00", "2026-10-04 15:15:00"}},
        {"45 1 * * *", kLordHowe, "2026-04-04 00:00:00", {"2026-04-04 14:45:00", "2026-04-05 15:15:00"}},
        {"0 0 * * *", kApia, "2026-12-01 00:00:00", {"2026-12-01 11:00:00"}},
    };
    for (const CronRow& row : rows) {
        const auto pattern = parse_cron(row.pattern);
        ASSERT_TRUE(pattern) << row.pattern << ": " << pattern.error().message;
        EXPECT_TRUE(pattern->can_be_due()) << row.pattern;
        const RuleZone zone(row.zone);
        std::time_t at = utc(row.after);
        for (const std::string& want : row.then) {
            const auto next = pattern->next(at, zone);
            ASSERT_TRUE(next) << row.pattern << " after " << text_of(at);
            EXPECT_EQ(text_of(*next), want) << row.pattern << " in " << row.zone << " after " << text_of(at);
            at = *next;
        }
    }
}

TEST(Cron, SaysWhatIsWrong)
{
    const std::vector<std::pair<const char*, const char*>> rows{
        {"", "0 fields"},
        {"* * * *", "4 fields; there are five"},
        {"* * * * * * *", "7 fields"},
        {"60 * * * *", "'60' is no minute (0 to 59)"},
        {"* 24 * * *", "'24' is no hour"},
        {"* * 0 * *", "'0' is no day of the month (1 to 31)"},
        {"* * * 13 *", "'13' is no month (1 to 12, or a name of three letters)"},
        {"* * * * 8", "'8' is no day of the week"},
        {"* * * FOO *", "'FOO' is no month"},
        {"*/0 * * * *", "'0' is no step of a minute"},
        {"*/x * * * *", "'x' is no step"},
        {"30-10 * * * *", "'30-10' ends before it begins"},
        {"* * * * MON#6", "1 to 5 or L"},
        {"1, * * * *", "'' is no minute"},
        {"-1 * * * *", "'' is no minute"},
        {"TZ=/home/alice/fifo @daily", "is no time zone"},
        {"TZ=:/etc/shadow @daily", "is no time zone"},
        {"TZ=../../../etc/shadow @daily", "is no time zone"},
        {"TZ= @daily", "is no time zone"},
        {"@often", "'@often' is none of"},
        {"99999999999999999999 * * * *", "is no minute"},
    };
    for (const auto& [text, why] : rows) {
        const auto pattern = parse_cron(text);
        ASSERT_FALSE(pattern) << text;
        EXPECT_NE(pattern.error().message.find(why), std::string::npos) << text << ": " << pattern.error().message;
    }
    EXPECT_FALSE(parse_cron(std::string(300, '*')));
}

TEST(Cron, IsNeverDueOnADayThatIsNotThere)
{
    for (const char* text : {"0 0 30 2 *", "0 0 31 4,6,9,11 *"}) {
        const auto pattern = parse_cron(text);
        ASSERT_TRUE(pattern) << text;
        EXPECT_FALSE(pattern->can_be_due()) << text;
        EXPECT_FALSE(pattern->next(0, RuleZone(kUtc))) << text;
    }
}

TEST(Cron, HasItsZoneInFront)
{
    EXPECT_EQ(parse_cron("TZ=Europe/Paris 0 4 * * *")->zone, "Europe/Paris");
    EXPECT_EQ(parse_cron("CRON_TZ=UTC @daily")->zone, "UTC");
    EXPECT_EQ(parse_cron("0 4 * * *")->zone, "");
}

} // namespace
} // namespace pm::model
