// SPDX-License-Identifier: Apache-2.0
// One call of an action, many processes: who is asked, and what the caller is told.
#include "fake_world.hpp"

namespace pm::engine::testing {
namespace {

using base::ErrorCode;

/// Processes with channels; what they are asked is answered by the test.
struct Actors final : Channels {
    std::map<std::uint32_t, model::CustomData> data; ///< by id; who is not there has no channel
    std::set<std::uint32_t> full;
    std::map<std::uint32_t, Triggered> asked;

    base::Result<void> trigger(ProcessKey key, const TriggerRequest& request, Triggered answered) override
    {
        const auto found = data.find(key.id.value);
        if (found == data.end()) return Channels::trigger(key, request, std::move(answered));
        if (!found->second.actions.contains(request.action)) return base::fail(ErrorCode::NoSuchAction, "it announced no such action");
        if (full.contains(key.id.value)) return base::fail(ErrorCode::LimitExceeded, "too much");
        asked[key.id.value] = std::move(answered);
        return {};
    }
    [[nodiscard]] const model::CustomData* custom_data(ProcessKey key) const override
    {
        const auto found = data.find(key.id.value);
        return found == data.end() ? nullptr : &found->second;
    }
    void reply(std::uint32_t id, base::Result<std::string> reply) { std::exchange(asked[id], nullptr)(std::move(reply)); }
};

class Triggers : public ::testing::Test {
protected:
    Triggers()
    {
        for (const char* name : {"web", "db"}) {
            model::AppSpec spec{.name = name, .script = "x"};
            spec.instances = {model::InstanceCount::Kind::Exact, 3};
            specs.push_back(spec);
        }
        ApplyOptions options;
        EXPECT_TRUE(supervisor.apply(specs, options, [](const Outcome&) {}));
        for (const LaunchRequest& request : launcher.launched) supervisor.on_running(request.key, 1);
        for (std::uint32_t id = 0; id < 3; ++id) actors.data[id].actions["act"] = {};
    }
    base::Result<void> trigger(const std::string& target, const std::string& action = "act")
    {
        return supervisor.trigger(target, {.action = action}, [this](const std::vector<TriggerReply>& replies) {
            ++calls;
            for (const TriggerReply& reply : replies)
                text += std::to_string(reply.id.value) + ":" + (reply.returned ? *reply.returned : reply.returned.error().message) + " ";
        });
    }

