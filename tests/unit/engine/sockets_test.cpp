// SPDX-License-Identifier: Apache-2.0
// When the sockets of an app are opened, kept and closed.
#include "fake_world.hpp"

namespace pm::engine::testing {
namespace {

using namespace std::chrono_literals;
using Ports = std::set<std::uint16_t>;

model::AppSpec listening(std::string name, const std::vector<std::uint16_t>& ports, int instances = 1)
{
    model::AppSpec spec = app(std::move(name), instances);
    for (const std::uint16_t port : ports) spec.listen.push_back({.port = port, .name = std::to_string(port)});
    return spec;
}

class SocketsTest : public ::testing::Test {
protected:
    std::string apply(std::vector<model::AppSpec> specs, const ApplyOptions& options = {})
    {
        world.log.clear();
        Answer answer;
        const auto plan = world.supervisor.apply(std::move(specs), options, answer.done());
        return plan ? "" : std::string(base::dbus_name(plan.error().code));
    }
    Answer operate(Verb verb, std::string_view target)
    {
        world.log.clear();
        Answer answer;
        EXPECT_TRUE(world.supervisor.operate(verb, target, answer.done()));
        return answer;
    }
    void online(std::vector<model::AppSpec> specs)
    {
        EXPECT_EQ(apply(std::move(specs)), "");
        world.deliver();
    }
    Ports held(const std::string& name) const { return world.held.contains(name) ? world.held.at(name) : Ports{}; }
    [[nodiscard]] std::ptrdiff_t logged(const std::string& what) const { return std::ranges::count(world.log, what); }

