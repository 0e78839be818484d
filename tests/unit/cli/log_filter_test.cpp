// SPDX-License-Identifier: Apache-2.0
// Which lines are shown, and the times people type.
#include "cli/logs/log_feed.hpp"
#include "cli/logs/log_filter.hpp"
#include "cli/logs/log_time.hpp"

#include <cstdlib>
#include <ctime>
#include <gtest/gtest.h>

namespace pm::cli {
namespace {

constexpr std::uint64_t kSecond = 1'000'000;
/// Wed 2026-11-25 10:20:30.500 UTC.
constexpr std::uint64_t kNow = 1'795'602'030 * kSecond + 500'000;
constexpr std::uint64_t kMidnight = 1'795'564'800 * kSecond;

class LogTime : public testing::Test {
protected:
    void SetUp() override { zone("UTC"); }
    void TearDown() override { zone("UTC"); }
    static void zone(const char* name)
    {
        setenv("TZ", name, 1);
        tzset();
    }
};

TEST_F(LogTime, UnderstandsPlainForms)
{
    struct Row {
        std::string_view text;
        std::uint64_t time;
    };
    for (const auto& [text, time] : {
             Row{"now", kNow},
             {"today", kMidnight},
             {"yesterday", kMidnight - 86'400 * kSecond},
             {"tomorrow", kMidnight + 86'400 * kSecond},
             {"2026-11-25", kMidnight},
             {"2026-11-25 10:00", kMidnight + 36'000 * kSecond},
             {"2026-11-25T10:00", kMidnight + 36'000 * kSecond},
             {"2026-11-25 10:00:07", kMidnight + 36'007 * kSecond},
             {"2026-11-25T10:00:07Z", kMidnight + 36'007 * kSecond},
             {"10:00", kMidnight + 36'000 * kSecond},
             {"10:00:07", kMidnight + 36'007 * kSecond},
             {" 10:00 ", kMidnight + 36'000 * kSecond},
             {"-1h", kNow - 3600 * kSecond},
             {"-1h 30min", kNow - 5400 * kSecond},
             {"-1h30min", kNow - 5400 * kSecond},
             {"-5", kNow - 5 * kSecond},
             {"10 min ago", kNow - 600 * kSecond},
             {"2 days ago", kNow - 172'800 * kSecond},
             {"1 week ago", kNow - 604'800 * kSecond},
             {"500ms ago", kNow - 500'000},
             {"+5s", kNow + 5 * kSecond},
             {"@1700000000", 1'700'000'000 * kSecond},
             {"-900 years", 0},
         })
        EXPECT_EQ(parse_log_time(text, kNow), time) << text;
}

TEST_F(LogTime, IsLocalUnlessItSaysUtc)
{
    zone("CET-1");
    EXPECT_EQ(parse_log_time("2026-11-25 10:00", kNow), kMidnight + 9 * 3600 * kSecond);
    EXPECT_EQ(parse_log_time("2026-11-25 10:00 UTC", kNow), kMidnight + 10 * 3600 * kSecond);
    EXPECT_EQ(parse_log_time("today", kNow), kMidnight - 3600 * kSecond);
}

TEST_F(LogTime, RefusesTheRest)
{
    for (const auto* text : {"", "soon", "-", "-1 parsec", "ago", "1h", "min ago", "-1h x", "2026-02-30", "2026-13-01", "2026-11-25 25:00",
                             "10:00x", "@", "@x", "-99999999999999999999s", "-9999999999999999y", "-1.5h", "1 2 ago x"})
        EXPECT_FALSE(parse_log_time(text, kNow)) << text;
}

LogLine line(std::string text, std::string stream = "out", std::optional<std::uint64_t> time = {}, std::optional<int> priority = {})
{
    return {"web", 0, 0, std::move(stream), std::move(text), time, priority};
}

LogFilter grep(const std::string& expression)
{
    LogFilter filter;
    auto pattern = LinePattern::compile(expression);
    EXPECT_TRUE(pattern) << expression;
    if (pattern) filter.pattern = std::move(*pattern);
    return filter;
}

bool shows(const LogFilter& filter, const LogLine& one) { return filter.judge(one) == LogFilter::Verdict::Shown; }

TEST(LogFilter, FindsPatterns)
{
    EXPECT_TRUE(shows(grep("time-?out"), line("a Timeout!")));
    EXPECT_TRUE(shows(grep("Time"), line("a Timeout")));
    EXPECT_FALSE(shows(grep("Time"), line("a timeout")));
    EXPECT_TRUE(shows(grep("^a|b$"), line("xb")));
    EXPECT_FALSE(shows(grep("^b"), line("ab")));
    EXPECT_TRUE(shows(grep("c"), line(std::string("a\0c", 3))));
    EXPECT_TRUE(shows(grep("^$"), line("")));
    EXPECT_TRUE(shows(grep("x$"), line(std::string(1 << 20, 'y') + "x"))); // std::regex would run out of stack
    EXPECT_TRUE(shows(grep("ошибка"), line("Ошибка: нет места"))); // case in all languages
    EXPECT_FALSE(shows(grep("Ошибка"), line("ошибка")));
    EXPECT_TRUE(shows(grep("^caf.$"), line("café"))); // '.' is a character, not a byte
    EXPECT_TRUE(shows(grep("^[а-я]+$"), line("ошибка")));
    EXPECT_FALSE(shows(grep("^[а-я]+$"), line("ошибка1")));
    EXPECT_TRUE(shows(grep("^\\w+$"), line("naïve_日本1")));
    EXPECT_FALSE(shows(grep("\\W"), line("naïve")));
    EXPECT_TRUE(shows(grep("^[[:alpha:]]+$"), line("ошибка")));
    EXPECT_TRUE(shows(grep("^[[:upper:]]{2}$"), line("ЖЁ")));
    EXPECT_TRUE(shows(grep("^[]x]+$"), line("]x")));
    EXPECT_TRUE(shows(grep("\\<out\\>"), line("time out!")));
    EXPECT_TRUE(shows(grep("out"), line("\xff\xfe out"))); // what is not UTF-8 hides nothing else
    EXPECT_FALSE(shows(grep("\\S"), line("")));
    const auto wrong = LinePattern::compile("a(");
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().status, kUsage);
    EXPECT_NE(wrong.error().message.find("--grep 'a('"), std::string::npos);
}

TEST(LogFilter, ComparesTimes)
{
    LogFilter filter;
    EXPECT_FALSE(filter.is_active());
    filter.since = 10;
    filter.until = 20;
    EXPECT_TRUE(filter.is_active());
    EXPECT_FALSE(shows(filter, line("x", "out", 9)));
    EXPECT_TRUE(shows(filter, line("x", "out", 10)));
    EXPECT_TRUE(shows(filter, line("x", "out", 20)));
    EXPECT_FALSE(shows(filter, line("x", "out", 21)));
    EXPECT_EQ(filter.judge(line("x")), LogFilter::Verdict::UnknownTime);
}

TEST(LogFilter, KnowsTheStreamAndThePriority)
{
    LogFilter filter;
    filter.stream = "err";
    EXPECT_TRUE(shows(filter, line("x", "err")));
    EXPECT_FALSE(shows(filter, line("x", "out")));
    EXPECT_FALSE(shows(filter, line("x", "log")));
    EXPECT_FALSE(filter.is_active());

    LogFilter warnings;
    warnings.priority = 4;
    EXPECT_FALSE(shows(warnings, line("x", "out", 1, 6)));
    EXPECT_TRUE(shows(warnings, line("x", "out", 1, 4)));
    // Lines of files have none; what the journal would take is taken.
    EXPECT_FALSE(shows(warnings, line("x", "err")));
    EXPECT_TRUE(shows(warnings, line("<3>x", "out")));
    EXPECT_FALSE(shows(warnings, line("<7>x", "err")));
    EXPECT_FALSE(shows(warnings, line("<8>x", "err")));
    warnings.priority = 5;
    EXPECT_TRUE(shows(warnings, line("x", "err")));
    EXPECT_FALSE(shows(warnings, line("x", "out")));
}

TEST(LogLine, PrioritiesHaveNamesAndNumbers)
{
    EXPECT_EQ(priority_from("emerg"), 0);
    EXPECT_EQ(priority_from("warning"), 4);
    EXPECT_EQ(priority_from("debug"), 7);
    EXPECT_EQ(priority_from("3"), 3);
    for (const auto* word : {"", "8", "-1", "warn", "33"}) EXPECT_FALSE(priority_from(word)) << word;
}

TEST(PieceFilter, JudgesWhatThereIsOfALine)
{
    LogFilter filter;
    filter.pattern = *LinePattern::compile("time.*out");
    PieceFilter pieces(filter);
    const auto judge = [&](std::string text, bool continued, bool partial) -> std::string {
        LogLine line{"web", 1, 0, "out", std::move(text), 5, {}, continued, partial, {}};
        return pieces.judge(line) == LogFilter::Verdict::Shown ? line.text : "-";
    };
    EXPECT_EQ(judge("a time", false, true), "-");
    EXPECT_EQ(judge("is out", true, true), "a timeis out");
    EXPECT_EQ(judge(" of joint", true, false), " of joint");
    EXPECT_EQ(judge("out", true, false), "-"); // of a line that began before anybody looked
    EXPECT_EQ(judge("time", false, true), "-");
    EXPECT_EQ(judge("out", false, false), "-") << "another line";
    EXPECT_EQ(judge("timeout", false, false), "timeout");
}

TEST(LogLine, ComesBackFromJson)
{
    const auto full = line_from_json(to_json({"a\"b", 7, 1, "err", "x\n\xff", 99, 3}));
    ASSERT_TRUE(full);
    EXPECT_EQ(full->app, "a\"b");
    EXPECT_EQ(full->id, 7u);
    EXPECT_EQ(full->slot, 1u);
    EXPECT_EQ(full->stream, "err");
    EXPECT_EQ(full->text, "x\n\xef\xbf\xbd");
    EXPECT_EQ(full->time, 99u);
    EXPECT_EQ(full->priority, 3);
    EXPECT_EQ(to_json({"a", {}, {}, "out", "x", {}, {}}), R"({"app":"a","stream":"out","line":"x"})");
    const auto piece = line_from_json(to_json({"a", {}, {}, "out", "x", {}, {}, true, true, {}}));
    ASSERT_TRUE(piece);
    EXPECT_TRUE(piece->continued && piece->partial);
    for (const auto* odd : {"", "{", "[]", R"({"lost": 3})", R"({"history":"end"})", "nonsense"}) EXPECT_FALSE(line_from_json(odd)) << odd;
}

} // namespace
} // namespace pm::cli
