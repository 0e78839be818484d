// SPDX-License-Identifier: Apache-2.0
// What becomes of old and new processes when an app is reloaded, and what makes a process ready.
#include "fake_world.hpp"

namespace pm::engine::testing {
namespace {

using namespace std::chrono_literals;
using model::ReadyWhen;
using Log = std::vector<std::string>;

/// Shares a socket, so that old and new can serve beside each other; tells when it is ready.
model::AppSpec serving(int instances, std::string version = "1")
{
    model::AppSpec spec = app("web", instances);
    spec.instances_given = true;
    spec.listen.push_back({.port = 80, .name = "80"});
    spec.serving.ready = ReadyWhen::Notify;
    spec.args = {std::move(version)};
    return spec;
}

class ReloadTest : public ::testing::Test {
protected:
    ReloadTest() { world.beside = true; }

    Answer apply(model::AppSpec spec, const ApplyOptions& options = {})
    {
        Answer answer;
        EXPECT_TRUE(world.supervisor.apply({std::move(spec)}, options, answer.done()));
        world.deliver();
        return answer;
    }
    Answer operate(Verb verb, std::string_view target = "web")
    {
        Answer answer;
        EXPECT_TRUE(world.supervisor.operate(verb, target, answer.done()));
        world.deliver();
        return answer;
    }
    void ready(std::uint32_t id, std::uint64_t generation, ReadyWhen by = ReadyWhen::Notify)
    {
        world.supervisor.on_ready({base::InstanceId{id}, base::Generation{generation}}, by);
        world.deliver();
    }
    void online(model::AppSpec spec)
    {
        const int count = spec.instances.number;
        apply(std::move(spec));
        for (int id = 0; id < count; ++id) ready(static_cast<std::uint32_t>(id), 1);
    }
    [[nodiscard]] bool alive(std::uint32_t id, std::uint64_t generation) const
    {
        return world.alive.contains({base::InstanceId{id}, base::Generation{generation}});
    }
    [[nodiscard]] std::uint64_t generation(std::size_t at = 0) const { return world.instance("web", at).generation.value; }

