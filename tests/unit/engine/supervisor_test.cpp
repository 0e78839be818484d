// SPDX-License-Identifier: Apache-2.0
#include "fake_world.hpp"

#include <algorithm>

namespace pm::engine::testing {
namespace {

using namespace std::chrono_literals;
using base::ErrorCode;

class SupervisorTest : public ::testing::Test {
protected:
    Answer apply(std::vector<model::AppSpec> specs, const ApplyOptions& options = {})
    {
        Answer answer;
        const auto plan = world.supervisor.apply(std::move(specs), options, answer.done());
        EXPECT_TRUE(plan) << (plan ? "" : plan.error().message);
        return answer;
    }
    Answer operate(Verb verb, std::string_view target)
    {
        Answer answer;
        const auto result = world.supervisor.operate(verb, target, answer.done());
        EXPECT_TRUE(result) << (result ? "" : result.error().message);
        return answer;
    }
    void online(std::vector<model::AppSpec> specs)
    {
        apply(std::move(specs));
        world.deliver();
    }

    FakeWorld world;
};

TEST_F(SupervisorTest, StartsWhatIsApplied)
{
    const auto answer = apply({app("web", 2), app("db")});
    EXPECT_EQ(answer.text(), "pending");
    world.deliver();
    EXPECT_EQ(answer.text(), "ok");
    EXPECT_EQ(answer.outcome().apps, (std::vector<std::string>{"web", "db"}));
    EXPECT_EQ(world.instance("web", 1).id.value, 1U);
    EXPECT_EQ(world.instance("db").id.value, 2U);
    EXPECT_EQ(world.instance("db").pid, 102);
    EXPECT_TRUE(world.timers.empty());
}

TEST_F(SupervisorTest, ACommandActsOnlyOnWhatItMay)
{
    apply({app("a"), app("b")}, {.owner = 5});
    apply({app("c")}, {.owner = 6});
    world.deliver();
    const May fives = [](const std::string&, uid_t owner) { return owner == 5; };
    const auto& supervisor = world.supervisor;
    EXPECT_EQ(supervisor.apps_of("all", fives).value(), (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(supervisor.apps_of("all").value().size(), 3U);
    EXPECT_EQ(supervisor.apps_of("/./", fives).value(), (std::vector<std::string>{"a", "b"}));
    for (const char* target : {"c", "2", "/c/"}) {
        EXPECT_EQ(supervisor.apps_of(target, fives).error().code, ErrorCode::NotAuthorized) << target;
        EXPECT_EQ(world.supervisor.reset(target, fives).error().code, ErrorCode::NotAuthorized) << target;
        EXPECT_EQ(world.supervisor.signal(target, SIGHUP, fives).error().code, ErrorCode::NotAuthorized) << target;
        EXPECT_EQ(world.supervisor.operate(Verb::Stop, target, Answer().done(), fives).error().code,
                  ErrorCode::NotAuthorized)
            << target;
    }
    EXPECT_EQ(supervisor.apps_of("none", fives).error().code, ErrorCode::NoSuchApp);
    const auto refs = supervisor.owners_of("all").value();
    ASSERT_EQ(refs.size(), 3U);
    EXPECT_EQ(refs[2].name, "c");
    EXPECT_EQ(refs[2].owner, 6U);
    Answer stop;
    ASSERT_TRUE(world.supervisor.operate(Verb::Stop, "all", stop.done(), fives));
    world.deliver();
    EXPECT_EQ(stop.text(), "ok");
    EXPECT_EQ(world.status("a"), "stopped");
    EXPECT_EQ(world.status("c"), "online");
}

TEST_F(SupervisorTest, StopAndStartAgain)
{
    online({app("web")});
    const auto stop = operate(Verb::Stop, "web");
    EXPECT_EQ(world.status("web"), "stopping");
    world.deliver();
    EXPECT_EQ(stop.text(), "ok");
    EXPECT_EQ(world.status("web"), "stopped");
    EXPECT_EQ(operate(Verb::Stop, "web").text(), "ok");
    const auto start = operate(Verb::Start, "0");
    world.deliver();
    EXPECT_EQ(start.text(), "ok");
    EXPECT_EQ(operate(Verb::Start, "web").text(), "ok");
    EXPECT_EQ(world.instance("web").restarts, 0U);
}

TEST_F(SupervisorTest, RestartWaitsForTheNewGeneration)
{
    online({app("web")});
    const auto first = operate(Verb::Restart, "web");
    const auto joined = operate(Verb::Restart, "web");
    EXPECT_EQ(first.text(), "pending");
    world.deliver();
    EXPECT_EQ(first.text(), "ok");
    EXPECT_EQ(joined.text(), "ok");
    EXPECT_EQ(world.instance("web").generation.value, 2U);
    EXPECT_EQ(world.instance("web").restarts, 1U);
}

TEST_F(SupervisorTest, LaunchesTheReplacementBeforeTellingOfTheCrash)
{
    online({app("web")});
    world.log.clear();
    world.advance(5s);
    world.crash(0, SIGSEGV);
    ASSERT_GE(world.log.size(), 2U);
    EXPECT_EQ(world.log[0], "launch web/0.2");
    EXPECT_EQ(world.log[1], "event exit web/0.1");
    EXPECT_EQ(world.instance("web").restarts, 1U);
    EXPECT_EQ(world.instance("web").reason, "restarted after SIGSEGV");
    const auto& exit = world.events[2];
    EXPECT_EQ(exit.kind, EventKind::Exit);
    EXPECT_EQ(exit.pid, 100);
    EXPECT_EQ(exit.uptime, 5s);
    EXPECT_EQ(exit.exit->code, SIGSEGV);
}

TEST_F(SupervisorTest, ACrashLoopEndsErroredHoweverLateItBegins)
{
    online({app("web")});
    world.advance(1h);
    for (int i = 0; i < 17; ++i) world.exit(0, 1);
    EXPECT_EQ(world.status("web"), "errored");
    EXPECT_EQ(world.instance("web").reason, "16 exits within 1s of starting, the last with exit code 1");
    EXPECT_EQ(world.instance("web").restarts, 16U); // the first exit was a stable one
    EXPECT_EQ(world.events.back().kind, EventKind::Errored);
    const auto start = operate(Verb::Restart, "web");
    world.deliver();
    EXPECT_EQ(start.text(), "ok");
    EXPECT_EQ(world.instance("web").unstable_restarts, 0U);
}

TEST_F(SupervisorTest, OperationsDuringBackoffWork)
{
    auto spec = app("web");
    spec.restart.restart_delay = 10s;
    online({spec});
    world.exit(0, 1);
    EXPECT_EQ(world.status("web"), "backoff");
    EXPECT_EQ(world.instance("web").pid, 0);
    const auto restart = operate(Verb::Restart, "web");
    world.deliver();
    EXPECT_EQ(restart.text(), "ok");
    world.exit(0, 1);
    EXPECT_EQ(operate(Verb::Stop, "web").text(), "ok");
    world.advance(1min);
    EXPECT_EQ(world.status("web"), "stopped");
    const auto start = operate(Verb::Start, "web");
    world.deliver();
    world.exit(0, 1);
    world.advance(9s);
    EXPECT_EQ(world.status("web"), "backoff");
    world.advance(1s);
    EXPECT_EQ(world.status("web"), "online");
    EXPECT_EQ(start.text(), "ok");
}

TEST_F(SupervisorTest, AFailedLaunchByCommandIsErroredAtOnce)
{
    world.unstartable = {"web"};
    const auto answer = apply({app("web"), app("db")});
    world.deliver();
    EXPECT_EQ(answer.text(), "LaunchFailed");
    EXPECT_EQ(answer.outcome().failures.at(0).error.message, "no such file");
    EXPECT_EQ(world.status("web"), "errored");
    EXPECT_EQ(world.status("db"), "online");
}

TEST_F(SupervisorTest, AutostartOffIsRegisteredAndCanBeStarted)
{
    auto spec = app("web");
    spec.autostart = false;
    EXPECT_EQ(apply({spec}).text(), "ok");
    EXPECT_EQ(world.status("web"), "stopped");
    const auto start = operate(Verb::Start, "web");
    world.deliver();
    EXPECT_EQ(start.text(), "ok");
    EXPECT_EQ(world.status("web"), "online");
}

TEST_F(SupervisorTest, AnotherCommandSupersedes)
{
    world.stubborn = {"web"};
    online({app("web")});
    const auto restart = operate(Verb::Restart, "web");
    const auto stop = operate(Verb::Stop, "web");
    EXPECT_EQ(restart.text(), "Superseded");
    const auto start = operate(Verb::Start, "web");
    EXPECT_EQ(stop.text(), "Superseded");
    world.advance(1600ms);
    EXPECT_EQ(start.text(), "ok");
    EXPECT_EQ(world.instance("web").generation.value, 2U);
}

TEST_F(SupervisorTest, AStopOfOneAppDelaysNobody)
{
    world.stubborn = {"slow"};
    auto slow = app("slow");
    slow.kill_timeout = 30s;
    online({slow, app("web")});
    const auto stop = operate(Verb::Stop, "slow");
    world.advance(3s);
    const auto before = world.time;
    world.crash(1, SIGKILL);
    EXPECT_EQ(world.status("web"), "online");
    EXPECT_EQ(world.time, before);
    EXPECT_EQ(stop.text(), "pending");
    world.advance(27s);
    EXPECT_EQ(stop.text(), "ok");
    EXPECT_EQ(world.instance("slow").last_exit->code, SIGKILL);
}

TEST_F(SupervisorTest, TellsWhatSurvivedSigkillAndWaitsOn)
{
    world.immortal = {"web"};
    online({app("web")});
    const auto stop = operate(Verb::Stop, "web");
    world.advance(1600ms + 1599ms);
    EXPECT_EQ(stop.text(), "pending");
    world.advance(1ms);
    EXPECT_EQ(stop.text(), "StopFailed");
    EXPECT_EQ(stop.outcome().failures.at(0).error.message, "pid 100 survived SIGKILL for 1.6s");
    EXPECT_EQ(world.status("web"), "stopping");
    world.immortal.clear();
    world.advance(10s);
    EXPECT_EQ(world.status("web"), "stopped");
}

TEST_F(SupervisorTest, LeftoversAreEndedBeforeTheVerdict)
{
    online({app("web")});
    world.answers = false;
    world.advance(2s);
    const ProcessKey key{base::InstanceId{0}, base::Generation{1}};
    world.supervisor.on_main_exited(key, {.kind = model::ExitInfo::Kind::Exited, .code = 3});
    EXPECT_EQ(world.status("web"), "stopping");
    EXPECT_EQ(world.instance("web").pid, 0);
    world.advance(1s);
    world.gone_later(key, {.kind = model::ExitInfo::Kind::Exited, .code = 3});
    world.deliver();
    EXPECT_EQ(world.status("web"), "starting");
    EXPECT_EQ(world.instance("web").last_exit->code, 3);
    const auto exit = std::ranges::find(world.events, EventKind::Exit, &ProcessEvent::kind);
    ASSERT_NE(exit, world.events.end());
    EXPECT_EQ(exit->uptime, 2s); // of the main process
}

TEST_F(SupervisorTest, ALaunchThatNeverAnswersIsGivenUp)
{
    world.answers = false;
    const auto start = apply({app("web")});
    world.supervisor.on_launching({base::InstanceId{0}, base::Generation{1}});
    world.advance(30s);
    EXPECT_EQ(start.text(), "LaunchFailed");
    EXPECT_EQ(world.instance("web").reason, "starting the program took longer than 30s; trying again in 100ms, as this may pass");
    EXPECT_EQ(world.status("web"), "backoff");
}

TEST_F(SupervisorTest, TheTimeOfALaunchBeginsWhenItIsBegun)
{
    world.answers = false;
    const auto start = apply({app("web")});
    EXPECT_TRUE(world.timers.empty()) << "it stands in the launcher's line";
    world.advance(10min);
    EXPECT_EQ(start.text(), "pending");
    const ProcessKey key{base::InstanceId{0}, base::Generation{1}};
    world.supervisor.on_launching(key);
    world.advance(29s);
    world.supervisor.on_launching(key); // it has come on
    world.advance(29s);
    EXPECT_EQ(world.status("web"), "starting");
    world.run_later(key);
    world.deliver();
    EXPECT_EQ(start.text(), "ok");
}

TEST_F(SupervisorTest, ALaunchThatStandsInLineDoesSoAlsoUnderTheNextPmd)
{
    world.answers = false;
    apply({app("web")});
    const auto saved = world.supervisor.saved("web");
    ASSERT_TRUE(saved);
    FakeWorld next;
    next.time = world.time + 1h;
    ASSERT_TRUE(next.supervisor.restore({&*saved, 1}).empty());
    next.advance(1h);
    EXPECT_EQ(next.status("web"), "starting");
    const ProcessKey key{base::InstanceId{0}, base::Generation{1}};
    world.supervisor.on_launching(key);
    FakeWorld other;
    other.time = world.time + 1h;
    ASSERT_TRUE(other.supervisor.restore(std::vector{*world.supervisor.saved("web")}).empty());
    other.advance(29s);
    EXPECT_TRUE(std::ranges::find(other.log, "kill 0.1") == other.log.end()) << "while no pmd was there, nobody could hear of it";
    other.advance(1s);
    EXPECT_TRUE(std::ranges::find(other.log, "kill 0.1") != other.log.end());
}

// Launches that fail for something that may pass -----------------------------------------------------------------------

TEST_F(SupervisorTest, APassingFailureOfALaunchIsTriedAgain)
{
    world.failure = {.kind = model::ExitInfo::Kind::LaunchFailed, .code = ENOMEM, .stage = model::LaunchStage::Resources, .detail = "starting a process: Cannot allocate memory"};
    world.unstartable = {"web"};
    const auto start = apply({app("web")});
    world.deliver();
    EXPECT_EQ(start.text(), "LaunchFailed");
    EXPECT_EQ(world.status("web"), "backoff");
    EXPECT_EQ(world.instance("web").reason, "starting a process: Cannot allocate memory; trying again in 100ms, as this may pass");
    world.advance(1h);
    EXPECT_EQ(world.status("web"), "backoff");
    EXPECT_EQ(world.instance("web").unstable_restarts, 0U);
    world.unstartable.clear();
    world.advance(15s);
    EXPECT_EQ(world.status("web"), "online");
}

TEST_F(SupervisorTest, AProgramThatIsGoneDuringADeploymentIsWaitedFor)
{
    world.failure = {.kind = model::ExitInfo::Kind::LaunchFailed, .code = ENOENT, .stage = model::LaunchStage::FindScript, .detail = "finding script '/srv/a.js': No such file or directory"};
    online({app("web")});
    world.unstartable = {"web"};
    const auto restart = operate(Verb::Restart, "web");
    world.deliver();
    EXPECT_EQ(restart.text(), "LaunchFailed");
    EXPECT_EQ(world.status("web"), "backoff");
    EXPECT_EQ(world.instance("web").reason, world.failure.detail + "; trying again in 100ms, until it is there");
    world.advance(10min);
    EXPECT_EQ(world.status("web"), "backoff");
    world.unstartable.clear();
    world.advance(15s);
    EXPECT_EQ(world.status("web"), "online");
    world.unstartable = {"web"};
    world.advance(1min);
    world.exit(0, 1);
    world.advance(1min);
    EXPECT_EQ(world.status("web"), "backoff") << "so it is after a crash";
}

TEST_F(SupervisorTest, OneThatNeverRanIsErroredUnlessNobodyIsThereToBeTold)
{
    world.failure = {.kind = model::ExitInfo::Kind::LaunchFailed, .code = ENOENT, .stage = model::LaunchStage::WorkingDirectory, .detail = "changing to directory '/srv'"};
    world.unstartable = {"web", "boot"};
    const auto start = apply({app("web")});
    const auto boot = apply({app("boot")}, {.unattended = true});
    world.deliver();
    EXPECT_EQ(start.text(), "LaunchFailed");
    EXPECT_EQ(world.status("web"), "errored");
    EXPECT_EQ(boot.text(), "LaunchFailed");
    EXPECT_EQ(world.status("boot"), "backoff") << "what is to be mounted may come later";
}

TEST_F(SupervisorTest, AStartReturnsWhateverItWaitsFor)
{
    world.failure = {.kind = model::ExitInfo::Kind::LaunchFailed, .code = EMFILE, .stage = model::LaunchStage::Resources, .detail = "too many"};
    world.unstartable = {"db"};
    auto api = app("api");
    api.depends_on["db"] = {};
    auto web = app("web");
    web.depends_on["api"] = {};
    const auto start = apply({app("db"), api, web});
    world.advance(1s);
    EXPECT_EQ(start.text(), "LaunchFailed, NotOnline, NotOnline");
    EXPECT_EQ(world.status("web"), "waiting");
    const auto again = operate(Verb::Start, "web");
    EXPECT_EQ(again.text(), "NotOnline");
    world.unstartable.clear();
    world.advance(1min);
    EXPECT_EQ(world.status("web"), "online") << "and all goes on when it can";
}

TEST_F(SupervisorTest, DeleteByIdTakesOneInstanceAndTheAppWithItsLast)
{
    online({app("web", 3)});
    const auto first = operate(Verb::Delete, "1");
    world.deliver();
    EXPECT_EQ(first.text(), "ok");
    EXPECT_EQ(world.supervisor.instance_count(), 2U);
    EXPECT_EQ(world.instance("web", 1).slot.value, 2U);
    Answer scaled;
    ASSERT_EQ(world.supervisor.scale("web", "+1", scaled.done()).value(), 3U);
    world.deliver();
    EXPECT_EQ(scaled.text(), "ok");
    EXPECT_EQ(world.instance("web", 1).id.value, 3U); // the freed slot, a new id
    const auto rest = operate(Verb::Delete, "web");
    world.deliver();
    EXPECT_EQ(rest.text(), "ok");
    EXPECT_TRUE(world.apps.empty());
    online({app("new")});
    EXPECT_EQ(world.instance("new").id.value, 0U); // ids begin again when nothing is left
}

TEST_F(SupervisorTest, AnInstanceIsForgottenWhenItsProcessIsGone)
{
    online({app("web", 2)});
    operate(Verb::Delete, "1");
    EXPECT_TRUE(world.forgotten.empty());
    world.deliver();
    EXPECT_EQ(world.forgotten, std::set<base::InstanceId>{base::InstanceId{1}});
}

TEST_F(SupervisorTest, LoadingDuringADeleteKeepsTheApp)
{
    online({app("web")});
    const auto deleted = operate(Verb::Delete, "web");
    EXPECT_EQ(world.supervisor.operate(Verb::Start, "web", {}).error().code, ErrorCode::NoSuchApp);
    auto changed = app("web");
    changed.args = {"9"};
    const auto loaded = apply({changed});
    EXPECT_EQ(deleted.text(), "Superseded");
    world.deliver();
    EXPECT_EQ(loaded.text(), "ok");
    EXPECT_EQ(world.alive.begin()->second.spec->args, std::vector<std::string>{"9"});
}

TEST_F(SupervisorTest, ScaleRemovesTheHighestSlotsAndTakesThemBack)
{
    online({app("web", 4)});
    Answer down, up;
    EXPECT_EQ(world.supervisor.scale("web", "2", down.done()).value(), 2U);
    EXPECT_EQ(world.supervisor.scale("web", "max-1", up.done()).value(), 3U);
    EXPECT_EQ(down.text(), "pending");
    world.deliver();
    EXPECT_EQ(down.text(), "Superseded"); // for the one that came back
    EXPECT_EQ(up.text(), "ok");
    ASSERT_EQ(world.supervisor.snapshot("web")->instances.size(), 3U);
    EXPECT_EQ(world.instance("web", 2).generation.value, 2U);
    EXPECT_EQ(world.supervisor.scale("web", "0", {}).error().code, ErrorCode::InvalidArgument);
    EXPECT_EQ(world.supervisor.scale("web", "100000", {}).error().code, ErrorCode::LimitExceeded);
}

TEST_F(SupervisorTest, ApplyRestartsOnlyWhatChanged)
{
    online({app("a"), app("b"), app("c", 2)});
    auto b = app("b");
    b.env["X"] = "1";
    const std::vector<model::AppSpec> specs{app("a"), b, app("c", 3), app("d")};
    const auto plan = world.supervisor.plan(specs, {}).value();
    ASSERT_EQ(plan.size(), 4U);
    EXPECT_EQ(plan[0].action, PlanAction::Keep);
    EXPECT_EQ(plan[1].action, PlanAction::Change);
    EXPECT_EQ(plan[1].why, "env changed");
    EXPECT_EQ(plan[2].action, PlanAction::Scale);
    EXPECT_EQ(plan[2].why, "2 -> 3 instances");
    EXPECT_EQ(plan[3].action, PlanAction::Add);
    EXPECT_EQ(world.supervisor.app_count(), 3U);

    const auto answer = apply(specs);
    world.deliver();
    EXPECT_EQ(answer.text(), "ok");
    EXPECT_EQ(world.instance("a").generation.value, 1U);
    EXPECT_EQ(world.instance("b").generation.value, 2U);
    EXPECT_EQ(world.instance("c", 0).generation.value, 1U);
    EXPECT_EQ(world.instance("c", 2).generation.value, 1U);
    EXPECT_EQ(apply(specs).text(), "ok");
}

TEST_F(SupervisorTest, ChangedLimitsAreSetLive)
{
    online({app("web", 2), app("other")});
    auto web = app("web", 3);
    web.limits.memory_max = 1 << 30;
    const auto plan = world.supervisor.plan(std::vector{web}, {}).value();
    EXPECT_EQ(plan.at(0).action, PlanAction::Adjust);
    EXPECT_EQ(plan.at(0).why, "limits changed; 2 -> 3 instances");

    const auto answer = apply({web});
    world.deliver();
    EXPECT_EQ(answer.text(), "ok");
    ASSERT_EQ(world.adjustments.size(), 1U);
    EXPECT_EQ(world.adjustments[0].processes.size(), 2U);
    EXPECT_EQ(world.adjustments[0].change.instance, (policy::Properties{{"MemoryMax", std::uint64_t{1 << 30}}}));
    EXPECT_EQ(*world.adjustments[0].spec, web);
    EXPECT_EQ(world.instance("web", 0).generation.value, 1U) << "nothing was restarted";
    EXPECT_EQ(world.instance("web", 2).generation.value, 1U);

    EXPECT_EQ(apply({web}).text(), "ok"); // the same again: nothing to adjust
    EXPECT_EQ(world.adjustments.size(), 1U);
    web.limits = {};
    EXPECT_EQ(apply({web}).text(), "ok");
    ASSERT_EQ(world.adjustments.size(), 2U);
    EXPECT_EQ(world.adjustments[1].processes.size(), 3U);
    EXPECT_EQ(world.adjustments[1].change.instance,
              (policy::Properties{{"MemoryMax", std::uint64_t{model::ResourceControl::kInfinity}}}));
}

TEST_F(SupervisorTest, ChangedLimitsOfWhatRestsHoldAtTheNextStart)
{
    online({app("web")});
    operate(Verb::Stop, "web");
    world.deliver();
    auto web = app("web");
    web.limits.cpu = 50;
    EXPECT_EQ(apply({web}, {.start = false}).text(), "ok");
    ASSERT_EQ(world.adjustments.size(), 1U) << "the slice, which may be there, is told";
    EXPECT_TRUE(world.adjustments[0].processes.empty());
    operate(Verb::Start, "web");
    world.deliver();
    EXPECT_EQ(world.alive.begin()->second.spec->limits.cpu, 50U);
}

TEST_F(SupervisorTest, LimitsBesideAnotherChangeAreARestart)
{
    online({app("web")});
    auto web = app("web");
    web.limits.cpu = 50;
    web.env["A"] = "1";
    const auto answer = apply({web});
    world.deliver();
    EXPECT_EQ(answer.text(), "ok");
    EXPECT_TRUE(world.adjustments.empty());
    EXPECT_EQ(world.instance("web").generation.value, 2U);
}

TEST_F(SupervisorTest, ApplyStartsWhatRestsUnlessToldNotTo)
{
    online({app("web")});
    operate(Verb::Stop, "web");
    world.deliver();
    auto changed = app("web");
    changed.args = {"9"};
    EXPECT_EQ(apply({changed}, {.start = false}).text(), "ok");
    EXPECT_EQ(world.status("web"), "stopped");
    EXPECT_EQ(world.supervisor.spec("web")->args, std::vector<std::string>{"9"});
    apply({changed});
    world.deliver();
    EXPECT_EQ(world.status("web"), "online");
}

TEST_F(SupervisorTest, PlanAndApplyAgreeOnWhatIsStarted)
{
    world.unstartable.insert("errored");
    auto waiting = app("waiting");
    waiting.restart.restart_delay = 1h;
    auto registered = app("registered");
    registered.autostart = false;
    const std::vector<model::AppSpec> specs{app("online"), app("stopped"), app("errored"), waiting, registered,
                                            app("stopping")};
    online(specs);
    world.exit(world.instance("waiting").id.value, 1);
    operate(Verb::Stop, "stopped");
    world.deliver();
    operate(Verb::Stop, "stopping");

    const auto said = [](const std::vector<PlanItem>& plan) {
        std::vector<std::string> lines;
        for (const PlanItem& item : plan)
            lines.push_back(item.app + " " + std::string(to_string(item.action)) + (item.why.empty() ? "" : ": " + item.why));
        return lines;
    };
    const std::vector<std::string> expected{
        "online keep", "stopped start: stopped", "errored start: errored: " + world.instance("errored").reason,
        "waiting start: waiting to restart", "registered keep", "stopping start: stopping"};
    EXPECT_EQ(said(world.supervisor.plan(specs, {}).value()), expected);
    const auto without_start = world.supervisor.plan(specs, {.start = false});
    ASSERT_TRUE(without_start);
    for (const PlanItem& item : *without_start)
        EXPECT_EQ(item.action, PlanAction::Keep) << item.app;
    world.unstartable.clear();
    EXPECT_EQ(said(world.supervisor.apply(specs, {}, [](const Outcome&) {}).value()), expected);
    world.deliver();
    for (const char* app : {"online", "stopped", "errored", "waiting", "stopping"}) EXPECT_EQ(world.status(app), "online") << app;
    EXPECT_EQ(world.status("registered"), "stopped");
}

TEST_F(SupervisorTest, PruneRemovesWhatTheSameOriginHasNoMore)
{
    apply({app("a"), app("b")}, {.origin = "/one.yaml", .owner = 5});
    apply({app("c")}, {.origin = "/two.yaml", .owner = 5});
    apply({app("d")}, {.origin = "/one.yaml", .owner = 6});
    world.deliver();
    const auto answer = apply({app("a")}, {.prune = true, .origin = "/one.yaml", .owner = 5});
    world.deliver();
    EXPECT_EQ(answer.text(), "ok");
    EXPECT_EQ(world.apps, (std::set<std::string>{"a", "c", "d"}));
}

TEST_F(SupervisorTest, PruneSparesWhatTheOriginStillHasButIsNotApplied)
{
    online({app("a")});
    apply({app("a"), app("b"), app("c")}, {.origin = "/one.yaml"});
    world.deliver();
    const auto answer = apply({app("a")}, {.prune = true, .declared = {"a", "b"}, .origin = "/one.yaml"});
    world.deliver();
    EXPECT_EQ(answer.text(), "ok");
    EXPECT_EQ(world.apps, (std::set<std::string>{"a", "b"}));
}

TEST_F(SupervisorTest, AFileTakesOverAppsOfItsNames)
{
    apply({app("web")}, {.origin = "/r1/app.yaml"});
    world.deliver();
    auto moved = app("web");
    moved.cwd = "/r2";
    const ApplyOptions from_r2{.origin = "/r2/app.yaml"};
    const auto why = [&](const model::AppSpec& spec) {
        const auto plan = world.supervisor.plan(std::vector{spec}, from_r2).value();
        return std::string(to_string(plan.at(0).action)) + ": " + plan.at(0).why;
    };
    EXPECT_EQ(why(app("web")), "keep: was loaded from /r1/app.yaml");
    EXPECT_EQ(why(moved), "change: cwd changed; was loaded from /r1/app.yaml");
    apply({moved}, from_r2);
    world.deliver();
    EXPECT_EQ(why(moved), "keep: ");
    EXPECT_EQ(world.instance("web").generation.value, 2U);
}

TEST_F(SupervisorTest, AScriptReplacesNoOtherAppUnlessForced)
{
    auto job = app("job");
    job.script = "/d1/job.sh";
    job.cwd = "/d1";
    const ApplyOptions script{.take_over = false, .origin = "command line"};
    const auto refused = [&](const model::AppSpec& spec) {
        const auto plan = world.supervisor.apply({spec}, script, {});
        return plan ? "no" : plan.error().code == ErrorCode::AppExists ? plan.error().message : "another error";
    };
    const std::string what_to_do = ": give another --name, or --force to replace it";
    apply({job}, script);
    apply({app("web")}, {.origin = "/app.yaml"});
    world.deliver();

    auto other = job;
    other.script = "/d2/job.sh";
    EXPECT_EQ(refused(other), "there is an app 'job' already (/d1/job.sh)" + what_to_do);
    auto elsewhere = job;
    elsewhere.cwd = "/d2";
    EXPECT_EQ(refused(elsewhere), "there is an app 'job' already (/d1/job.sh in /d1)" + what_to_do);
    EXPECT_EQ(refused(app("web")), "there is an app 'web' already (sleep, from /app.yaml)" + what_to_do);
    operate(Verb::Stop, "job");
    world.deliver();
    EXPECT_NE(refused(other), "no") << "a stopped app is an app";
    apply({other}, {.origin = "command line"}); // --force
    world.deliver();
    EXPECT_EQ(world.supervisor.spec("job")->script, "/d2/job.sh");
    operate(Verb::Delete, "job");
    apply({job}, script);
    world.deliver();
    EXPECT_EQ(world.supervisor.spec("job")->script, "/d1/job.sh") << "one that is being deleted is in nobody's way";
}

TEST_F(SupervisorTest, TheSameScriptKeepsItsEnvironmentUnlessToldToUpdateIt)
{
    const ApplyOptions keep{.take_over = false, .update_env = false, .origin = "command line"};
    auto spec = app("job");
    spec.env["MARK"] = "1";
    apply({spec}, keep);
    world.deliver();
    spec.env["MARK"] = "2";
    EXPECT_EQ(world.supervisor.plan(std::vector{spec}, keep).value().at(0).action, PlanAction::Keep);
    spec.args = {"9"};
    EXPECT_EQ(world.supervisor.plan(std::vector{spec}, keep).value().at(0).why, "args changed");
    apply({spec}, keep);
    world.deliver();
    EXPECT_EQ(world.supervisor.spec("job")->env.at("MARK"), "1");
    EXPECT_EQ(world.supervisor.spec("job")->args, std::vector<std::string>{"9"});
    apply({spec}, {.take_over = false, .origin = "command line"}); // --update-env
    world.deliver();
    EXPECT_EQ(world.supervisor.spec("job")->env.at("MARK"), "2");
    EXPECT_EQ(world.instance("job").generation.value, 3U);
}

TEST_F(SupervisorTest, ApplyIsAllOrNothing)
{
    apply({app("theirs")}, {.owner = 5});
    world.supervisor.set_limits({.max_apps = 3, .max_instances = 4, .cpus = 4});
    const auto refused = [&](std::vector<model::AppSpec> specs) {
        return world.supervisor.apply(std::move(specs), {}, {}).error().code;
    };
    EXPECT_EQ(refused({app("a"), app("theirs")}), ErrorCode::AppExists);
    EXPECT_EQ(refused({app("a"), app("a")}), ErrorCode::InvalidArgument);
    EXPECT_EQ(refused({app("a"), app("b"), app("c")}), ErrorCode::LimitExceeded);
    EXPECT_EQ(refused({app("a", 4)}), ErrorCode::LimitExceeded);
    EXPECT_EQ(world.supervisor.app_count(), 1U);
}

TEST_F(SupervisorTest, AUserHasNoMoreThanOneUserMayHave)
{
    constexpr uid_t kAlice = 1001, kBob = 1002, kCarol = 1003;
    const ApplyOptions alice{.owner = kAlice};
    world.supervisor.set_limits({.max_apps = 8, .max_instances = 12, .of_user = {3, 5, 20'000}});
    const auto refused = [&](std::vector<model::AppSpec> specs, const ApplyOptions& options) {
        const auto result = world.supervisor.apply(std::move(specs), options, {});
        return result ? std::string() : result.error().message;
    };
    apply({app("a"), app("b", 2)}, alice);
    EXPECT_NE(refused({app("c"), app("d")}, alice).find("4 apps, more than the 3 that one user may have"), std::string::npos);
    EXPECT_NE(refused({app("c", 3)}, alice).find("6 instances, more than the 5"), std::string::npos);
    EXPECT_NE(world.supervisor.scale("b", "+3", {}).error().message.find("max_instances_per_user"), std::string::npos);
    auto large = app("a");
    large.env = {{"A", std::string(15'000, 'x')}};
    EXPECT_NE(refused({large}, alice).find("max_state_per_user"), std::string::npos);
    EXPECT_EQ(refused({app("c", 2)}, alice), "");
    apply({app("e"), app("f")}, {.owner = kBob});
    EXPECT_NE(refused({app("g"), app("h")}, {.owner = kCarol}).find("7 apps, more than the 6 that they may have together"), std::string::npos);
    EXPECT_EQ(refused({app("r1"), app("r2"), app("r3")}, {}), "") << "root's share";
    EXPECT_EQ(world.supervisor.app_count(), 8U);
}

TEST_F(SupervisorTest, TargetsAreNamesThenNamespacesThenIds)
{
    auto numbered = app("1");
    auto other = app("web-2");
    other.name_space = "front";
    online({app("web-1"), numbered, other});
    EXPECT_EQ(world.supervisor.apps_of("1").value(), std::vector<std::string>{"1"});
    EXPECT_EQ(world.supervisor.apps_of("2").value(), std::vector<std::string>{"web-2"});
    EXPECT_EQ(world.supervisor.apps_of("front").value(), std::vector<std::string>{"web-2"});
    EXPECT_EQ(world.supervisor.apps_of("/^web-[1,2]$/").value(), (std::vector<std::string>{"web-1", "web-2"}));
    EXPECT_EQ(world.supervisor.apps_of("all")->size(), 3U);
    EXPECT_EQ(world.supervisor.apps_of("wbe-1").error().message,
              "no app, namespace or id 'wbe-1'; did you mean 'web-1'?");
    EXPECT_EQ(world.supervisor.apps_of("/(/").error().code, ErrorCode::InvalidArgument);
}

TEST_F(SupervisorTest, APathIsTheAppsThatRunTheScript)
{
    auto relative = app("relative");
    relative.cwd = "/srv/shop";
    relative.script = "./job.sh";
    auto absolute = app("absolute");
    absolute.script = "/srv/shop/job.sh";
    auto other = app("other");
    other.cwd = "/srv";
    other.script = "job.sh";
    online({relative, absolute, other});
    const std::vector<std::string> both{"relative", "absolute"};
    EXPECT_EQ(world.supervisor.apps_of("/srv/shop/job.sh").value(), both);
    EXPECT_EQ(world.supervisor.apps_of("/srv/./shop//job.sh").value(), both);
    EXPECT_EQ(world.supervisor.apps_of("/srv/job.sh").value(), std::vector<std::string>{"other"});
    EXPECT_EQ(world.supervisor.apps_of("/job.sh").error().message, "no app runs '/job.sh'");
    EXPECT_FALSE(world.supervisor.apps_of("job.sh")) << "a relative path means nothing to pmd";
}

TEST_F(SupervisorTest, SignalsWhatRuns)
{
    online({app("web", 2), app("db")});
    EXPECT_EQ(world.supervisor.signal("web", SIGUSR2).value(), 2U);
    EXPECT_EQ(world.events.back().reason, "SIGUSR2");
    operate(Verb::Stop, "db");
    world.deliver();
    EXPECT_EQ(world.supervisor.signal("db", SIGUSR2).error().code, ErrorCode::NotOnline);
    EXPECT_EQ(world.supervisor.signal("web", 0).error().code, ErrorCode::InvalidArgument);
}

TEST_F(SupervisorTest, ResetZeroesTheCounters)
{
    online({app("web")});
    world.exit(0, 1);
    EXPECT_EQ(world.instance("web").restarts, 1U);
    EXPECT_EQ(world.supervisor.reset("all").value(), std::vector<std::string>{"web"});
    EXPECT_EQ(world.instance("web").restarts, 0U);
    EXPECT_EQ(world.instance("web").unstable_restarts, 0U);
}

TEST_F(SupervisorTest, ShutsDownNewestFirstAndRefusesTheRest)
{
    online({app("a"), app("b")});
    world.log.clear();
    Answer down;
    world.supervisor.shut_down(down.done());
    EXPECT_EQ(world.log[0], "signal 15 1.1");
    EXPECT_EQ(world.log[1], "signal 15 0.1");
    EXPECT_EQ(world.supervisor.operate(Verb::Start, "a", {}).error().code, ErrorCode::Unavailable);
    EXPECT_EQ(world.supervisor.apply({app("c")}, {}, {}).error().code, ErrorCode::Unavailable);
    EXPECT_EQ(down.text(), "pending");
    world.deliver();
    EXPECT_EQ(down.text(), "ok");
    EXPECT_TRUE(world.alive.empty());
}

TEST_F(SupervisorTest, DoneMayCallIn)
{
    online({app("web")});
    Answer start;
    auto in_done = [&](const Outcome&) {
        EXPECT_TRUE(world.supervisor.apply({app("web")}, {}, start.done()));
    };
    ASSERT_TRUE(world.supervisor.operate(Verb::Delete, "web", in_done));
    world.deliver();
    EXPECT_EQ(start.text(), "ok");
    EXPECT_EQ(world.status("web"), "online");
}

TEST_F(SupervisorTest, TooManyWaitingCommandsAreRefused)
{
    world.supervisor.set_limits({.max_waiting = 2});
    world.stubborn = {"web"};
    online({app("web")});
    const auto first = operate(Verb::Stop, "web");
    const auto second = operate(Verb::Stop, "web");
    EXPECT_EQ(world.supervisor.operate(Verb::Stop, "web", {}).error().code, ErrorCode::LimitExceeded);
    world.advance(2s);
    EXPECT_EQ(first.text() + second.text(), "okok");
}

TEST_F(SupervisorTest, WhatIsNotKnownToHaveRunIsAdoptedAsSuch)
{
    world.answers = false;
    apply({app("web", 2)});
    world.supervisor.on_running(world.alive.begin()->first, 100);
    const auto saved = world.supervisor.saved("web");
    ASSERT_TRUE(saved);

    FakeWorld after;
    ASSERT_TRUE(after.supervisor.restore({&*saved, 1}).empty());
    ASSERT_EQ(after.adopted.size(), 2U);
    EXPECT_TRUE(after.adopted.at(0).ran);
    EXPECT_FALSE(after.adopted.at(1).ran) << "the launcher may launch it now";
}

TEST_F(SupervisorTest, ARestoredAppGoesOnWhereItWas)
{
    model::AppSpec spec = app("web", 3);
    spec.restart.restart_delay = 5s;
    apply({spec}, {.origin = "/f", .owner = 7});
    world.deliver();
    world.crash(1, SIGKILL);
    operate(Verb::Stop, "2");
    world.deliver();
    const auto saved = world.supervisor.saved("web");
    ASSERT_TRUE(saved);

    FakeWorld after;
    after.time = world.time;
    ASSERT_TRUE(after.supervisor.restore({&*saved, 1}).empty());
    EXPECT_FALSE(after.supervisor.restore({&*saved, 1}).empty()) << "it is there already";
    ASSERT_EQ(after.adopted.size(), 1U) << "only what has a process is taken up";
    EXPECT_EQ(after.adopted.at(0).key.id.value, 0U);
    EXPECT_EQ(after.timers.size(), 1U) << "the backoff goes on";
    EXPECT_EQ(after.supervisor.snapshot("web")->owner, 7U);
    for (std::size_t slot = 0; slot < 3; ++slot) {
        const auto was = world.instance("web", slot);
        const auto is = after.instance("web", slot);
        EXPECT_EQ(is.status, was.status) << slot;
        EXPECT_EQ(is.id, was.id);
        EXPECT_EQ(is.restarts, was.restarts);
        EXPECT_EQ(is.generation, was.generation);
    }
    // What died meanwhile is judged by the policy.
    after.supervisor.on_gone(after.adopted.at(0).key, {.kind = model::ExitInfo::Kind::Exited, .code = 3});
    EXPECT_EQ(after.status("web", 0), "backoff");
    after.advance(6s);
    EXPECT_EQ(after.status("web", 0), "online");
    EXPECT_EQ(after.status("web", 1), "online");
    EXPECT_EQ(after.status("web", 2), "stopped");
}

} // namespace
} // namespace pm::engine::testing
