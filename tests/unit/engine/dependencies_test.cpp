// SPDX-License-Identifier: Apache-2.0
// depends_on: who waits, who is started with whom, who ends first.
#include "fake_world.hpp"

namespace pm::engine::testing {
namespace {

using namespace std::chrono_literals;
using Condition = model::DependencyCondition;

class DependenciesTest : public ::testing::Test {
protected:
    static model::AppSpec needing(std::string name, std::map<std::string, Condition> needs, int instances = 1)
    {
        model::AppSpec spec = app(std::move(name), instances);
        spec.depends_on = std::move(needs);
        return spec;
    }
    static model::AppSpec job(std::string name)
    {
        model::AppSpec spec = app(std::move(name));
        spec.restart.stop_exit_codes = {0};
        return spec;
    }
    Answer load(std::vector<model::AppSpec> specs, ApplyOptions options = {})
    {
        Answer answer;
        const auto done = world.supervisor.apply(std::move(specs), options, answer.done());
        if (!done) refusal = done.error().message;
        return answer;
    }
    Answer operate(Verb verb, const std::string& target, const May& may = {})
    {
        Answer answer;
        EXPECT_TRUE(world.supervisor.operate(verb, target, answer.done(), may));
        return answer;
    }
    /// What was launched and signalled since the last call.
    std::string deeds()
    {
        std::string text;
        for (const std::string& line : std::exchange(world.log, {}))
            if (!line.starts_with("event")) text += (text.empty() ? "" : ", ") + line;
        return text;
    }

