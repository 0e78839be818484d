// SPDX-License-Identifier: Apache-2.0
// Custom metrics and actions as programs send them, and what they may not do to pmd.
#include "channel/custom_messages.hpp"
#include "channel/node_protocol.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace pm::channel {
namespace {

using Json = nlohmann::json;
using model::CustomBounds;
using model::CustomData;

std::string monitor(const Json& data) { return Json{{"type", "axm:monitor"}, {"data", data}}.dump(); }
std::string action(const Json& data) { return Json{{"type", "axm:action"}, {"data", data}}.dump(); }

TEST(CustomMetrics, AreReadAsTheLibrariesSendThem)
{
    CustomData data;
    EXPECT_TRUE(read_metrics(R"({"type":"axm:monitor","data":{"Loop delay":{"historic":true,"unit":"ms","type":"internal/x","value":0.25},
        "users":{"value":45,"agg_type":"avg"},"hits":{"value":"12req/min","unit":"req/min"},"up":{"value":true},"raw":-7}})", data));
    const std::map<std::string, model::CustomMetric> wanted{{"Loop delay", {0.25, "ms", "internal/x"}},
                                                            {"users", {std::int64_t{45}, "", ""}},
                                                            {"hits", {std::string("12req/min"), "req/min", ""}},
                                                            {"up", {true, "", ""}},
                                                            {"raw", {std::int64_t{-7}, "", ""}}};
    EXPECT_EQ(data.metrics, wanted);
}

TEST(CustomMetrics, AreMergedAndThoseWithoutAValueChangeNothing)
{
    CustomData data;
    EXPECT_TRUE(read_metrics(monitor({{"a", {{"value", 1}}}, {"b", {{"value", 2}}}}), data));
    EXPECT_TRUE(read_metrics(monitor({{"a", {{"value", 3}}}, {"b", Json::object()}, {"c", {{"value", nullptr}}}, {"d", nullptr}}), data));
    EXPECT_EQ(data.metrics.size(), 2U);
    EXPECT_EQ(std::get<std::int64_t>(data.metrics.at("a").value), 3);
    EXPECT_EQ(std::get<std::int64_t>(data.metrics.at("b").value), 2);
}