    struct Launched final : Launcher {
        std::vector<LaunchRequest> launched;
        void launch(const LaunchRequest& request) override { launched.push_back(request); }
        void adopt(const LaunchRequest&) override {}
        void terminate(ProcessKey, int) override {}
        void kill(ProcessKey) override {}
        base::Result<void> signal(ProcessKey, int) override { return {}; }
        std::optional<model::Usage> usage(ProcessKey) override { return std::nullopt; }
        base::Result<std::vector<std::string>> environment(ProcessKey) override { return std::vector<std::string>{}; }
        void adjust(const Adjustment&) override {}
        [[nodiscard]] std::string not_enforced(const model::AppSpec&) const override { return {}; }
        void forget(base::InstanceId, const std::string&, bool) override {}
    } launcher;
    struct Silent final : Events {
        void process_event(const ProcessEvent&) override {}
        void app_added(const std::string&) override {}
        void app_removed(const std::string&) override {}
        void app_changed(const std::string&) override {}
        void message(const ProcessMessage&) override {}
    } silent;
    FakeWorld world;
    Actors actors;
    Supervisor supervisor{launcher, world, actors, world, world, silent, Limits{.cpus = 1}};
    std::vector<model::AppSpec> specs;
    std::string text;
    int calls = 0;
};

TEST_F(Triggers, TheCallerHearsOfAllWhenTheLastOneHasReplied)
{
    ASSERT_TRUE(trigger("web"));
    actors.reply(2, "2");
    actors.reply(0, base::fail(ErrorCode::TimedOut, "late"));
    EXPECT_EQ(calls, 0);
    actors.reply(1, "{}");
    EXPECT_EQ(calls, 1);
    EXPECT_EQ(text, "0:late 1:{} 2:2 ") << "in order of ids";
}

TEST_F(Triggers, OnlyThoseThatHaveTheActionAreAsked)
{
    actors.data[4].actions["other"] = {};
    actors.data[1].actions.clear();
    ASSERT_TRUE(trigger("all"));
    EXPECT_EQ(actors.asked.size(), 2U);
    actors.reply(0, "a");
    actors.reply(2, "b");
    EXPECT_EQ(text, "0:a 2:b ");
    ASSERT_TRUE(trigger("2"));
    actors.reply(2, "c");
    EXPECT_EQ(text, "0:a 2:b 2:c ");
}

TEST_F(Triggers, WhyNobodyCanBeAskedIsAnError)
{
    const auto error = [&](const std::string& target, const std::string& action = "act") { return trigger(target, action).error(); };
    EXPECT_EQ(error("nobody").code, ErrorCode::NoSuchApp);
    EXPECT_EQ(error("db").code, ErrorCode::NotSupported);
    EXPECT_EQ(error("db").message, "'db': it has no message channel");
    actors.data[1].actions["stats"] = {};
    EXPECT_EQ(error("all", "nope").code, ErrorCode::NoSuchAction);
    EXPECT_EQ(error("all", "nope").message, "'all' has no action 'nope'; there are: act, stats");
    EXPECT_EQ(error("web", std::string(500, 'x')).message.size(), std::string("'web' has no action '...'; there are: act, stats").size() + 128);
    actors.data[3] = {};
    EXPECT_EQ(error("db").message, "'db' has no action 'act'; none was announced");
    for (int i = 0; i < 50; ++i) actors.data[3].actions[std::to_string(100 + i)] = {};
    EXPECT_TRUE(error("3").message.ends_with(", 119 and 30 more")) << error("3").message;
    EXPECT_EQ(trigger("web", "").error().code, ErrorCode::NoSuchAction);
    EXPECT_EQ(calls, 0);
}

TEST_F(Triggers, WhoHasTooMuchToAnswerFailsAlone)
{
    actors.full = {1};
    ASSERT_TRUE(trigger("web"));
    actors.reply(0, "a");
    actors.reply(2, "b");
    EXPECT_EQ(text, "0:a 1:too much 2:b ");
    actors.full = {0, 1, 2};
    EXPECT_EQ(trigger("web").error().code, ErrorCode::LimitExceeded);
    EXPECT_EQ(calls, 1);
}

TEST_F(Triggers, RepliesAreBoundedTogether)
{
    ASSERT_TRUE(trigger("web"));
    actors.reply(0, std::string(10 << 20, 'x'));
    actors.reply(1, std::string(10 << 20, 'x'));
    actors.reply(2, base::fail(ErrorCode::TimedOut, "late"));
    EXPECT_NE(text.find("1:all replies together are longer than 16.0M 2:late"), std::string::npos);
}

TEST_F(Triggers, WhatDoesNotRunHasNoCustomData)
{
    EXPECT_EQ(supervisor.custom_data(base::InstanceId{0}).actions.size(), 1U);
    EXPECT_TRUE(supervisor.custom_data(base::InstanceId{5}).actions.empty());
    EXPECT_TRUE(supervisor.custom_data(base::InstanceId{77}).actions.empty());
    for (const LaunchRequest& request : launcher.launched)
        if (request.key.id.value == 0) {
            ASSERT_TRUE(supervisor.operate(Verb::Stop, "0", [](const Outcome&) {}));
            supervisor.on_gone(request.key, {.kind = model::ExitInfo::Kind::Exited});
        }
    EXPECT_TRUE(supervisor.custom_data(base::InstanceId{0}).actions.empty());
    EXPECT_EQ(trigger("0").error().code, ErrorCode::NotOnline);
}

} // namespace
} // namespace pm::engine::testing
