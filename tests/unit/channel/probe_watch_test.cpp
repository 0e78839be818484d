// SPDX-License-Identifier: Apache-2.0
#include "channel/probe_watch.hpp"

#include "../io/answering.hpp"
#include "heard.hpp"

#include <utility>

namespace pm::channel::test {
namespace {

using engine::ProcessKey;
using std::chrono::milliseconds;

constexpr ProcessKey kProbed{base::InstanceId{1}, base::Generation{1}};

class ProbedReadiness : public ::testing::Test {
protected:
    void run(std::optional<model::ReadyWhen> ready, milliseconds listen_timeout = std::chrono::seconds(8))
    {
        watch.set_events(heard);
        auto spec = std::make_shared<model::AppSpec>();
        spec->name = "web";
        spec->serving.ready = ready;
        spec->serving.listen_timeout = listen_timeout;
        spec->health = health;
        ASSERT_TRUE(watch.connect({.key = kProbed, .slot = base::Slot{2}, .spec = spec}, {}));
        watch.runs(kProbed, 1);
    }

    /// Long enough for a check that is not to come.
    void idle(milliseconds time = milliseconds(200))
    {
        const auto end = std::chrono::steady_clock::now() + time;
        while (std::chrono::steady_clock::now() < end) loop.run_once(milliseconds(20));
    }
    std::string url() const { return "http://127.0.0.1:" + std::to_string(server.port) + "/"; }

    /// A command that ends when the test says so.
    struct Command final : engine::Check {
        explicit Command(int& count) : running(count) { ++running; }
        ~Command() override { --running; }
        Command(const Command&) = delete;
        Command& operator=(const Command&) = delete;
        int& running;
    };

    io::EventLoop loop;
    Heard heard;
    io::test::Answering server{loop};
    model::HealthSpec health{{model::HealthTarget::Kind::Http, "127.0.0.1", server.port, "/", ""}, {}, milliseconds(120), std::chrono::seconds(2)};
    std::vector<std::string> warnings;
    int commands = 0; ///< that run
    int begun = 0;
    bool paused = false;
    model::Duration timeout{};
    engine::Checked end_command;
    ProbeWatch watch{loop,
                     [this](engine::ProcessKey, model::Duration time, engine::Checked done) -> std::unique_ptr<engine::Check> {
                         ++begun;
                         if (paused) return nullptr;
                         timeout = time;
                         end_command = std::move(done);
                         return std::make_unique<Command>(commands);
                     },
                     [this](const std::string& text) { warnings.push_back(text); }};
};

TEST_F(ProbedReadiness, ComesWithTheFirstCheckThatSucceedsAndNoneFollows)
{
    server.answer = "HTTP/1.1 503 Not yet\r\n\r\n";
    run(model::ReadyWhen::Probe);
    idle(); // nobody listens
    EXPECT_EQ(heard.of[kProbed], std::vector<std::string>{"unready: " + url() + ": Connection refused"});
    server.listen();
    ASSERT_TRUE(run_until(loop, [&] { return server.connections >= 3; }));
    // What stays the same is told once.
    EXPECT_EQ(heard.of[kProbed], (std::vector<std::string>{"unready: " + url() + ": Connection refused", "unready: " + url() + ": answered 503"}));
    server.answer = "HTTP/1.1 200 OK\r\n\r\n";
    ASSERT_TRUE(run_until(loop, [&] { return heard.of[kProbed].back() == "ready by probe"; }));
    const int before = server.connections;
    idle();
    EXPECT_EQ(server.connections, before);
    EXPECT_EQ(heard.of[kProbed].size(), 3U);
    EXPECT_TRUE(warnings.empty());
}

TEST_F(ProbedReadiness, HasToldWhyBeforeItsTimeIsOverAndIsGivenUpThen)
{
    server.listen();
    server.hang_up = false; // and no answer
    run(model::ReadyWhen::Probe, milliseconds(1000));
    const auto began = std::chrono::steady_clock::now();
    ASSERT_TRUE(run_until(loop, [&] { return !heard.of[kProbed].empty(); }));
    EXPECT_LT(std::chrono::steady_clock::now() - began, milliseconds(1000));
    EXPECT_NE(heard.of[kProbed][0].find("no answer within"), std::string::npos);
    const int before = server.connections;
    idle(milliseconds(300));
    EXPECT_EQ(server.connections, before);
}

TEST_F(ProbedReadiness, TheLastCheckThatHadNoTimeLeftTellsNothingNew)
{
    server.listen();
    server.answer = "HTTP/1.1 503 Not yet\r\n\r\n";
    run(model::ReadyWhen::Probe, milliseconds(1000));
    ASSERT_TRUE(run_until(loop, [&] { return !heard.of[kProbed].empty(); }));
    server.answer.clear();
    server.hang_up = false;
    idle(milliseconds(1100));
    EXPECT_EQ(heard.of[kProbed], std::vector<std::string>{"unready: " + url() + ": answered 503"});
}

TEST_F(ProbedReadiness, NothingIsCheckedAfterTheEndOrWhenNobodyAsked)
{
    server.listen();
    run(std::nullopt);
    run(model::ReadyWhen::Notify);
    idle();
    EXPECT_EQ(server.connections, 0);
    run(model::ReadyWhen::Probe);
    ASSERT_TRUE(run_until(loop, [&] { return server.connections == 1; }));
    watch.ended(kProbed);
    idle();
    EXPECT_EQ(server.connections, 1);
    EXPECT_TRUE(heard.of.empty());
}

TEST_F(ProbedReadiness, ACommandIsRunOnceAtATimeAndEndsWithTheProcess)
{
    health.command = {"check"};
    run(model::ReadyWhen::Probe);
    ASSERT_TRUE(run_until(loop, [&] { return commands == 1; }));
    EXPECT_EQ(timeout, health.timeout);
    idle();
    EXPECT_EQ(begun, 1);
    std::exchange(end_command, nullptr)(base::fail(base::ErrorCode::Failed, "check: exit code 1"));
    EXPECT_EQ(heard.of[kProbed], std::vector<std::string>{"unready: check: exit code 1"});
    ASSERT_TRUE(run_until(loop, [&] { return begun == 2; }));
    watch.ended(kProbed);
    EXPECT_EQ(commands, 0);

    run(model::ReadyWhen::Probe);
    ASSERT_TRUE(run_until(loop, [&] { return begun == 3; }));
    std::exchange(end_command, nullptr)({});
    EXPECT_EQ(heard.of[kProbed].back(), "ready by probe");
    EXPECT_EQ(commands, 0);
}

TEST_F(ProbedReadiness, ACommandThatCannotBeRunNowIsTriedAgain)
{
    health.command = {"check"};
    paused = true;
    run(model::ReadyWhen::Probe);
    ASSERT_TRUE(run_until(loop, [&] { return begun == 2; }));
    paused = false;
    ASSERT_TRUE(run_until(loop, [&] { return commands == 1; }));
    EXPECT_TRUE(heard.of.empty());
}

TEST_F(ProbedReadiness, APortThatNoVariableHoldsIsTold)
{
    health.target.port_variable = "NONE";
    run(model::ReadyWhen::Probe);
    ASSERT_TRUE(run_until(loop, [&] { return !heard.of.empty(); }));
    EXPECT_EQ(heard.of[kProbed], std::vector<std::string>{"unready: asking http://127.0.0.1:$NONE/: the variable 'NONE' is no port"});
}

} // namespace
} // namespace pm::channel::test
