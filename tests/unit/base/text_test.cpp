// SPDX-License-Identifier: Apache-2.0
#include "base/text.hpp"

#include <csignal>
#include <gtest/gtest.h>

namespace pm::base {
namespace {

using namespace std::chrono_literals;

TEST(Text, TrimSplitJoin)
{
    EXPECT_EQ(trim(" \t a b\r\n"), "a b");
    EXPECT_EQ(trim("  "), "");
    EXPECT_EQ(split("a,,b", ','), (std::vector<std::string>{"a", "", "b"}));
    EXPECT_EQ(split("", ','), std::vector<std::string>{""});
    EXPECT_EQ(join(split("a,b,", ','), ","), "a,b,");
}

TEST(Text, NumbersAreWholeOrNothing)
{
    EXPECT_EQ(parse_number<int>("-12"), -12);
    EXPECT_EQ(parse_number<std::uint8_t>("255"), 255);
    for (const auto* bad : {"", " 1", "1 ", "+1", "0x1", "256", "-1"}) EXPECT_FALSE(parse_number<std::uint8_t>(bad)) << bad;
}

TEST(Text, FindsTheNearestWord)
{
    EXPECT_EQ(edit_distance("restart", "restart"), 0U);
    EXPECT_EQ(edit_distance("restrat", "restart"), 1U);
    EXPECT_EQ(edit_distance("", "abc"), 3U);
    EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
    const std::string_view words[] = {"start", "restart", "stop"};
    EXPECT_EQ(nearest("restrat", words), "restart");
    EXPECT_EQ(nearest("stpo", words), "stop");
    EXPECT_FALSE(nearest("configuration", words));
    EXPECT_FALSE(nearest("x", {}));
}

TEST(Text, Durations)
{
    EXPECT_EQ(format_duration(0us), "0us");
    EXPECT_EQ(format_duration(350ms), "350ms");
    EXPECT_EQ(format_duration(1500ms), "1.5s");
    EXPECT_EQ(format_duration(1s), "1s");
    EXPECT_EQ(format_duration(59s), "59s");
    EXPECT_EQ(format_duration(125s), "2m 5s");
    EXPECT_EQ(format_duration(2min), "2m");
    EXPECT_EQ(format_duration(3h + 2min + 1s), "3h 2m");
    EXPECT_EQ(format_duration(97h), "4d 1h");
    EXPECT_EQ(format_duration(-350ms), "-350ms");
}

TEST(Text, Bytes)
{
    EXPECT_EQ(format_bytes(0), "0B");
    EXPECT_EQ(format_bytes(1023), "1023B");
    EXPECT_EQ(format_bytes(1536), "1.5K");
    EXPECT_EQ(format_bytes(34u << 20), "34.0M");
    EXPECT_EQ(format_bytes((1u << 20) - 1), "1.0M");
    EXPECT_EQ(format_bytes(UINT64_MAX), "16.0E");
}

TEST(Text, SignalsRoundTrip)
{
    int named = 0;
    for (int number = 1; number <= 64; ++number) {
        const std::string name = signal_name(number);
        if (!name.starts_with("SIG")) continue;
        ++named;
        EXPECT_EQ(signal_number(name), number);
        EXPECT_EQ(signal_number(std::string_view(name).substr(3)), number);
    }
    EXPECT_EQ(named, 30);
    EXPECT_EQ(signal_number("sigterm"), SIGTERM);
    EXPECT_EQ(signal_number("15"), SIGTERM);
    EXPECT_EQ(signal_name(77), "signal 77");
    for (const auto* bad : {"", "0", "65", "-1", "SIGNOPE", "SIG"}) EXPECT_FALSE(signal_number(bad)) << bad;
}

TEST(Text, Utf8)
{
    for (const auto* good : {"", "abc", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf"})
        EXPECT_TRUE(is_valid_utf8(good)) << good;
    for (const auto* bad : {"\x80", "\xc0\xaf", "\xc3", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xff"})
        EXPECT_FALSE(is_valid_utf8(bad)) << printable(bad);
}

TEST(Text, PrintableIsHarmless)
{
    EXPECT_EQ(to_utf8("a\x1b[31mb\n\xc3\xa4\xff."), "a\x1b[31mb\n\xc3\xa4\xef\xbf\xbd.");
    EXPECT_EQ(printable("a\x1b[31mb\n\tc\x7f"), "a?[31mb?\tc?");
    EXPECT_EQ(printable("\xc2\x9b\xc3\xa4\xff"), "?\xc3\xa4?"); // a C1 control, an umlaut, a stray byte
}

} // namespace
} // namespace pm::base