    FakeWorld world;
};

TEST_F(SocketsTest, AreOpenBeforeAnythingStarts)
{
    apply({app("db"), listening("web", {80}, 2)});
    ASSERT_GE(world.log.size(), 2U);
    EXPECT_EQ(world.log[0], "open 80");
    EXPECT_EQ(world.log[1], "launch db/0.1");
    world.deliver();
    EXPECT_EQ(held("web"), Ports{80});
    EXPECT_EQ(logged("open 80"), 1);
}

TEST_F(SocketsTest, ABusyOneLeavesEverythingAsItWas)
{
    online({app("db"), listening("web", {80})});
    world.busy = {81};
    auto changed = app("db");
    changed.args = {"new"};
    EXPECT_EQ(apply({changed, listening("other", {90}), listening("web", {80, 81})}), "org.pmd1.Error.ListenFailed");
    world.deliver();
    EXPECT_EQ(world.log, (std::vector<std::string>{"open 90", "close 90"})) << "and what was opened for it is closed";
    EXPECT_EQ(world.instance("db").generation.value, 1U);
    EXPECT_EQ(world.instance("web").generation.value, 1U);
    EXPECT_FALSE(world.supervisor.spec("other"));
    EXPECT_EQ(held("web"), Ports{80});
    EXPECT_EQ(world.held.size(), 1U);
}

TEST_F(SocketsTest, StayOpenOverRestartsAndCrashes)
{
    online({listening("web", {80})});
    operate(Verb::Restart, "web");
    world.deliver();
    world.advance(5s);
    world.crash(0, SIGSEGV);
    EXPECT_EQ(world.instance("web").generation.value, 3U);
    EXPECT_EQ(logged("close 80"), 0);
    EXPECT_EQ(logged("open 80"), 0);
}

TEST_F(SocketsTest, StayOpenWhileARestartIsWaitedFor)
{
    auto spec = listening("web", {80});
    spec.restart.restart_delay = 10s;
    online({spec});
    world.crash(0, SIGSEGV);
    EXPECT_EQ(world.status("web"), "backoff");
    EXPECT_EQ(held("web"), Ports{80});
}

TEST_F(SocketsTest, AreClosedWhenAllInstancesRestAndOpenedAgain)
{
    online({listening("web", {80}, 2)});
    operate(Verb::Stop, "0");
    world.deliver();
    EXPECT_EQ(held("web"), Ports{80}) << "one is left";
    const auto stop = operate(Verb::Stop, "web");
    EXPECT_EQ(held("web"), Ports{80}) << "its process is not gone yet";
    world.deliver();
    EXPECT_EQ(held("web"), Ports{});
    EXPECT_EQ(stop.text(), "ok");
    operate(Verb::Start, "web");
    world.deliver();
    EXPECT_EQ(held("web"), Ports{80});
}

TEST_F(SocketsTest, AreClosedBeforeTheEndOfAStopIsTold)
{
    online({listening("web", {80})});
    bool open = true;
    EXPECT_TRUE(world.supervisor.operate(Verb::Stop, "web", [&](const Outcome&) { open = world.held.contains("web"); }));
    world.deliver();
    EXPECT_FALSE(open);
}

TEST_F(SocketsTest, AreClosedWhenTheAppIsErroredOrDeleted)
{
    auto spec = listening("web", {80});
    spec.restart.max_restarts = 0;
    online({spec, listening("other", {90})});
    world.crash(0, SIGSEGV);
    EXPECT_EQ(world.status("web"), "errored");
    EXPECT_EQ(held("web"), Ports{});
    operate(Verb::Delete, "other");
    world.deliver();
    EXPECT_TRUE(world.held.empty());
}

TEST_F(SocketsTest, AStartThatDoesNotGetThemIsAFailedLaunch)
{
    online({listening("web", {80})});
    operate(Verb::Stop, "web");
    world.deliver();
    world.busy = {80};
    const auto start = operate(Verb::Start, "web");
    world.deliver();
    EXPECT_EQ(start.text(), "LaunchFailed");
    EXPECT_EQ(world.status("web"), "errored");
    EXPECT_EQ(world.instance("web").reason, "busy");
    EXPECT_EQ(world.instance("web").last_exit->stage, model::LaunchStage::Listen);
    world.busy = {};
    operate(Verb::Start, "web");
    world.deliver();
    EXPECT_EQ(world.status("web"), "online");
}

TEST_F(SocketsTest, AChangedListKeepsWhatIsInBothAndClosesTheRestLast)
{
    world.beside = true;
    online({listening("web", {80, 81}, 2)});
    apply({listening("web", {80, 82}, 2)});
    EXPECT_EQ(world.log.front(), "open 82");
    EXPECT_EQ(held("web"), (Ports{80, 81, 82})) << "the old processes live";
    world.advance(2s); // both are replaced, one after the other
    EXPECT_EQ(held("web"), (Ports{80, 82}));
    EXPECT_EQ(logged("close 80"), 0);
    EXPECT_EQ(logged("close 81"), 1);
}

TEST_F(SocketsTest, ListeningOnNothingAnyMoreClosesThem)
{
    online({listening("web", {80})});
    apply({app("web")});
    EXPECT_EQ(held("web"), Ports{80});
    world.deliver();
    EXPECT_EQ(held("web"), Ports{});
}

TEST_F(SocketsTest, OfWhatIsNotStartedAreNotOpened)
{
    auto spec = listening("web", {80});
    EXPECT_EQ(apply({spec}, {.start = false}), "");
    EXPECT_TRUE(world.held.empty());
    spec.autostart = false;
    EXPECT_EQ(apply({spec}), "");
    EXPECT_TRUE(world.held.empty());
    world.busy = {80};
    EXPECT_EQ(apply({spec}), "") << "nor missed";
}

TEST_F(SocketsTest, AreTakenUpByTheNextPmd)
{
    online({listening("web", {80}), listening("idle", {90})});
    operate(Verb::Stop, "idle");
    world.deliver();
    FakeWorld next;
    for (const char* name : {"web", "idle"}) EXPECT_TRUE(next.supervisor.restore(std::vector{*world.supervisor.saved(name)}).empty());
    EXPECT_EQ(next.held["web"], Ports{80});
    EXPECT_FALSE(next.held.contains("idle"));
    ASSERT_TRUE(next.supervisor.operate(Verb::Delete, "web", [](const Outcome&) {}));
    next.supervisor.on_gone({base::InstanceId{0}, base::Generation{1}}, {});
    EXPECT_FALSE(next.held.contains("web"));
}

} // namespace
} // namespace pm::engine::testing