    FakeWorld world;
};

TEST_F(ReloadTest, AProcessIsStartingUntilItTellsThatItIsReady)
{
    const Answer start = apply(serving(1));
    EXPECT_EQ(world.status("web"), "starting");
    EXPECT_EQ(start.text(), "pending");
    ready(0, 1, ReadyWhen::Listening); // not what it waits for
    EXPECT_EQ(world.status("web"), "starting");
    ready(0, 1);
    EXPECT_EQ(world.status("web"), "online");
    EXPECT_EQ(start.text(), "ok");
    EXPECT_TRUE(world.timers.empty());
}

TEST_F(ReloadTest, NotReadyInTimeIsAnUnstableExitHoweverLongThatWas)
{
    model::AppSpec spec = serving(1);
    spec.serving.listen_timeout = 60s;
    spec.restart.max_restarts = 2;
    const Answer start = apply(spec);
    world.advance(61s);
    EXPECT_EQ(generation(), 2U);
    EXPECT_EQ(world.instance("web").unstable_restarts, 1U);
    world.advance(61s);
    EXPECT_EQ(world.status("web"), "errored");
    EXPECT_NE(world.instance("web").reason.find("not ready within 1m (listen_timeout)"), std::string::npos) << world.instance("web").reason;
    EXPECT_EQ(start.text(), "NotOnline");
}

TEST_F(ReloadTest, SoIsTheEndOfOneThatLeavesOthersBehindAndWasNeverReady)
{
    model::AppSpec spec = serving(1);
    spec.serving.listen_timeout = 60s;
    apply(spec);
    world.time += 30s;
    const ProcessKey key{base::InstanceId{0}, base::Generation{1}};
    world.supervisor.on_main_exited(key, {.kind = model::ExitInfo::Kind::Exited, .code = 1});
    world.deliver();
    EXPECT_EQ(generation(), 2U);
    EXPECT_EQ(world.instance("web").unstable_restarts, 1U);
}

TEST_F(ReloadTest, MoreTimeIsGivenToWhoAsksForIt)
{
    apply(serving(1));
    world.advance(7s);
    world.supervisor.on_more_time({base::InstanceId{0}, base::Generation{1}}, 20s);
    world.advance(19s);
    EXPECT_EQ(world.status("web"), "starting");
    world.advance(2s);
    EXPECT_EQ(generation(), 2U);
}

TEST_F(ReloadTest, TheNewOneIsReadyBeforeTheOldOneIsToldToGo)
{
    online(serving(2));
    world.log.clear();
    const Answer reload = operate(Verb::Reload);
    EXPECT_TRUE(alive(0, 1) && alive(0, 2) && alive(1, 1) && !alive(1, 2)) << "one at a time";
    EXPECT_EQ(world.status("web"), "online") << "the old one serves";
    EXPECT_EQ(generation(), 1U);
    ready(0, 2);
    EXPECT_FALSE(alive(0, 1));
    EXPECT_EQ(generation(), 2U);
    EXPECT_TRUE(alive(1, 1) && alive(1, 2));
    EXPECT_EQ(reload.text(), "pending");
    ready(1, 2);
    EXPECT_EQ(reload.text(), "ok");
    EXPECT_EQ(world.instance("web", 1).restarts, 1U);
    EXPECT_EQ(world.alive.size(), 2U);
    EXPECT_TRUE(world.timers.empty());
    EXPECT_EQ(std::ranges::count(world.log, "event reload web/0.2"), 1);
}

TEST_F(ReloadTest, TheNextOneWaitsForTheEndOfTheOldOne)
{
    world.stubborn = {"web"};
    online(serving(2));
    const Answer reload = operate(Verb::Reload);
    ready(0, 2);
    EXPECT_TRUE(alive(0, 1) && !alive(1, 2));
    world.advance(2s); // kill_timeout
    EXPECT_TRUE(!alive(0, 1) && alive(1, 2));
    EXPECT_EQ(reload.text(), "pending");
}

TEST_F(ReloadTest, SoManyAtOnceAsTheAppSays)
{
    model::AppSpec spec = serving(3);
    spec.serving.reload.parallel = 2;
    online(spec);
    operate(Verb::Reload);
    EXPECT_TRUE(alive(0, 2) && alive(1, 2) && !alive(2, 2));
}

TEST_F(ReloadTest, ANewOneThatEndsIsTheEndOfItAndTheOldOnesServeOn)
{
    online(serving(2));
    const Answer reload = operate(Verb::Reload);
    world.gone_later({base::InstanceId{0}, base::Generation{2}}, {.kind = model::ExitInfo::Kind::Exited, .code = 3});
    world.deliver();
    EXPECT_EQ(reload.text(), "ReloadFailed");
    EXPECT_EQ(reload.outcome().failures.front().error.message, "the new process ended before it was ready: exit code 3");
    EXPECT_TRUE(alive(0, 1) && alive(1, 1));
    EXPECT_EQ(world.alive.size(), 2U);
    EXPECT_EQ(world.status("web"), "online");
    EXPECT_TRUE(world.timers.empty());
    EXPECT_EQ(std::ranges::count(world.log, "event reload-failed web/0.1"), 1);
}

TEST_F(ReloadTest, WhatIsRecycledIsReplacedWhereItIsOnlineAndLeftWhereItRests)
{
    online(serving(2));
    int done = 0;
    world.supervisor.recycle("web", {base::InstanceId{1}}, "it is large", [&](const Outcome& outcome) { done += outcome.failures.empty() ? 1 : 0; });
    world.deliver();
    ready(1, 2);
    EXPECT_TRUE(alive(0, 1) && alive(1, 2));
    EXPECT_EQ(done, 1);
    EXPECT_EQ(world.instance("web", 1).reason, "reloaded: it is large");
    operate(Verb::Reload, "1");
    ready(1, 3);
    EXPECT_EQ(world.instance("web", 1).reason, "reloaded by command");
    EXPECT_EQ(std::ranges::count(world.log, "event recycle web/1.1"), 1);
    operate(Verb::Stop);
    world.deliver();
    world.supervisor.recycle("web", {}, "its time has come", [&](const Outcome&) { ++done; });
    world.supervisor.recycle("none", {}, "its time has come", [&](const Outcome&) { ++done; });
    world.deliver();
    EXPECT_EQ(done, 3);
    EXPECT_TRUE(world.alive.empty());
}

TEST_F(ReloadTest, WhatIsRenewedAlsoRunsAgainWhereNoCommandStoppedIt)
{
    model::AppSpec spec = serving(2);
    spec.restart.autorestart = false;
    online(spec);
    world.exit(1, 0);
    world.deliver();
    EXPECT_TRUE(world.instance("web", 1).finished);
    int done = 0;
    world.supervisor.recycle("web", {}, "its time has come", [&](const Outcome&) { ++done; });
    world.deliver();
    ready(0, 2);
    EXPECT_EQ(world.alive.size(), 1U) << "what rests is left";
    world.supervisor.renew("web", "'a.js' changed (watch)", [&](const Outcome&) { ++done; });
    world.deliver();
    ready(0, 3);
    ready(1, 2);
    EXPECT_TRUE(alive(0, 3) && alive(1, 2));
    EXPECT_EQ(done, 2);
    world.exit(1, 0);
    world.deliver();
    operate(Verb::Stop);
    world.deliver();
    EXPECT_FALSE(world.instance("web", 1).finished);
    world.supervisor.renew("web", "'a.js' changed (watch)", [&](const Outcome&) { ++done; });
    world.deliver();
    EXPECT_EQ(done, 3);
    EXPECT_TRUE(world.alive.empty());
}

TEST_F(ReloadTest, ANewOneThatIsNotReadyInTimeIsEnded)
{
    world.stubborn = {"web"};
    online(serving(2));
    const Answer reload = operate(Verb::Reload);
    world.advance(9s);
    EXPECT_EQ(reload.text(), "ReloadFailed");
    world.advance(2s);
    EXPECT_TRUE(alive(0, 1) && alive(1, 1));
    EXPECT_EQ(world.alive.size(), 2U);
    const auto exit = std::ranges::find(world.events, EventKind::Exit, &ProcessEvent::kind);
    ASSERT_NE(exit, world.events.end());
    EXPECT_EQ(exit->exit->cause, model::ExitInfo::Cause::Timeout) << "the event tells why pmd ended it";
    EXPECT_FALSE(exit->commanded);
}

TEST_F(ReloadTest, OthersThatAreBeingReplacedAreLeftAloneWhenOneFails)
{
    model::AppSpec spec = serving(2);
    spec.serving.reload.parallel = 2;
    online(spec);
    const Answer reload = operate(Verb::Reload);
    world.gone_later({base::InstanceId{0}, base::Generation{2}}, {.kind = model::ExitInfo::Kind::Exited, .code = 3});
    world.deliver();
    EXPECT_EQ(reload.text(), "ReloadFailed");
    EXPECT_TRUE(alive(0, 1) && alive(1, 1) && !alive(1, 2));
}

TEST_F(ReloadTest, AFileThatChangedIsBroughtInThatWay)
{
    online(serving(1));
    const Answer load = apply(serving(1, "2"));
    EXPECT_TRUE(alive(0, 1) && alive(0, 2));
    ready(0, 2);
    EXPECT_EQ(load.text(), "ok");
    EXPECT_EQ(world.alive.at({base::InstanceId{0}, base::Generation{2}}).spec->args, std::vector<std::string>{"2"});
}

TEST_F(ReloadTest, WhenItFailsTheAppIsWhatItWas)
{
    online(serving(2));
    const Answer load = apply(serving(2, "2"));
    world.gone_later({base::InstanceId{0}, base::Generation{2}}, {.kind = model::ExitInfo::Kind::Exited, .code = 3});
    world.deliver();
    EXPECT_EQ(load.text(), "ReloadFailed");
    EXPECT_EQ(world.supervisor.spec("web")->args, std::vector<std::string>{"1"});
    const auto plan = world.supervisor.plan(std::vector{serving(2, "2")}, {});
    ASSERT_TRUE(plan);
    EXPECT_EQ(plan->front().action, PlanAction::Change) << "the next load tries again";
}

TEST_F(ReloadTest, OnceOneServesWithItTheNewSpecStays)
{
    online(serving(2));
    apply(serving(2, "2"));
    ready(0, 2);
    world.gone_later({base::InstanceId{1}, base::Generation{2}}, {.kind = model::ExitInfo::Kind::Exited, .code = 3});
    world.deliver();
    EXPECT_EQ(world.supervisor.spec("web")->args, std::vector<std::string>{"2"});
    EXPECT_TRUE(alive(0, 2) && alive(1, 1));
}

TEST_F(ReloadTest, AnotherReloadReplacesOnceMoreWhatHadStartedWhenItWasAskedFor)
{
    online(serving(3));
    const Answer first = operate(Verb::Reload);
    ready(0, 2); // replaced; 1 has begun, 2 has not
    const Answer second = operate(Verb::Reload);
    EXPECT_TRUE(alive(1, 3) && !alive(1, 2)) << "it may have begun with older code";
    ready(1, 3);
    EXPECT_TRUE(alive(2, 2));
    ready(2, 2);
    EXPECT_EQ(first.text(), "ok");
    EXPECT_EQ(second.text(), "pending");
    EXPECT_TRUE(alive(0, 3)) << "so may what was replaced before";
    ready(0, 3);
    EXPECT_EQ(second.text(), "ok");
    EXPECT_EQ(generation(2), 2U) << "once is enough for what had not begun";
    EXPECT_EQ(world.alive.size(), 3U);
}

TEST_F(ReloadTest, AnotherReloadJoinsWhatStandsInLineStill)
{
    online(serving(1));
    world.answers = false;
    const Answer first = operate(Verb::Reload);
    const Answer second = operate(Verb::Reload);
    EXPECT_TRUE(alive(0, 2) && !alive(0, 3)) << "no program has been read yet";
    world.answers = true;
    const ProcessKey key{base::InstanceId{0}, base::Generation{2}};
    world.supervisor.on_launching(key);
    world.run_later(key);
    world.deliver();
    ready(0, 2);
    EXPECT_EQ(first.text() + second.text(), "okok");
}

TEST_F(ReloadTest, SoItIsWhereOldAndNewCannotBeThereAtOnce)
{
    model::AppSpec spec = serving(2);
    spec.serving.reload.mode = model::ReloadMode::Restart;
    online(spec);
    const Answer first = operate(Verb::Reload);
    EXPECT_TRUE(alive(0, 2));
    const Answer second = operate(Verb::Reload);
    EXPECT_TRUE(alive(0, 3));
    ready(0, 3);
    ready(1, 2);
    EXPECT_EQ(first.text() + second.text(), "okok");
    EXPECT_EQ(generation(1), 2U);
}

TEST_F(ReloadTest, AReloadThatIsAskedForWhileTheOldOneGoesIsOneMore)
{
    world.stubborn = {"web"};
    online(serving(1));
    operate(Verb::Reload);
    ready(0, 2); // 0.1 is on its way out
    const Answer second = operate(Verb::Reload);
    EXPECT_TRUE(alive(0, 1) && alive(0, 2) && alive(0, 3));
    ready(0, 3);
    world.advance(4s);
    EXPECT_EQ(second.text(), "ok");
    EXPECT_EQ(world.alive.size(), 1U);
}

// wait_ready, PM2's key ------------------------------------------------------------------------------------------------

model::AppSpec waiting_ready()
{
    model::AppSpec spec = serving(1);
    spec.serving.ready = ReadyWhen::Ipc;
    spec.serving.wait_ready = true;
    spec.serving.listen_timeout = 3s;
    return spec;
}

TEST_F(ReloadTest, AStartTakesTheEndOfTheTimeForReadinessWithAWarning)
{
    const Answer start = apply(waiting_ready());
    world.advance(2s);
    EXPECT_EQ(world.status("web"), "starting");
    world.advance(1s);
    EXPECT_EQ(start.text(), "ok");
    EXPECT_EQ(world.status("web"), "online");
    EXPECT_EQ(world.instance("web").reason, "taken for ready, as it runs, though not ready within 3s (listen_timeout): the message 'ready' did not come "
                                            "(process.send('ready')); a reload does not take it so: send the message, or remove wait_ready");
    EXPECT_EQ(world.events.back().kind, EventKind::Online);
    EXPECT_TRUE(world.events.back().warning);
    EXPECT_EQ(generation(), 1U);
}

TEST_F(ReloadTest, AReloadDoesNotAndSaysWhatWasExpected)
{
    apply(waiting_ready());
    ready(0, 1, ReadyWhen::Ipc);
    EXPECT_EQ(world.instance("web").reason, "");
    const Answer reload = operate(Verb::Reload);
    world.advance(3s);
    EXPECT_EQ(reload.text(), "ReloadFailed");
    EXPECT_EQ(reload.outcome().failures.front().error.message, "not ready within 3s (listen_timeout): the message 'ready' did not come (process.send('ready'))");
    EXPECT_TRUE(alive(0, 1) && !alive(0, 2));
}

TEST_F(ReloadTest, ASuccessorThatIsAloneIsNoReloadAnyMore)
{
    apply(waiting_ready());
    ready(0, 1, ReadyWhen::Ipc);
    operate(Verb::Reload);
    world.gone_later({base::InstanceId{0}, base::Generation{1}}, {.kind = model::ExitInfo::Kind::Signaled, .code = 11});
    world.deliver();
    EXPECT_EQ(world.status("web"), "starting");
    world.advance(3s);
    EXPECT_EQ(world.status("web"), "online") << "better than nobody";
    EXPECT_EQ(generation(), 2U);
}

TEST_F(ReloadTest, OneThatEndsBeforeItIsReadyIsUnstableHoweverLateThatIs)
{
    apply(waiting_ready());
    world.advance(2s);
    world.exit(0, 1);
    EXPECT_EQ(world.instance("web").unstable_restarts, 1U);
}

TEST_F(ReloadTest, AStartReturnsAfterTheFirstProcessThatWasNotReady)
{
    model::AppSpec spec = serving(1);
    spec.restart.max_restarts = 1'000'000;
    const Answer start = apply(spec);
    world.advance(8s);
    EXPECT_EQ(start.text(), "NotOnline");
    EXPECT_NE(start.outcome().failures.front().error.message.find("READY=1 did not come (sd_notify(3))"), std::string::npos)
        << start.outcome().failures.front().error.message;
    EXPECT_EQ(world.status("web"), "starting") << "pmd tries on";
}

TEST_F(ReloadTest, AProgramThatGoesToTheBackgroundIsToldSo)
{
    model::AppSpec spec = app("web");
    spec.restart.max_restarts = 2;
    apply(spec);
    const model::ExitInfo done{.kind = model::ExitInfo::Kind::Exited, .code = 0};
    for (std::uint64_t generation = 1; generation <= 2; ++generation) {
        world.supervisor.on_main_exited({base::InstanceId{0}, base::Generation{generation}}, done);
        world.deliver();
    }
    EXPECT_EQ(world.status("web"), "errored");
    EXPECT_NE(world.instance("web").reason.find("it went to the background"), std::string::npos) << world.instance("web").reason;
    spec.name = "job";
    apply(spec);
    world.exit(1, 0);
    EXPECT_EQ(world.instance("job").reason, "restarted after exit code 0");
    world.exit(1, 0);
    EXPECT_NE(world.instance("job").reason.find("a program that is meant to end needs 'autorestart: false'"), std::string::npos) << world.instance("job").reason;
}

TEST_F(ReloadTest, AnotherSpecBeginsAnew)
{
    online(serving(1));
    const Answer first = operate(Verb::Reload);
    const Answer load = apply(serving(1, "2"));
    EXPECT_TRUE(!alive(0, 2) && alive(0, 3)) << "the successor of the old spec goes";
    ready(0, 3);
    EXPECT_EQ(first.text(), "ok");
    EXPECT_EQ(load.text(), "ok");
}

TEST_F(ReloadTest, AStopWins)
{
    online(serving(2));
    const Answer reload = operate(Verb::Reload);
    const Answer stop = operate(Verb::Stop);
    EXPECT_TRUE(world.alive.empty());
    EXPECT_EQ(stop.text(), "ok");
    EXPECT_EQ(reload.text(), "Superseded, Superseded");
    world.advance(1h);
    EXPECT_TRUE(world.alive.empty());
}

TEST_F(ReloadTest, AStopDoesNotWaitForTheOldOneToFinishWhatItHas)
{
    FakeWorld& told = world;
    told.dismissable = true;
    online(serving(1));
    operate(Verb::Reload);
    ready(0, 2);
    EXPECT_TRUE(alive(0, 1)) << "it was told to go, and has time";
    const Answer stop = operate(Verb::Stop);
    EXPECT_TRUE(world.alive.empty());
    EXPECT_EQ(stop.text(), "ok");
}

TEST_F(ReloadTest, AProcessThatWasToldToGoGetsItsSignalWhenItHasFinished)
{
    world.dismissable = true;
    online(serving(1));
    operate(Verb::Reload);
    ready(0, 2);
    world.log.clear();
    world.advance(9s);
    EXPECT_EQ(std::ranges::count(world.log, "signal 15 0.1"), 0);
    world.supervisor.on_drained({base::InstanceId{0}, base::Generation{1}});
    EXPECT_EQ(std::ranges::count(world.log, "signal 15 0.1"), 1);
}

TEST_F(ReloadTest, OrWhenItHasHadItsTime)
{
    world.dismissable = true;
    online(serving(1));
    operate(Verb::Reload);
    ready(0, 2);
    world.advance(11s);
    EXPECT_FALSE(alive(0, 1));
}

TEST_F(ReloadTest, WhoIsStoppedBeforeItsTurnStaysStopped)
{
    online(serving(2));
    const Answer reload = operate(Verb::Reload);
    operate(Verb::Stop, "1");
    ready(0, 2);
    EXPECT_EQ(reload.text(), "Superseded");
    EXPECT_EQ(world.status("web", 1), "stopped");
}

TEST_F(ReloadTest, TheSuccessorTakesOverFromACrash)
{
    online(serving(1));
    const Answer reload = operate(Verb::Reload);
    world.gone_later({base::InstanceId{0}, base::Generation{1}}, {.kind = model::ExitInfo::Kind::Signaled, .code = 11});
    world.deliver();
    EXPECT_EQ(world.status("web"), "starting");
    EXPECT_EQ(generation(), 2U);
    EXPECT_EQ(world.alive.size(), 1U);
    ready(0, 2);
    EXPECT_EQ(reload.text(), "ok");
}

TEST_F(ReloadTest, WhatCannotServeBesideItselfIsRestartedOneByOne)
{
    model::AppSpec spec = app("web", 2);
    spec.serving.cluster = model::ClusterMode::None;
    apply(spec);
    world.log.clear();
    const Answer reload = operate(Verb::Reload);
    EXPECT_EQ(reload.text(), "ok");
    Log launches;
    std::ranges::copy_if(world.log, std::back_inserter(launches), [](const std::string& line) { return !line.starts_with("event"); });
    EXPECT_EQ(launches, (Log{"signal 15 0.1", "launch web/0.2", "signal 15 1.1", "launch web/1.2"}));
}

TEST_F(ReloadTest, ASignalIsAllThatSomeWant)
{
    model::AppSpec spec = serving(1);
    spec.serving.reload.mode = model::ReloadMode::Signal;
    online(spec);
    const Answer reload = operate(Verb::Reload);
    EXPECT_EQ(reload.text(), "ok");
    EXPECT_EQ(generation(), 1U);
}

TEST_F(ReloadTest, WhatRestsIsStarted)
{
    online(serving(1));
    operate(Verb::Stop);
    const Answer reload = operate(Verb::Reload);
    ready(0, 2);
    EXPECT_EQ(reload.text(), "ok");
    EXPECT_EQ(world.status("web"), "online");
}

TEST_F(ReloadTest, GoesOnUnderTheNextPmd)
{
    world.stubborn = {"web"};
    online(serving(2));
    operate(Verb::Reload);
    ready(0, 2); // 0.1 is on its way out
    const auto saved = world.supervisor.saved("web");
    ASSERT_TRUE(saved);
    ASSERT_EQ(saved->instances.front().machine.leavers.size(), 1U);
    FakeWorld next;
    next.beside = true;
    next.time = world.time;
    EXPECT_TRUE(next.supervisor.restore(std::vector{*saved}).empty());
    ASSERT_EQ(next.adopted.size(), 3U);
    EXPECT_EQ(next.adopted[1].key.generation.value, 1U);
    next.advance(2s);
    EXPECT_EQ(std::ranges::count(next.log, "kill 0.1"), 1);
}

TEST_F(ReloadTest, WhatWasSeenToListenHasToDoItAgainAlsoUnderTheNextPmd)
{
    model::AppSpec spec = app("web");
    spec.serving.cluster = model::ClusterMode::Transparent;
    apply(spec);
    EXPECT_EQ(world.status("web"), "online") << "nobody knows yet that it listens";
    ready(0, 1, ReadyWhen::Listening);
    const auto saved = world.supervisor.saved("web");
    ASSERT_TRUE(saved);
    FakeWorld next;
    next.time = world.time;
    EXPECT_TRUE(next.supervisor.restore(std::vector{*saved}).empty());
    EXPECT_TRUE(next.supervisor.operate(Verb::Reload, "web", [](const Outcome&) {}));
    next.deliver();
    next.advance(5s);
    EXPECT_EQ(next.instance("web").generation.value, 1U);
    next.supervisor.on_ready({base::InstanceId{0}, base::Generation{2}}, ReadyWhen::Listening);
    EXPECT_EQ(next.instance("web").generation.value, 2U);
}

TEST_F(ReloadTest, WhyItIsNotReadyIsShownUntilItIsAndToldWhenItNeverWas)
{
    const auto looked = [this](std::uint64_t generation, std::string why) {
        world.supervisor.on_unready({base::InstanceId{0}, base::Generation{generation}}, std::move(why));
        world.deliver();
    };
    model::AppSpec spec = serving(1);
    spec.serving.listen_timeout = 5s;
    apply(spec);
    looked(1, "answered 503");
    EXPECT_EQ(world.instance("web").reason, "answered 503");
    EXPECT_EQ(world.status("web"), "starting");
    ready(0, 1);
    EXPECT_EQ(world.instance("web").reason, "");
    looked(1, "answered 500"); // too late to matter
    EXPECT_EQ(world.instance("web").reason, "");

    const Answer reload = operate(Verb::Reload);
    looked(2, "answered 502");
    EXPECT_EQ(world.instance("web").reason, "reloading: waiting for its successor to be ready: answered 502");
    world.advance(5s);
    EXPECT_EQ(generation(), 1U);
    EXPECT_EQ(reload.text(), "ReloadFailed");
    EXPECT_EQ(world.instance("web").reason, "reload failed, the old process serves on: not ready within 5s (listen_timeout): answered 502");

    world.log.clear();
    spec.args = {"3"};
    spec.serving.reload.mode = model::ReloadMode::Restart;
    apply(spec);
    looked(world.instance("web").generation.value, "answered 504");
    world.advance(5s);
    EXPECT_EQ(world.instance("web").last_exit->detail, "not ready within 5s (listen_timeout): answered 504");
}

TEST_F(ReloadTest, TheWatchdogHasItAbortedAndStartedAnew)
{
    online(serving(1));
    world.log.clear();
    world.supervisor.on_watchdog({base::InstanceId{0}, base::Generation{1}}, "no WATCHDOG=1 for 5s");
    EXPECT_EQ(world.log.front(), "signal 6 0.1");
    world.deliver();
    EXPECT_EQ(generation(), 2U);
    EXPECT_EQ(world.instance("web").last_exit->cause, model::ExitInfo::Cause::Watchdog);
    EXPECT_NE(world.instance("web").reason.find("no WATCHDOG=1 for 5s"), std::string::npos);
}

// What the current process has, those beside it have, too ------------------------------------------------------------

TEST_F(ReloadTest, AnOldProcessThatSurvivesSigkillEndsTheReload)
{
    online(serving(2));
    const Answer reload = operate(Verb::Reload);
    world.immortal = {"web"};
    ready(0, 2);
    world.advance(10s);
    ASSERT_EQ(reload.text(), "StopFailed");
    EXPECT_EQ(reload.outcome().failures.front().error.message, "the new process serves, but the old one, pid 100, survived SIGKILL for 1.6s");
    EXPECT_EQ(world.status("web"), "online");
    EXPECT_EQ(generation(), 2U);
    EXPECT_TRUE(alive(1, 1) && !alive(1, 2)) << "what was not replaced serves on";
}

TEST_F(ReloadTest, OneThatSurvivedKeepsNoLaterReloadWaiting)
{
    online(serving(1));
    operate(Verb::Reload);
    world.immortal = {"web"};
    ready(0, 2);
    world.advance(10s);
    world.immortal.clear();
    world.stubborn = {"web"};
    world.beside = true;
    const Answer reload = operate(Verb::Reload);
    world.immortal = {"web"}; // the first one
    world.advance(1s);
    world.immortal.clear();
    ready(0, 3);
    world.gone_later({base::InstanceId{0}, base::Generation{2}}, {.kind = model::ExitInfo::Kind::Signaled, .code = 15});
    world.deliver();
    EXPECT_TRUE(alive(0, 1));
    EXPECT_EQ(reload.text(), "ok");
}

TEST_F(ReloadTest, AStopThatWaitsForAnOldProcessIsToldThatItSurvived)
{
    online(serving(1));
    operate(Verb::Reload);
    world.stubborn = {"web"};
    ready(0, 2);
    world.stubborn.clear();
    const Answer stop = operate(Verb::Stop);
    EXPECT_FALSE(alive(0, 2));
    EXPECT_EQ(stop.text(), "pending");
    world.immortal = {"web"};
    world.advance(10s);
    EXPECT_EQ(stop.text(), "StopFailed");
    const Answer again = operate(Verb::Delete);
    world.advance(30s);
    EXPECT_EQ(again.text(), "StopFailed") << "and so is the next one";
}

TEST_F(ReloadTest, AProcessThatCannotBeKilledEndsAReloadThatRestarts)
{
    model::AppSpec spec = serving(2);
    spec.serving.reload.mode = model::ReloadMode::Restart;
    online(spec);
    world.immortal = {"web"};
    const Answer reload = operate(Verb::Reload);
    world.advance(10s);
    ASSERT_EQ(reload.text(), "StopFailed");
    EXPECT_EQ(reload.outcome().failures.front().error.message, "pid 100 survived SIGKILL for 1.6s");
    EXPECT_TRUE(alive(0, 1) && alive(1, 1));
    EXPECT_EQ(world.status("web", 1), "online");
}

TEST_F(ReloadTest, TheOldProcessHasTheKillTimeoutOfItsOwnSpec)
{
    model::AppSpec patient = serving(1);
    patient.kill_timeout = 20s;
    world.dismissable = true;
    online(patient);
    world.stubborn = {"web"};
    model::AppSpec hasty = serving(1, "2");
    hasty.kill_timeout = 1s;
    apply(hasty);
    ready(0, 2);
    world.log.clear();
    world.advance(10s); // drain
    EXPECT_EQ(std::ranges::count(world.log, "signal 15 0.1"), 1);
    world.advance(19s);
    EXPECT_EQ(std::ranges::count(world.log, "kill 0.1"), 0);
    world.advance(1s);
    EXPECT_EQ(std::ranges::count(world.log, "kill 0.1"), 1);
}

TEST_F(ReloadTest, SoHasANewProcessThatIsNotWanted)
{
    model::AppSpec hasty = serving(1);
    hasty.kill_timeout = 1s;
    online(hasty);
    world.stubborn = {"web"};
    model::AppSpec patient = serving(1, "2");
    patient.kill_timeout = 20s;
    const Answer load = apply(patient);
    world.advance(8s); // listen_timeout
    EXPECT_EQ(load.text(), "ReloadFailed");
    world.advance(19s);
    EXPECT_EQ(std::ranges::count(world.log, "kill 0.2"), 0);
    world.advance(1s);
    EXPECT_EQ(std::ranges::count(world.log, "kill 0.2"), 1);
}

TEST_F(ReloadTest, ANewProcessThatMissesItsWatchdogIsAborted)
{
    online(serving(1));
    const Answer reload = operate(Verb::Reload);
    world.log.clear();
    world.supervisor.on_watchdog({base::InstanceId{0}, base::Generation{2}}, "no WATCHDOG=1 for 5s");
    EXPECT_EQ(world.log.front(), "signal 6 0.2");
    world.deliver();
    EXPECT_EQ(reload.text(), "ReloadFailed");
    const auto exit = std::ranges::find(world.events, EventKind::Exit, &ProcessEvent::kind);
    ASSERT_NE(exit, world.events.end());
    EXPECT_EQ(exit->exit->cause, model::ExitInfo::Cause::Watchdog);
}

TEST_F(ReloadTest, ANewProcessWhoseLaunchHangsIsKilled)
{
    online(serving(1));
    world.answers = false;
    const Answer reload = operate(Verb::Reload);
    world.supervisor.on_launching({base::InstanceId{0}, base::Generation{2}});
    world.log.clear();
    world.advance(31s);
    EXPECT_EQ(reload.text(), "ReloadFailed");
    EXPECT_EQ(world.log.front(), "kill 0.2") << "pm-exec hangs, and has installed no handler that could be asked";
}

TEST_F(ReloadTest, LimitsAreSetOfAllProcessesThatThereAre)
{
    world.stubborn = {"web"};
    online(serving(1));
    operate(Verb::Reload);
    ready(0, 2);
    model::AppSpec limited = serving(1);
    limited.limits.memory_max = 1 << 30;
    apply(limited);
    ASSERT_EQ(world.adjustments.size(), 1U);
    EXPECT_EQ(world.adjustments[0].processes.size(), 2U) << "the old one, which is on its way out, and the new one";
    world.advance(1min);
    world.stubborn.clear();
    const Answer reload = operate(Verb::Reload);
    limited.limits.memory_max = 1 << 29;
    apply(limited);
    ASSERT_EQ(world.adjustments.size(), 2U);
    EXPECT_EQ(world.adjustments[1].processes.size(), 2U) << "the one that serves, and its successor";
}

TEST_F(ReloadTest, AStopDoesNotWaitForOneThatIsAlreadyEndingGently)
{
    world.dismissable = true;
    online(serving(2));
    Answer scale;
    ASSERT_TRUE(world.supervisor.scale("web", "1", scale.done()));
    EXPECT_TRUE(alive(1, 1)) << "it was told to go, and has time";
    const Answer stop = operate(Verb::Stop);
    EXPECT_TRUE(world.alive.empty());
}

TEST_F(ReloadTest, WhatANewProcessSaysOfItsStartIsShown)
{
    online(serving(1));
    operate(Verb::Reload);
    world.supervisor.on_status({base::InstanceId{0}, base::Generation{2}}, "loading 3 of 5");
    EXPECT_EQ(world.instance("web").reason, "reloading: waiting for its successor to be ready: loading 3 of 5");
}

} // namespace
} // namespace pm::engine::testing
