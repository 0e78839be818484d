// SPDX-License-Identifier: Apache-2.0
// Units and small languages, one row each.
#include "config/values.hpp"

#include <gtest/gtest.h>

namespace pm::config::test {
namespace {

using std::chrono::milliseconds;

TEST(Values, Sizes)
{
    struct Row {
        std::string_view text;
        std::optional<std::uint64_t> bytes;
    };
    for (const Row& row : {Row{"0", 0}, Row{"100", 100}, Row{"1K", 1024}, Row{"1k", 1024}, Row{"1KB", 1024}, Row{"1KiB", 1024},
                           Row{"1.5G", 1610612736}, Row{"2 MB", 2097152}, Row{"1T", 1099511627776}, Row{"7B", 7},
                           Row{"9223372036854775807", 9223372036854775807u}, Row{"0.5K", 512}, Row{"", {}}, Row{"K", {}},
                           Row{"-1", {}}, Row{"010", {}}, Row{"1e3", {}}, Row{"0x10", {}}, Row{"1.K", {}}, Row{".5K", {}},
                           Row{"1P", {}}, Row{"1KK", {}}, Row{"9999999999G", {}}, Row{"nan", {}}, Row{"inf", {}}})
        EXPECT_EQ(size_from(row.text), row.bytes) << row.text;
}

TEST(Values, Durations)
{
    struct Row {
        std::string_view text;
        std::optional<long> milliseconds;
    };
    for (const Row& row : {Row{"0", 0}, Row{"250", 250}, Row{"250ms", 250}, Row{"1.5s", 1500}, Row{"2 m", 120'000}, Row{"1h", 3'600'000},
                           Row{"1d", 86'400'000}, Row{"0.4ms", 0}, Row{"36500d", 3'153'600'000'000}, Row{"36501d", {}}, Row{"-1s", {}},
                           Row{"5 parsecs", {}}, Row{"1S", {}}, Row{"s", {}}, Row{"", {}}, Row{"007", {}}, Row{"1s 2ms", {}}})
        EXPECT_EQ(duration_from(row.text), row.milliseconds ? std::optional(milliseconds(*row.milliseconds)) : std::nullopt) << row.text;
}

TEST(Values, IntegersAreDecimalWithoutSpareZeros)
{
    EXPECT_EQ(integer_from("-12"), -12);
    EXPECT_EQ(integer_from("0"), 0);
    for (const std::string_view text : {"010", "-01", "0x1", "1.0", "1e2", "+1", " 1", "", "-", "9223372036854775808"})
        EXPECT_FALSE(integer_from(text)) << text;
}

TEST(Values, Umasks)
{
    EXPECT_EQ(umask_from("0022"), 022u);
    EXPECT_EQ(umask_from("77"), 077u);
    EXPECT_EQ(umask_from("0o27"), 027u);
    for (const std::string_view text : {"", "8", "1000", "00022", "-1", "0o"}) EXPECT_FALSE(umask_from(text)) << text;
}

TEST(Values, Words)
{
    using Words = std::vector<std::string>;
    EXPECT_EQ(words_from("  a  b\tc "), (Words{"a", "b", "c"}));
    EXPECT_EQ(words_from("'a b' \"c d\" e'f'g ''"), (Words{"a b", "c d", "efg", ""}));
    EXPECT_EQ(words_from("a\\ b \"\\\"\\n\" '\\'"), (Words{"a b", "\"\\n", "\\"}));
    EXPECT_EQ(words_from(""), Words{});
    EXPECT_FALSE(words_from("a 'b"));
}

TEST(Values, DateFormats)
{
    EXPECT_EQ(date_format_from("dddd D MMM YY h:m:s a"), "%A %-d %b %y %-I:%-M:%-S %P");
    EXPECT_EQ(date_format_from("[Day] DD"), "Day %d");
    EXPECT_EQ(date_format_from("%F %T"), "%F %T");
    EXPECT_EQ(date_format_from("HH:mm:ss.SSS Z ZZ"), "%H:%M:%S.%{SSS} %{Z} %z");
    EXPECT_EQ(date_format_from("MMM Do, YYYY"), "%b %{Do}, %Y");
    EXPECT_EQ(date_format_from("X x"), "%s %{x}");
    EXPECT_EQ(date_format_from("%{SSS} %%{"), "%{SSS} %%{");
    for (const char* format : {"YYYY-MM-DD HH:mm:ss.SSSSSSS", "YYYYY", "Y", "LT", "LLLL", "HH:mm GMT", "%T.%{ms}", "%{"}) {
        const auto refused = date_format_from(format);
        ASSERT_FALSE(refused) << format << ": " << *refused;
        EXPECT_NE(refused.error().message.find("is no token of day.js"), std::string::npos);
    }
}

} // namespace
} // namespace pm::config::test
