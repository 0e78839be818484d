// SPDX-License-Identifier: Apache-2.0
#include "policy/changes.hpp"
#include "policy/count.hpp"
#include "policy/serving.hpp"
#include "policy/status.hpp"
#include "policy/target.hpp"

#include <chrono>
#include <gtest/gtest.h>

namespace pm::policy {
namespace {

using base::ErrorCode;

TEST(Count, IsAbsoluteRelativeOrPerCpu)
{
    const auto count = [](std::string_view text) { return parse_count(text, 3, 8).value_or(0); };
    EXPECT_EQ(count("4"), 4U);
    EXPECT_EQ(count("+2"), 5U);
    EXPECT_EQ(count("-2"), 1U);
    EXPECT_EQ(count("max"), 8U);
    EXPECT_EQ(count("max-1"), 7U);
    EXPECT_EQ(count("max+1"), 9U);
    for (const auto* bad : {"", "0", "-3", "max-8", "max1", "maxx", "+", "-", "--1", "+-1", "1.5", " 1", "4 ", "x",
                            "99999999999", "+4294967295"})
        EXPECT_EQ(parse_count(bad, 3, 8).error().code, ErrorCode::InvalidArgument) << bad;
}

TEST(Target, IsAllAPatternOrAWord)
{
    EXPECT_EQ(parse_target("all")->kind, Target::Kind::All);
    EXPECT_EQ(parse_target("/web/")->kind, Target::Kind::Pattern);
    EXPECT_EQ(parse_target("web")->kind, Target::Kind::Word);
    EXPECT_FALSE(parse_target("web")->id);
    EXPECT_EQ(parse_target("12")->id, base::InstanceId{12});
    EXPECT_EQ(parse_target("//")->kind, Target::Kind::Word);
    for (const auto& bad : {std::string(), std::string(5000, 'x'), std::string("/[/"), std::string("/a)|(b/"),
                            std::string("/((a{100}){100}){100}/"), std::string("/(a)\\1/"), std::string("/a(?=b)/"), "/" + std::string(60, 'x') + "(\\pL{30})*/", "/" + std::string(257, 'a') + "/"})
        EXPECT_EQ(parse_target(bad).error().code, ErrorCode::InvalidArgument) << bad;
}

TEST(NamePattern, SearchesInTheName)
{
    const auto matches = [](std::string_view pattern, std::string_view name) {
        return NamePattern::compile(pattern)->matches(name);
    };
    EXPECT_TRUE(matches("echo-[1,2]", "my-echo-1"));
    EXPECT_FALSE(matches("echo-[1,2]", "echo-3"));
    EXPECT_TRUE(matches("^web", "web-1"));
    EXPECT_FALSE(matches("^web", "my-web"));
    EXPECT_TRUE(matches("a|b$", "xb"));
    EXPECT_TRUE(matches("\\d+", "web12"));
    EXPECT_TRUE(matches("\\{", "a{b"));
    EXPECT_TRUE(matches("^[a-z]{2,3}$", "web"));
    EXPECT_TRUE(matches("^.$", "é"));
    EXPECT_FALSE(matches("x", ""));
    EXPECT_FALSE(matches("x", std::string(1000, 'x'))); // longer than any name
}

TEST(NamePattern, IsNotSlowedByHostilePatterns)
{
    const std::string name(256, 'a');
    std::string starred;
    while (starred.size() < 250) starred += "(a)*";
    const auto start = std::chrono::steady_clock::now();
    for (const std::string& pattern : {std::string("(a*)*b"), std::string("(a|aa)+$x"), std::string("(.*)*(.*)*(.*)*c"), std::string("((((a+)+)+)+)+!"), starred + "b"}) {
        const auto compiled = NamePattern::compile(pattern);
        ASSERT_TRUE(compiled) << compiled.error().message;
        for (int i = 0; i < 1000; ++i) ASSERT_FALSE(compiled->matches(name)) << pattern; // as many apps of such names
    }
    for (const auto& deep : {std::string(120, '(') + "a" + std::string(120, ')'), std::string(255, '*')})
        if (const auto pattern = NamePattern::compile(deep)) (void)pattern->matches(name);
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5)); // the last one took minutes with std::regex
}

