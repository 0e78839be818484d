// SPDX-License-Identifier: Apache-2.0
// Custom metrics and actions over D-Bus: programs with PM2's messages, in Python as on the command line of pmctl.
#include "fixture.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fmt/format.h>
#include <map>
#include <poll.h>
#include <unistd.h>

namespace pm::test {
namespace {

constexpr const char* kActor = R"py(
import json, os, sys
channel = open(int(os.environ["NODE_CHANNEL_FD"]), "r+b", buffering=0)
def say(message): channel.write(json.dumps(message).encode() + b"\n")
def tell(kind, **data): say({"type": "axm:" + kind, "data": data})
for name in "echo", "sleep", "leave", "babble": tell("action", action_name=name, action_type="custom", arity=2)
tell("monitor", users={"value": 3, "unit": "people"}, load={"value": 0.5}, name={"value": "x"}, up={"value": True})
say("ready")
for line in channel:
    message = json.loads(line)
    name = message["msg"] if isinstance(message, dict) else message
    if name == "echo": tell("reply", action_name=name, **{"return": message})
    if name == "leave": sys.exit(3)
    if name == "babble":
        for i in range(100): tell("monitor", **{str(i) + "-" + str(j): 1 for j in range(100)})
        say({"after": "babble"})
)py";

using Rows = std::vector<sdbus::Struct<uint32_t, std::string, std::string, std::string>>;

class TriggerTest : public DaemonTest {
protected:
    void SetUp() override
    {
        DaemonTest::SetUp();
        dir_.write("actor.py", kActor);
        load("apps: [{name: web, script: actor.py, interpreter: python3, channel: true, ready: ipc, instances: 2, restart_delay: 1h}, "
             "{name: plain, script: sleep, args: ['1000']}]");
    }
    static Options within(std::chrono::milliseconds time)
    {
        return {{"timeout-usec", sdbus::Variant(static_cast<uint64_t>(time.count()) * 1000)}};
    }
    sdbus::Error error_of_trigger(const std::string& target, const std::string& action, const Options& options = {})
    {
        return error_of([&] { (void)manager_->Trigger(target, action, "", options); });
    }
};

TEST_F(TriggerTest, EveryInstanceReplies)
{
    const Rows rows = manager_->Trigger("web", "echo", "", {});
    ASSERT_EQ(rows.size(), 2U);
    EXPECT_EQ(rows[0], (Rows::value_type{0, "web", "\"echo\"", ""}));
    EXPECT_EQ(rows[1], (Rows::value_type{1, "web", "\"echo\"", ""}));
    EXPECT_EQ(manager_->Trigger("1", "echo", "p", {}),
              (Rows{Rows::value_type{1, "web", R"({"id":1,"msg":"echo","opts":"p"})", ""}}));
    EXPECT_EQ(manager_->Trigger("all", "echo", "", {}).size(), 2U) << "what has no such action is passed over";
}

TEST_F(TriggerTest, MetricsAndActionsAreThoseOfTheProcess)
{
    std::map<std::string, std::string> metrics;
    for (const auto& row : manager_->GetMetrics(0)) metrics[row.get<0>()] = row.get<1>().peekValueType() + " " + row.get<2>();
    EXPECT_EQ(metrics, (std::map<std::string, std::string>{{"users", "x people"}, {"load", "d "}, {"name", "s "}, {"up", "b "}}));
    const auto actions = manager_->GetActions(1);
    ASSERT_EQ(actions.size(), 4U);
    EXPECT_EQ(actions[1], (std::decay_t<decltype(actions[1])>{"echo", "custom", 2, ""}));
    EXPECT_TRUE(manager_->GetActions(2).empty());
    EXPECT_EQ(error_of([&] { (void)manager_->GetMetrics(99); }).getName(), "org.pmd1.Error.NoSuchApp");
    manager_->Stop("0", {});
    EXPECT_TRUE(manager_->GetMetrics(0).empty());
    EXPECT_EQ(manager_->GetMetrics(1).size(), 4U);
}

TEST_F(TriggerTest, WhyThereIsNoReplyIsTold)
{
    EXPECT_EQ(error_of_trigger("web", "nope").getMessage(), "'web' has no action 'nope'; there are: babble, echo, leave, sleep");
    EXPECT_EQ(error_of_trigger("web", "nope").getName(), "org.pmd1.Error.NoSuchAction");
    EXPECT_EQ(error_of_trigger("plain", "echo").getName(), "org.pmd1.Error.NotSupported");
    const auto late = error_of_trigger("web", "sleep", within(std::chrono::milliseconds(20)));
    EXPECT_EQ(late.getName(), "org.pmd1.Error.TimedOut");
    EXPECT_EQ(late.getMessage(), "web (id 0): it did not answer within 20ms\nweb (id 1): it did not answer within 20ms");
    EXPECT_EQ(error_of_trigger("web", "echo", within(std::chrono::milliseconds(0))).getName(), "org.pmd1.Error.InvalidArgument");
    EXPECT_EQ(error_of_trigger("web", "echo", {{"timeout", sdbus::Variant(1)}}).getName(), "org.pmd1.Error.InvalidArgument");
    const auto ended = error_of_trigger("1", "leave");
    EXPECT_EQ(ended.getName(), "org.pmd1.Error.NotOnline");
    EXPECT_EQ(ended.getMessage(), "web (id 1): the process ended before it answered");
    EXPECT_EQ(error_of_trigger("1", "echo").getMessage(), "'1' has no running process");
}

TEST_F(TriggerTest, WhoDoesNotAnswerHoldsNobodyElse)
{
    kill(only("0").pid, SIGSTOP);
    Rows rows;
    bool replied = false;
    const auto slow = dbus::make_proxy(*connection_, "org.pmd1", "/org/pmd1");
    slow->callMethodAsync("Trigger").onInterface("org.pmd1.Manager").withTimeout(std::chrono::microseconds(kPatience).count())
        .withArguments(std::string("web"), std::string("echo"), std::string(), Options())
        .uponReplyInvoke([&](dbus::ReplyError error, const Rows& got) { replied = !error, rows = got; });
    EXPECT_EQ(manager_->Trigger("1", "echo", "", {}).size(), 1U);
    EXPECT_EQ(list().size(), 3U);
    EXPECT_FALSE(replied);
    kill(only("0").pid, SIGCONT);
    ASSERT_TRUE(process_until([&] { return replied; }, "the reply of who goes on"));
    EXPECT_EQ(rows.size(), 2U);
}

TEST_F(TriggerTest, WhoBabblesIsBoundedAndHeardOn)
{
    const sdbus::UnixFd messages = manager_->OpenMessages("0", {}); // which the system bus has, too
    EXPECT_EQ(error_of_trigger("0", "babble", within(std::chrono::milliseconds(50))).getName(), "org.pmd1.Error.TimedOut");
    pollfd ready{messages.get(), POLLIN, 0};
    ASSERT_EQ(poll(&ready, 1, 30'000), 1) << "the message behind the metrics";
    char line[4096];
    const ssize_t size = read(messages.get(), line, sizeof line);
    EXPECT_NE(std::string(line, static_cast<std::size_t>(std::max<ssize_t>(size, 0))).find(R"("message":{"after": "babble"})"), std::string::npos)
        << "what is for the manager is no message";
    EXPECT_EQ(manager_->GetMetrics(0).size(), 100U);
    EXPECT_EQ(manager_->Trigger("0", "echo", "", {}).size(), 1U);
}

} // namespace
} // namespace pm::test
