// SPDX-License-Identifier: Apache-2.0
// What processes announce is kept as long as they are there; an action that is triggered has one end, whatever they do.
#include "fake_workers.hpp"

namespace pm::channel::test {
namespace {

using base::ErrorCode;
using engine::TriggerRequest;

/// The ends of calls, in order: "web/0: reply", or the code and the message of an error.
class CustomWorkers : public FakeWorkers {
protected:
    CustomWorkers() { mode = ClusterMode::None; }

    void announce(const Worker& worker, const std::string& name) const
    {
        worker.say({{"type", "axm:action"}, {"data", {{"action_name", name}, {"arity", 1}}}});
    }
    static void reply(const Worker& worker, const std::string& name, const json& value)
    {
        worker.say({{"type", "axm:reply"}, {"data", {{"action_name", name}, {"return", value}}}});
    }
    /// A worker that has one action, "act".
    Worker actor(std::uint32_t slot = 0)
    {
        Worker worker = join(slot);
        announce(worker, "act");
        EXPECT_TRUE(until([&] { return !channels->custom_data(last)->actions.empty(); }));
        return worker;
    }
    base::Result<void> trigger(ProcessKey key, const TriggerRequest& request)
    {
        return channels->trigger(key, request, [this](const base::Result<std::string>& reply) {
            ends.push_back(reply ? *reply : std::string(base::dbus_name(reply.error().code)).substr(15) + ": " + reply.error().message);
        });
    }
    bool until_ends(std::size_t count)
    {
        return until([&] { return ends.size() >= count; });
    }

