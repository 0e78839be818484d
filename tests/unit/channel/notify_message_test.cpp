// SPDX-License-Identifier: Apache-2.0
#include "channel/notify_message.hpp"

#include <gtest/gtest.h>

namespace pm::channel {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;

TEST(NotifyMessage, SaysWhatItsLinesSay)
{
    struct Row {
        std::string_view text;
        NotifyMessage message;
    };
    const Row rows[] = {
        {"", {}},
        {"READY=1", {.ready = true}},
        {"READY=1\n", {.ready = true}},
        {std::string_view("READY=1\0", 8), {.ready = true}},
        {"READY=0", {}},
        {"READY", {}},
        {"ready=1", {}},
        {"\n\nREADY=1\nSTATUS=up\n", {.ready = true, .status = "up"}},
        {"RELOADING=1\nMONOTONIC_USEC=5", {.reloading = true}},
        {"STOPPING=1\nREADY=1", {.ready = true, .stopping = true}},
        {"WATCHDOG=1", {.alive = true}},
        {"WATCHDOG=trigger", {.trigger = true}},
        {"WATCHDOG=2", {}},
        {"WATCHDOG_USEC=20000000", {.watchdog = microseconds(20'000'000)}},
        {"WATCHDOG_USEC=0", {.watchdog = microseconds(0)}},
        {"WATCHDOG_USEC=-1", {}},
        {"WATCHDOG_USEC=18446744073709551615", {.watchdog = hours(24 * 365)}},
        {"WATCHDOG_USEC=18446744073709551616", {}},
        {"EXTEND_TIMEOUT_USEC=1500", {.more_time = microseconds(1500)}},
        {"EXTEND_TIMEOUT_USEC=1500ms", {}},
        {"MAINPID=1", {}},
        {"FDSTORE=1\nFDNAME=x", {.store = true}},
        {"BARRIER=1", {}},
        {"X_ANYTHING=1\nREADY=1", {.ready = true}},
        {"STATUS=", {.status = ""}},
        {"STATUS=a=b", {.status = "a=b"}},
        {"STATUS=one\nSTATUS=two", {.status = "one"}},
        {"ERRNO=2", {.status = "No such file or directory"}},
        {"STATUS=opening it\nERRNO=2", {.status = "opening it (No such file or directory)"}},
        {"ERRNO=0\nSTATUS=x", {.status = "x"}},
        {"ERRNO=999999\nSTATUS=x", {.status = "x"}},
    };
    for (const Row& row : rows) {
        const auto message = parse_notify(row.text);
        ASSERT_TRUE(message) << row.text;
        EXPECT_EQ(*message, row.message) << row.text << ": " << message->status.value_or("-");
    }
}

TEST(NotifyMessage, IsNothingWhenItIsTooLongOrHoldsAZeroByte)
{
    EXPECT_FALSE(parse_notify(std::string_view("READY=1\0STATUS=x", 16)));
    EXPECT_TRUE(parse_notify(std::string(kMostNotifyBytes, '\n')));
    EXPECT_FALSE(parse_notify(std::string(kMostNotifyBytes + 1, '\n')));
}

TEST(NotifyMessage, AStatusIsOneShortLineOfText)
{
    EXPECT_EQ(parse_notify("STATUS=a\x1b[31mb\xff\tc")->status->find('\x1b'), std::string::npos);
    EXPECT_EQ(parse_notify("STATUS=gr\xc3\xbc\xc3\x9f")->status, "gr\xc3\xbc\xc3\x9f");
    std::string umlauts = "STATUS=x";
    for (int i = 0; i < 1000; ++i) umlauts += "\xc3\xbc";
    const std::string status = *parse_notify(umlauts)->status;
    EXPECT_EQ(status.size(), NotifyMessage::kMostStatusBytes - 1) << "cut between two characters";
    EXPECT_TRUE(status.ends_with("\xc3\xbc"));
}

} // namespace
} // namespace pm::channel