TEST(CustomMetrics, ThatAreNoneAreLeftOutAndTold)
{
    for (const char* line : {R"("axm:monitor")", "null", "[]", R"({"type":"axm:monitor"})", R"({"type":"axm:monitor","data":[1,2]})",
                             R"({"type":"axm:monitor","data":"x"})", R"({"type":"axm:monitor","data":null})", "{",
                             R"({"type":"axm:monitor","data":{"a":[1]}})", R"({"type":"axm:monitor","data":{"a":{"value":{"b":1}}}})",
                             R"({"type":"axm:monitor","data":{"":{"value":1}}})", R"({"type":"axm:monitor","data":{"a\u001b[31m":1}})",
                             R"({"type":"axm:monitor","data":{"a\u0000b":1}})", R"({"type":"axm:monitor","data":{"a":1e999}})"}) {
        CustomData data;
        EXPECT_FALSE(read_metrics(line, data)) << line;
        EXPECT_EQ(data, CustomData()) << line;
    }
}

TEST(CustomMetrics, AreNoMoreThanTheBound)
{
    CustomData data;
    Json many = Json::object();
    for (int i = 0; i < 2000; ++i) many[fmt::format("m{:04}", i)] = 1;
    EXPECT_FALSE(read_metrics(monitor(many), data));
    EXPECT_EQ(data.metrics.size(), CustomBounds::kMetrics);
    EXPECT_FALSE(read_metrics(monitor({{"other", 1}}), data));
    EXPECT_TRUE(read_metrics(monitor({{"m0000", 2}}), data)) << "those that are there go on";
    EXPECT_EQ(std::get<std::int64_t>(data.metrics.at("m0000").value), 2);
    Json million = Json::object();
    for (int i = 0; i < 300'000; ++i) million[std::to_string(i)] = 1;
    CustomData none;
    EXPECT_FALSE(read_metrics(monitor(million), none)) << "a message that long is not looked into";
    EXPECT_TRUE(none.metrics.empty());
}

TEST(CustomMetrics, HaveNamesAndTextsOfSomeLengthOnly)
{
    CustomData data;
    EXPECT_TRUE(read_metrics(monitor({{std::string(CustomBounds::kName, 'n'), std::string(CustomBounds::kText, 'v')}}), data));
    EXPECT_FALSE(read_metrics(monitor({{std::string(CustomBounds::kName + 1, 'n'), 1}}), data));
    EXPECT_FALSE(read_metrics(monitor({{"v", std::string(CustomBounds::kText + 1, 'v')}}), data));
    EXPECT_EQ(data.metrics.size(), 1U);
    EXPECT_FALSE(read_metrics(monitor({{"u", {{"value", 1}, {"unit", std::string(CustomBounds::kWord + 1, 'u')}}}}), data));
    EXPECT_EQ(data.metrics.at("u").unit, "") << "the metric is there, its unit is not";
    EXPECT_FALSE(read_metrics(monitor({{"t", {{"value", 1}, {"type", 5}}}}), data));
    EXPECT_TRUE(read_metrics(monitor({{"esc", "\x1b[31m"}}), data));
    EXPECT_EQ(std::get<std::string>(data.metrics.at("esc").value).find('\x1b'), std::string::npos);
}

TEST(CustomMetrics, InDeepJsonAreNotEvenLookedAt)
{
    const std::string deep = R"({"type":"axm:monitor","data":{"a":)" + std::string(100'000, '[') + std::string(100'000, ']') + "}}";
    EXPECT_EQ(read_message(deep).kind, NodeMessage::Kind::Malformed);
}

TEST(CustomActions, AreReadAsTheLibrariesSendThem)
{
    CustomData data;
    EXPECT_TRUE(read_action(action({{"action_name", "km:heapdump"}, {"action_type", "internal"}, {"arity", 1}}), data));
    EXPECT_TRUE(read_action(action({{"action_name", "toto"}, {"opts", nullptr}, {"arity", 2}}), data)); // tx2
    EXPECT_TRUE(read_action(action({{"action_name", "db:clean"}, {"opts", {{"comment", "tidies"}}}}), data)); // pmx
    EXPECT_TRUE(read_action(action({{"action_name", "x"}, {"comment", "does x"}, {"arity", -1}}), data));
    const std::map<std::string, model::CustomAction> wanted{
        {"km:heapdump", {"internal", 1, ""}}, {"toto", {"", 2, ""}}, {"db:clean", {"", 0, "tidies"}}, {"x", {"", 0, "does x"}}};
    EXPECT_EQ(data.actions, wanted);
}

TEST(CustomActions, AreBounded)
{
    CustomData data;
    for (const Json& from : {Json(), Json(1), Json::object(), Json{{"action_name", 1}}, Json{{"action_name", ""}}, Json{{"action_name", "a\n"}},
                             Json{{"action_name", std::string(CustomBounds::kName + 1, 'a')}}})
        EXPECT_FALSE(read_action(action(from), data)) << from;
    EXPECT_TRUE(data.actions.empty());
    EXPECT_FALSE(read_action(action({{"action_name", "long"}, {"comment", std::string(CustomBounds::kText + 1, 'c')}}), data));
    EXPECT_EQ(data.actions.at("long").comment, "");
    for (std::size_t i = 1; i < CustomBounds::kActions; ++i)
        EXPECT_TRUE(read_action(action({{"action_name", std::to_string(i)}}), data)) << i;
    EXPECT_FALSE(read_action(action({{"action_name", "one more"}}), data));
    EXPECT_EQ(data.actions.size(), CustomBounds::kActions);
}

TEST(CustomReplies, AreTheMemberReturn)
{
    EXPECT_EQ(read_return(R"({"type":"axm:reply","data":{"action_name":"a","return":{"b":[1, "ä"]}}})").value_or("none"), R"({"b":[1,"ä"]})");
    EXPECT_EQ(read_return(R"({"type":"axm:reply","data":{"action_name":"a"}})").value_or("none"), "null");
    EXPECT_EQ(read_return(R"({"type":"axm:reply","data":[]})").value_or("none"), "null");
    const auto error = read_return(R"({"type":"axm:reply","data":{"return":")" + std::string(1 << 20, 'x') + "\"}}");
    ASSERT_FALSE(error);
    EXPECT_EQ(error.error().code, base::ErrorCode::LimitExceeded);
}

TEST(CustomReplies, TellTheirActionHoweverLongTheyAre)
{
    const auto of = [](std::string_view line) { return read_message(line).action; };
    EXPECT_EQ(of(R"({"type":"axm:reply","data":{"return":{"action_name":"no"},"action_name":"yes","x":[]}})"), "yes");
    EXPECT_EQ(of(R"({"data":{"action_name":"first"},"type":"axm:reply"})"), "first");
    EXPECT_EQ(of(R"({"type":"axm:reply","data":{"return":")" + std::string(3 << 20, 'x') + R"(","action_name":"a"}})"), "a");
    for (const char* line : {R"({"action_name":"a"})", R"({"data":["action_name","a"]})", R"({"data":{"action_name":["a"]}})",
                             R"({"other":{"action_name":"a"}})", R"({"data":1,"x":{"action_name":"a"}})", R"("action_name")"})
        EXPECT_EQ(of(line), "") << line;
    EXPECT_EQ(read_message(R"({"a":{"type":"x"},"type":"axm:monitor","data":{"type":"y"}})").type, "axm:monitor");
}

TEST(CustomActions, AreCalledAsPm2DoesIt)
{
    EXPECT_EQ(action_call("flush", "", base::InstanceId{3}), "\"flush\"\n");
    EXPECT_EQ(Json::parse(action_call("flush", "all \"x\"\n", base::InstanceId{3})), (Json{{"msg", "flush"}, {"opts", "all \"x\"\n"}, {"id", 3}}));
}

} // namespace
} // namespace pm::channel
