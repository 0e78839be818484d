// SPDX-License-Identifier: Apache-2.0
#include "cli/view/replies.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace pm::cli {
namespace {

using Json = nlohmann::json;

std::vector<ActionReply> replies()
{
    return {{0, "web", R"({"ok":true})", ""}, {1, "web", "", "it did not answer within 8s"}, {4, "db", "\"\u009b31m\"", ""}};
}

TEST(Replies, ArePrintedWithTheInstance)
{
    const std::string text = replies_text(replies());
    EXPECT_TRUE(text.starts_with("web (id 0): {\"ok\":true}\ndb (id 4): ")) << text;
    EXPECT_EQ(text.find("\u009b"), std::string::npos) << "no control characters on the terminal";
}

TEST(Replies, FaultsNameTheInstance)
{
    EXPECT_EQ(reply_faults(replies()), std::vector<std::string>{"web (id 1): it did not answer within 8s"});
}

TEST(Replies, AreAllInTheJson)
{
    const Json list = Json::parse(replies_json(replies()));
    ASSERT_EQ(list.size(), 3U);
    EXPECT_EQ(list[0], (Json{{"id", 0}, {"name", "web"}, {"reply", {{"ok", true}}}, {"error", nullptr}}));
    EXPECT_EQ(list[1], (Json{{"id", 1}, {"name", "web"}, {"reply", nullptr}, {"error", "it did not answer within 8s"}}));
}

} // namespace
} // namespace pm::cli