    std::vector<std::string> ends;
};

TEST_F(CustomWorkers, MetricsAreThoseOfTheProcess)
{
    Worker a = join(0);
    const ProcessKey first = last;
    Worker b = join(1);
    a.say({{"type", "axm:monitor"}, {"data", {{"users", {{"value", 4}, {"unit", "people"}}}}}});
    ASSERT_TRUE(until([&] { return !channels->custom_data(first)->metrics.empty(); }));
    EXPECT_EQ(channels->custom_data(first)->metrics.at("users").unit, "people");
    EXPECT_TRUE(channels->custom_data(last)->metrics.empty());
    channels->ended(first);
    EXPECT_EQ(channels->custom_data(first), nullptr) << "they die with it";
    EXPECT_TRUE(warnings.empty());
}

TEST_F(CustomWorkers, WhatIsForTheManagerIsNotPassedOn)
{
    Worker a = join(0);
    for (const char* type : {"axm:monitor", "axm:action", "axm:option:configuration"}) a.say({{"type", type}, {"data", json::object()}});
    for (const char* type : {"axm:reply", "axm:other", "human:event"}) a.say({{"type", type}, {"data", {{"action_name", "act"}}}});
    ASSERT_TRUE(until([&] { return said[last].messages.size() == 3; }));
    EXPECT_NE(said[last].messages[0].find("axm:reply"), std::string::npos) << "nobody waited for it here";
    EXPECT_NE(said[last].messages[1].find("axm:other"), std::string::npos);
    EXPECT_NE(said[last].messages[2].find("human:event"), std::string::npos);
}

TEST_F(CustomWorkers, WhatIsTooMuchIsIgnoredAndToldOnce)
{
    Worker a = join(0), b = join(1);
    for (int round = 0; round < 3; ++round) {
        json many = json::object();
        for (int i = 0; i < 400; ++i) many[std::to_string(1000 * round + i)] = i;
        a.say({{"type", "axm:monitor"}, {"data", many}});
        announce(a, std::string(1000, 'n'));
    }
    a.say("\"ready\"");
    a.say("ready");
    ASSERT_TRUE(until([&] { return said[{base::InstanceId{0}, base::Generation{1}}].ready.contains(ReadyWhen::Ipc); }));
    EXPECT_EQ(channels->custom_data({base::InstanceId{0}, base::Generation{1}})->metrics.size(), model::CustomBounds::kMetrics);
    ASSERT_EQ(warnings.size(), 1U);
    EXPECT_NE(warnings[0].find("too many or too long"), std::string::npos) << warnings[0];
    b.say({{"type", "axm:action"}, {"data", "nonsense"}});
    EXPECT_TRUE(until([&] { return warnings.size() == 2; })) << "another process";
}

TEST_F(CustomWorkers, AReplyEndsTheOldestCallOfItsAction)
{
    Worker a = actor();
    announce(a, "other");
    ASSERT_TRUE(until([&] { return channels->custom_data(last)->actions.size() == 2; }));
    ASSERT_TRUE(trigger(last, {.action = "act"}));
    ASSERT_TRUE(trigger(last, {.action = "other", .params = "x"}));
    ASSERT_TRUE(trigger(last, {.action = "act"}));
    EXPECT_EQ(hear(a), "act");
    EXPECT_EQ(hear(a), (json{{"msg", "other"}, {"opts", "x"}, {"id", 0}}));
    EXPECT_EQ(hear(a), "act");
    reply(a, "unknown", 0);
    reply(a, "other", "o");
    reply(a, "act", 1);
    reply(a, "act", {{"n", 2}});
    reply(a, "act", 3);
    ASSERT_TRUE(until([&] { return said[last].messages.size() == 2; })) << "what nobody waits for is a message as any other";
    EXPECT_EQ(ends, (std::vector<std::string>{"\"o\"", "1", R"({"n":2})"}));
}

TEST_F(CustomWorkers, WhatCannotBeTriggeredIsToldAtOnce)
{
    Worker a = actor();
    a.say({{"type", "axm:action"}, {"data", {{"action_name", "flow"}, {"action_type", "scoped"}}}});
    ASSERT_TRUE(until([&] { return channels->custom_data(last)->actions.size() == 2; }));
    EXPECT_EQ(trigger(last, {.action = "none"}).error().code, ErrorCode::NoSuchAction);
    EXPECT_EQ(trigger(last, {.action = "flow"}).error().code, ErrorCode::NotSupported);
    EXPECT_EQ(trigger({base::InstanceId{9}, base::Generation{1}}, {.action = "act"}).error().code, ErrorCode::NotSupported);
    for (std::size_t i = 0; i < NodeTriggers::kMostOfProcess; ++i) EXPECT_TRUE(trigger(last, {.action = "act"}));
    EXPECT_EQ(trigger(last, {.action = "act"}).error().code, ErrorCode::LimitExceeded);
    reply(a, "act", 1);
    ASSERT_TRUE(until_ends(1));
    EXPECT_TRUE(trigger(last, {.action = "act"})) << "there is room again";
}

TEST_F(CustomWorkers, WhoDoesNotReplyIsNotWaitedForLonger)
{
    Worker a = actor(0);
    const ProcessKey stuck = last;
    Worker b = actor(1);
    ASSERT_TRUE(trigger(stuck, {.action = "act", .timeout = std::chrono::seconds(60)}));
    ASSERT_TRUE(trigger(stuck, {.action = "act", .timeout = std::chrono::milliseconds(30)}));
    ASSERT_TRUE(trigger(last, {.action = "act"}));
    reply(b, "act", "b");
    ASSERT_TRUE(until_ends(1));
    EXPECT_EQ(ends[0], "\"b\"") << "holds nobody else";
    ASSERT_TRUE(until_ends(2));
    EXPECT_EQ(ends[1], "TimedOut: it did not answer within 30ms");
    reply(a, "act", "late");
    ASSERT_TRUE(until_ends(3));
    EXPECT_EQ(ends[2], "\"late\"") << "for the one that still waits";
}

TEST_F(CustomWorkers, AProcessThatEndsIsHeardToItsEnd)
{
    Worker a = actor();
    ASSERT_TRUE(trigger(last, {.action = "act"}));
    ASSERT_TRUE(trigger(last, {.action = "act"}));
    reply(a, "act", "bye");
    channels->ended(last);
    ASSERT_TRUE(until_ends(2));
    EXPECT_EQ(ends, (std::vector<std::string>{"\"bye\"", "NotOnline: the process ended before it answered"}));
}

TEST_F(CustomWorkers, AChannelThatCloses)
{
    Worker a = actor(0);
    const ProcessKey first = last;
    Worker b = actor(1);
    ASSERT_TRUE(trigger(first, {.action = "act"}));
    ASSERT_TRUE(trigger(last, {.action = "act"}));
    a.fd.reset();
    b.fd.reset();
    ASSERT_TRUE(until([&] {
        const auto sent = channels->send(last, "1");
        return !sent && sent.error().code == ErrorCode::NotSupported;
    }));
    EXPECT_EQ(trigger(last, {.action = "act"}).error().code, ErrorCode::NotSupported);
    channels->ended(last);
    ASSERT_TRUE(until_ends(2));
    EXPECT_EQ(ends, (std::vector<std::string>{"NotOnline: the process ended before it answered",
                                              "NotSupported: it closed its message channel before it answered"}));
}

TEST_F(CustomWorkers, AReplyThatIsTooLongIsNone)
{
    Worker a = actor();
    ASSERT_TRUE(trigger(last, {.action = "act"}));
    beside([&] { reply(a, "act", std::string(2 << 20, 'x')); });
    ASSERT_TRUE(until_ends(1));
    EXPECT_EQ(ends[0], "LimitExceeded: its reply is longer than 1.0M");
}

TEST_F(CustomWorkers, ActionsAreKnownToTheNextPmd)
{
    Worker a = actor();
    channels->save();
    make_channels();
    channels->reconnect(requests[last], nullptr);
    ASSERT_NE(channels->custom_data(last), nullptr);
    EXPECT_EQ(channels->custom_data(last)->actions.at("act").arity, 1U);
    ASSERT_TRUE(trigger(last, {.action = "act"}));
    EXPECT_EQ(hear(a), "act");
    reply(a, "act", true);
    ASSERT_TRUE(until_ends(1));
    EXPECT_EQ(ends[0], "true");
}

/// The way of tx2 and of @pm2/io, in a real Node.
class CustomNode : public NodeWorld {};

TEST_F(CustomNode, AProgramOffersMetricsAndActions)
{
    mode = ClusterMode::None;
    program(R"(const send = (type, data) => process.send({type, data});
        send('axm:action', {action_name: 'add', action_type: 'custom', arity: 2});
        send('axm:monitor', {heap: {value: 1.5, unit: 'MB', historic: true, type: 'v8'}});
        process.on('message', m => { const name = m.msg || m;
            if (name === 'add') send('axm:reply', {at: Date.now(), action_name: 'add', return: {got: m.opts}});
            if (name === 'leave') process.exit(); });
        send('axm:action', {action_name: 'leave', arity: 1});)");
    const ProcessKey key = start();
    ASSERT_TRUE(until([&] { return channels->custom_data(key) != nullptr && channels->custom_data(key)->actions.size() == 2; }));
    EXPECT_EQ(channels->custom_data(key)->metrics.at("heap"), (model::CustomMetric{1.5, "MB", "v8"}));
    std::vector<base::Result<std::string>> ends;
    const auto told = [&](base::Result<std::string> end) { ends.push_back(std::move(end)); };
    ASSERT_TRUE(channels->trigger(key, {.action = "add", .params = "7"}, told));
    ASSERT_TRUE(until([&] { return ends.size() == 1; }));
    EXPECT_EQ(ends[0].value_or("error"), R"({"got":"7"})");
    ASSERT_TRUE(channels->trigger(key, {.action = "leave"}, told));
    ASSERT_TRUE(until([&] { return ends.size() == 2; }));
    EXPECT_EQ(ends[1].error().message, "the process ended before it answered");
    EXPECT_TRUE(said[key].messages.empty());
}

} // namespace
} // namespace pm::channel::test
