// SPDX-License-Identifier: Apache-2.0
#include "cli/logs/message_feed.hpp"

#include <array>
#include <gtest/gtest.h>
#include <stdexcept>
#include <unistd.h>

namespace pm::cli {
namespace {

TEST(MessageText, NamesTheSender)
{
    EXPECT_EQ(message_text(R"({"app":"web","id":7,"slot":1,"message":{"z":1.0,"a":"\u00e4"},"time":5})"),
              "web (id 7): {\"z\":1.0,\"a\":\"ä\"}\n");
    EXPECT_EQ(message_text(R"({"app":"web","id":0,"slot":0,"message":null,"time":5})"), "web (id 0): null\n");
    EXPECT_EQ(message_text(R"({"lost":12})"), "-- 12 messages lost: read too slowly --\n");
    EXPECT_EQ(message_text(R"({"other":1})"), "");
    EXPECT_EQ(message_text("{"), "");
}

TEST(MessageText, HasNoControlCharacters)
{
    const std::string text =
        message_text("{\"app\":\"web\",\"id\":0,\"slot\":0,\"message\":\"\\u001b[31m \xc2\x9b\x31m\",\"time\":5}");
    EXPECT_EQ(text.find('\033'), std::string::npos) << text;
    EXPECT_EQ(text.find("\xc2\x9b"), std::string::npos) << text;
}

class MessageFeedTest : public ::testing::Test {
protected:
    MessageFeedTest()
    {
        std::array<int, 2> ends{};
        if (pipe(ends.data()) < 0) throw std::runtime_error("pipe");
        ours_ = base::Fd(ends[0]);
        pmds_ = base::Fd(ends[1]);
    }
    void send(std::string_view text) const
    {
        ASSERT_EQ(write(pmds_.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
    }
    /// What take() gives; "end" behind it when that was all.
    static std::string take(MessageFeed& feed)
    {
        std::string text;
        const auto more = feed.take(text);
        return !more ? more.error().message : text + (*more ? "" : "end");
    }
    static std::string message(int number)
    {
        return "{\"app\":\"web\",\"id\":0,\"slot\":0,\"message\":" + std::to_string(number) + ",\"time\":5}\n";
    }

    base::Fd ours_, pmds_;
};

TEST_F(MessageFeedTest, JoinsPiecesAndEndsWithPmd)
{
    MessageFeed feed(std::move(ours_), false, {});
    const std::string line = message(1);
    send(line.substr(0, 10));
    EXPECT_EQ(take(feed), "");
    send(line.substr(10) + message(2) + message(3).substr(0, 5));
    EXPECT_EQ(take(feed), "web (id 0): 1\nweb (id 0): 2\n");
    pmds_.reset();
    EXPECT_EQ(take(feed), "end");
    EXPECT_FALSE(feed.is_complete());
}

TEST_F(MessageFeedTest, EndsAfterSoManyMessages)
{
    MessageFeed feed(std::move(ours_), true, 2);
    send(message(1) + "{\"lost\":7}\n");
    EXPECT_EQ(take(feed), message(1) + "{\"lost\":7}\n");
    EXPECT_FALSE(feed.is_complete());
    send(message(2) + message(3));
    EXPECT_EQ(take(feed), message(2) + "end");
    EXPECT_TRUE(feed.is_complete());
}

} // namespace
} // namespace pm::cli