    FakeWorld world;
    std::string refusal;
};

TEST_F(DependenciesTest, AStartWaitsUntilWhatItNeedsIsOnline)
{
    const Answer answer = load({needing("web", {{"db", Condition::Ready}}), app("db")});
    EXPECT_EQ(world.log, (std::vector<std::string>{"launch db/1.1", "event wait web/0.0", "event start db/1.1"}));
    world.log.clear();
    EXPECT_EQ(world.status("web"), "waiting");
    EXPECT_EQ(world.instance("web").reason, "waits for 'db' to be ready: it is starting");
    world.deliver_one(); // its launch begins
    world.deliver_one();
    EXPECT_EQ(deeds(), "launch web/0.1");
    EXPECT_EQ(answer.text(), "pending");
    world.deliver();
    EXPECT_EQ(answer.text(), "ok");
}

TEST_F(DependenciesTest, AChainStartsInOrder)
{
    const Answer answer = load({needing("c", {{"b", Condition::Ready}}, 2), needing("b", {{"a", Condition::Started}}), app("a")});
    world.deliver();
    EXPECT_EQ(deeds(), "launch a/3.1, launch b/2.1, launch c/0.1, launch c/1.1");
    EXPECT_EQ(answer.text(), "ok");
}

TEST_F(DependenciesTest, CompletedWaitsForTheEndOfAJob)
{
    const Answer answer = load({needing("web", {{"job", Condition::Completed}}), job("job")});
    world.deliver();
    EXPECT_EQ(world.status("web"), "waiting");
    world.exit(1, 0);
    world.deliver();
    EXPECT_EQ(answer.text(), "ok") << "the job was online before it ended";
    operate(Verb::Restart, "web");
    world.deliver();
    EXPECT_EQ(world.status("web"), "online") << "the job is not run again";
}

TEST_F(DependenciesTest, WhatDoesNotComeEndsTheWait)
{
    world.unstartable = {"db"};
    auto db = app("db");
    db.restart.max_restarts = 2;
    const Answer answer = load({needing("web", {{"db", Condition::Ready}}), db});
    world.advance(1min);
    EXPECT_EQ(answer.text(), "NotOnline, LaunchFailed");
    EXPECT_EQ(world.status("web"), "errored");
    EXPECT_EQ(world.instance("web").reason.find("depends on 'db' to be ready, which is errored: "), 0U) << world.instance("web").reason;
    EXPECT_EQ(world.instance("web").generation.value, 0U) << "it was never launched";

    world.unstartable.clear();
    const Answer again = operate(Verb::Start, "web");
    world.deliver();
    EXPECT_EQ(again.text(), "ok") << "a start starts what it needs";
    EXPECT_EQ(world.status("db"), "online");
}

TEST_F(DependenciesTest, AWaitCanBeStoppedAndDeleted)
{
    load({needing("web", {{"job", Condition::Completed}}), job("job")});
    world.deliver();
    operate(Verb::Stop, "web");
    EXPECT_EQ(world.status("web"), "stopped");
    world.exit(1, 0);
    EXPECT_EQ(world.status("web"), "stopped");
    operate(Verb::Delete, "job");
    const Answer start = operate(Verb::Start, "web");
    EXPECT_EQ(start.text(), "NotOnline");
    EXPECT_EQ(world.instance("web").reason, "depends on 'job', which is not there");
}

TEST_F(DependenciesTest, AStopOfWhatIsWaitedForEndsTheWait)
{
    const Answer answer = load({needing("web", {{"job", Condition::Completed}}), job("job")});
    world.deliver();
    operate(Verb::Stop, "job");
    world.deliver();
    EXPECT_EQ(world.status("web"), "errored");
    EXPECT_EQ(answer.text(), "NotOnline");
}

TEST_F(DependenciesTest, AStartOfOneStartsTheRestingOnesItNeedsAsFarAsTheCallerMay)
{
    load({app("db"), needing("cache", {{"db", Condition::Ready}}), needing("web", {{"cache", Condition::Ready}}), app("other")});
    world.deliver();
    operate(Verb::Stop, "all");
    world.deliver();
    deeds();
    const Answer answer = operate(Verb::Start, "web");
    world.deliver();
    EXPECT_EQ(deeds(), "launch db/0.2, launch cache/1.2, launch web/2.2");
    EXPECT_EQ(answer.text(), "ok");
    operate(Verb::Stop, "all");
    world.deliver();
    deeds();
    const Answer refused = operate(Verb::Start, "web", [](const std::string& name, uid_t) { return name != "db"; });
    world.deliver();
    EXPECT_EQ(refused.text(), "NotOnline, NotOnline");
    EXPECT_EQ(world.status("db"), "stopped");
}

TEST_F(DependenciesTest, ALoadStartsWhatItNeedsOfTheSameOwner)
{
    load({app("db")}, {.start = false, .owner = 1000});
    load({app("foreign")}, {.start = false, .owner = 7});
    load({needing("web", {{"db", Condition::Ready}})}, {.owner = 1000});
    world.deliver();
    EXPECT_EQ(world.status("web"), "online");
    load({needing("api", {{"foreign", Condition::Ready}})}, {.owner = 1000});
    world.deliver();
    EXPECT_EQ(world.status("api"), "errored");
    EXPECT_EQ(world.status("foreign"), "stopped");
}

TEST_F(DependenciesTest, StopsGoInReverse)
{
    load({app("db"), needing("cache", {{"db", Condition::Ready}}), needing("web", {{"cache", Condition::Ready}, {"db", Condition::Ready}})});
    world.deliver();
    deeds();
    const Answer answer = operate(Verb::Stop, "all");
    EXPECT_EQ(deeds(), "signal 15 2.1");
    EXPECT_EQ(world.status("db"), "online");
    world.deliver_one();
    EXPECT_EQ(deeds(), "signal 15 1.1");
    EXPECT_EQ(answer.text(), "pending");
    world.deliver();
    EXPECT_EQ(deeds(), "signal 15 0.1");
    EXPECT_EQ(answer.text(), "ok");
}

TEST_F(DependenciesTest, SoDoDeletesAndTheEndOfPmd)
{
    load({app("db"), needing("web", {{"db", Condition::Ready}}), app("db2"), needing("web2", {{"db2", Condition::Ready}})});
    world.deliver();
    deeds();
    const Answer deleted = operate(Verb::Delete, "/db$|web$/");
    EXPECT_EQ(deeds(), "signal 15 1.1");
    world.deliver();
    EXPECT_EQ(deeds(), "signal 15 0.1");
    EXPECT_EQ(deleted.text(), "ok");
    Answer down;
    world.supervisor.shut_down(down.done());
    EXPECT_EQ(deeds(), "signal 15 3.1");
    world.deliver();
    EXPECT_EQ(deeds(), "signal 15 2.1");
    EXPECT_EQ(down.text(), "ok");
}

TEST_F(DependenciesTest, AStopAloneWaitsForNobody)
{
    load({app("db"), needing("web", {{"db", Condition::Ready}})});
    world.deliver();
    const Answer answer = operate(Verb::Stop, "db");
    world.deliver();
    EXPECT_EQ(answer.text(), "ok");
    EXPECT_EQ(world.status("web"), "online");
}

TEST_F(DependenciesTest, AStartTakesAHeldStopBack)
{
    world.stubborn = {"web"};
    load({app("db"), needing("web", {{"db", Condition::Ready}})});
    world.deliver();
    const Answer stop = operate(Verb::Stop, "all");
    const Answer start = operate(Verb::Start, "db");
    EXPECT_EQ(start.text(), "ok");
    world.advance(10s);
    EXPECT_EQ(world.status("web"), "stopped");
    EXPECT_EQ(world.status("db"), "online");
    EXPECT_EQ(stop.text(), "Superseded");
}

TEST_F(DependenciesTest, ADeleteThatWasHeldBackIsGoneOnWithByTheNextPmd)
{
    world.stubborn = {"web"};
    load({app("db"), needing("web", {{"db", Condition::Ready}})});
    world.deliver();
    operate(Verb::Delete, "all");
    FakeWorld after;
    const std::vector apps{*world.supervisor.saved("db"), *world.supervisor.saved("web")};
    for (const auto& [key, process] : world.alive) after.alive[key] = process;
    ASSERT_TRUE(after.supervisor.restore(apps).empty());
    after.advance(10s);
    EXPECT_TRUE(after.supervisor.snapshots().empty());
}

TEST_F(DependenciesTest, WhatEndsWhileItsStopIsHeldBackIsNotStartedAgain)
{
    world.stubborn = {"web"};
    load({app("db"), needing("web", {{"db", Condition::Ready}})});
    world.deliver();
    const Answer stop = operate(Verb::Stop, "all");
    world.crash(0, SIGKILL);
    EXPECT_EQ(world.status("db"), "stopped");
    EXPECT_EQ(stop.text(), "pending");
    world.advance(10s);
    EXPECT_EQ(stop.text(), "ok");
    EXPECT_EQ(world.instance("db").restarts, 0U);
}

TEST_F(DependenciesTest, WhatSurvivesSigkillHoldsNobodyBack)
{
    world.immortal = {"web"};
    load({app("db"), needing("web", {{"db", Condition::Ready}})});
    world.deliver();
    const Answer stop = operate(Verb::Stop, "all");
    world.advance(1min);
    EXPECT_EQ(world.status("db"), "stopped");
    EXPECT_EQ(stop.text(), "StopFailed");
}

TEST_F(DependenciesTest, ACrashOfWhatIsNeededLeavesAloneWhatRuns)
{
    load({app("db"), needing("web", {{"db", Condition::Ready}})});
    world.deliver();
    deeds();
    world.time += 1min;
    world.crash(0, SIGSEGV);
    EXPECT_EQ(deeds(), "launch db/0.2");
    world.crash(1, SIGSEGV);
    EXPECT_EQ(deeds(), "launch web/1.2") << "the restart policy does not wait";
}

TEST_F(DependenciesTest, ARestartOfBothKeepsTheOrder)
{
    load({needing("web", {{"db", Condition::Ready}}), app("db")});
    world.deliver();
    deeds();
    const Answer answer = operate(Verb::Restart, "all");
    world.deliver();
    EXPECT_EQ(deeds(), "signal 15 0.1, signal 15 1.1, launch db/1.2, launch web/0.2");
    EXPECT_EQ(answer.text(), "ok");
}

TEST_F(DependenciesTest, WhatIsNotThereAndCirclesAreRefused)
{
    load({needing("web", {{"db", Condition::Ready}})});
    EXPECT_EQ(refusal, "app 'web' depends on 'db', which is neither in the file nor loaded: add or start it first");
    load({app("db")});
    load({needing("web", {{"db", Condition::Ready}})});
    load({needing("db", {{"web", Condition::Ready}})});
    EXPECT_EQ(refusal, "apps depend on each other in a circle: db -> web -> db");
    load({needing("late", {{"nowhere", Condition::Ready}})}, {.may_miss_dependencies = true});
    EXPECT_EQ(world.status("late"), "errored");
}

TEST_F(DependenciesTest, AnotherNeedDoesNotRestartWhatRuns)
{
    load({app("db"), app("web")});
    world.deliver();
    deeds();
    load({app("db"), needing("web", {{"db", Condition::Ready}})});
    world.deliver();
    EXPECT_EQ(deeds(), "");
    EXPECT_EQ(world.supervisor.spec("web")->depends_on.size(), 1U);
}

// Found by supervisor_property_test: it went on to wait, for ever.
TEST_F(DependenciesTest, WhatWaitsIsToldWhenItsFileComesToNeedWhatIsNotThere)
{
    load({needing("web", {{"job", Condition::Completed}}), job("job")});
    world.deliver();
    EXPECT_EQ(world.status("web"), "waiting");
    model::AppSpec changed = needing("web", {{"nowhere", Condition::Ready}});
    changed.args = {"other"};
    const Answer answer = load({changed}, {.may_miss_dependencies = true});
    world.deliver();
    EXPECT_EQ(world.status("web"), "errored");
    EXPECT_EQ(answer.text(), "NotOnline");
}

TEST_F(DependenciesTest, AWaitOutlivesPmd)
{
    load({needing("web", {{"job", Condition::Completed}}), job("job")});
    world.deliver();
    FakeWorld after;
    ASSERT_TRUE(after.supervisor.restore(std::vector{*world.supervisor.saved("web"), *world.supervisor.saved("job")}).empty());
    EXPECT_EQ(after.adopted.size(), 1U);
    for (const auto& request : after.adopted) after.alive[request.key] = {.app = request.spec->name, .spec = request.spec};
    EXPECT_EQ(after.status("web"), "waiting");
    after.exit(1, 0);
    after.deliver();
    EXPECT_EQ(after.status("web"), "online");
}

} // namespace
} // namespace pm::engine::testing