TEST(SpecChanges, NamesKeysAsTheFileDoes)
{
    model::AppSpec before, after;
    EXPECT_TRUE(spec_changes(before, after).empty());
    after.instances.number = 4;
    EXPECT_TRUE(spec_changes(before, after).empty());
    after.args = {"x"};
    after.env["A"] = "1";
    after.restart.max_restarts = 1;
    after.logs.out_file = "/x";
    EXPECT_EQ(spec_changes(before, after),
              (std::vector<std::string_view>{"args", "env", "max_restarts", "out_file"}));
}

TEST(Neediest, IsTheWorstAndTheFirst)
{
    using model::Status;
    std::vector<model::InstanceSnapshot> list;
    EXPECT_FALSE(neediest(list));
    std::size_t at = 0;
    for (const Status status : {Status::Online, Status::Stopped, Status::Starting, Status::Waiting, Status::Stopping, Status::Backoff,
                                Status::Errored}) {
        list.push_back({.status = status});
        list.push_back({.status = status});
        EXPECT_EQ(neediest(list), at);
        at += 2;
    }
}

TEST(SharingOf, IsInTurnWhereSharedIsBalancedEvenly)
{
    model::AppSpec spec;
    spec.script = "a.js";
    spec.instances_given = true;
    EXPECT_EQ(sharing_of(spec), model::ClusterMode::RoundRobin);
    spec.serving.balance = model::Balance::Shared;
    EXPECT_EQ(sharing_of(spec), model::ClusterMode::Shared);
    spec.serving.cluster = model::ClusterMode::RoundRobin;
    EXPECT_EQ(sharing_of(spec), model::ClusterMode::RoundRobin);
    spec.serving.cluster = model::ClusterMode::ReusePort;
    EXPECT_EQ(sharing_of(spec), model::ClusterMode::ReusePort);
}

TEST(ClusterOf, IsChosenByTheProgram)
{
    using Mode = model::ClusterMode;
    struct Program {
        std::optional<std::string> interpreter;
        std::string script;
        std::int32_t instances; ///< 0: not given
        Mode mode;
    };
    const Program rows[] = {
        {{}, "a.js", 0, Mode::None},          {{}, "a.js", 1, Mode::Shared},         {"/opt/node", "a", 4, Mode::Shared},
        {"bun", "a.js", 0, Mode::None},       {"bun", "a.js", 1, Mode::Transparent}, {{}, "a.ts", 2, Mode::Transparent},
        {"deno", "a.js", 1, Mode::None},      {"deno", "a.js", 2, Mode::Transparent}, {"none", "server", 3, Mode::Transparent},
        {{}, "npm start", 2, Mode::Transparent}, {{}, "node a.js", 2, Mode::Transparent},
    };
    for (const Program& row : rows) {
        model::AppSpec spec;
        spec.interpreter = row.interpreter;
        spec.script = row.script;
        spec.instances_given = row.instances > 0;
        if (row.instances > 0) spec.instances = {.number = row.instances};
        EXPECT_EQ(cluster_of(spec), row.mode) << row.interpreter.value_or("-") << " " << row.script << " " << row.instances;
        spec.listen.resize(1);
        EXPECT_EQ(cluster_of(spec), Mode::None) << row.script;
    }
}

TEST(ReloadHint, IsForWhatNobodyAskedFor)
{
    model::AppSpec spec;
    spec.script = "server";
    const auto has = [&](std::string_view part, bool migrates = false) { return reload_hint_of(spec, migrates).find(part) != std::string::npos; };
    EXPECT_TRUE(has("restarts it"));
    spec.serving.reload.mode = model::ReloadMode::Restart;
    EXPECT_EQ(reload_hint_of(spec, false), "");
    spec.serving.reload.mode = model::ReloadMode::Signal;
    EXPECT_EQ(reload_hint_of(spec, false), "");
    spec.serving.reload.mode.reset();
    spec.instances = {.number = 3};
    spec.instances_given = true;
    EXPECT_EQ(reload_hint_of(spec, false), "");
    spec.serving.cluster = model::ClusterMode::ReusePortBpf;
    EXPECT_TRUE(has("tcp_migrate_req"));
    EXPECT_FALSE(has("tcp_migrate_req", true));
}

} // namespace
} // namespace pm::policy
