// SPDX-License-Identifier: Apache-2.0
#include "channel/probe_watch.hpp"

#include "../io/answering.hpp"
#include "heard.hpp"

namespace pm::channel::test {
namespace {

using engine::ProcessKey;
using std::chrono::milliseconds;

constexpr ProcessKey kKey{base::InstanceId{1}, base::Generation{1}};

class ProbedReadiness : public ::testing::Test {
protected:
    void run(std::optional<model::ReadyWhen> ready, milliseconds listen_timeout = std::chrono::seconds(8))
    {
        watch.set_events(heard);
        auto spec = std::make_shared<model::AppSpec>();
        spec->name = "web";
        spec->serving.ready = ready;
        spec->serving.listen_timeout = listen_timeout;
        ASSERT_TRUE(watch.connect({.key = kKey, .slot = base::Slot{2}, .spec = spec}, {}));
        watch.runs(kKey, 1);
    }

    /// Long enough for a check that is not to come.
    void idle()
    {
        const auto end = std::chrono::steady_clock::now() + milliseconds(200);
        while (std::chrono::steady_clock::now() < end) loop.run_once(milliseconds(20));
    }

    io::EventLoop loop;
    Heard heard;
    io::test::Answering server{loop};
    std::vector<std::string> warnings;
    ProbeWatch watch{loop,
                     [this](const model::AppSpec&) {
                         model::HealthSpec health;
                         health.target = {model::HealthTarget::Kind::Http, "127.0.0.1", server.port, "/"};
                         health.interval = milliseconds(120);
                         return std::optional(health);
                     },
                     [this](const std::string& text) { warnings.push_back(text); }};
};

TEST_F(ProbedReadiness, ComesWithTheFirstCheckThatSucceedsAndNoneFollows)
{
    server.answer = "HTTP/1.1 503 Not yet\r\n\r\n";
    run(model::ReadyWhen::Probe);
    idle(); // nobody listens
    server.listen();
    ASSERT_TRUE(run_until(loop, [&] { return server.connections >= 2; }));
    EXPECT_TRUE(heard.of.empty());
    server.answer = "HTTP/1.1 200 OK\r\n\r\n";
    ASSERT_TRUE(run_until(loop, [&] { return !heard.of.empty(); }));
    EXPECT_EQ(heard.of[kKey], std::vector<std::string>{"ready by probe"});
    const int before = server.connections;
    idle();
    EXPECT_EQ(server.connections, before);
    EXPECT_TRUE(warnings.empty());
}

TEST_F(ProbedReadiness, WhyItIsLateIsToldOnce)
{
    server.listen();
    server.answer = "HTTP/1.1 503 Never\r\n\r\n";
    run(model::ReadyWhen::Probe, milliseconds(150));
    ASSERT_TRUE(run_until(loop, [&] { return server.connections >= 4; }));
    ASSERT_EQ(warnings.size(), 1U);
    EXPECT_EQ(warnings[0], "web, instance 2: is not ready: http://127.0.0.1:" + std::to_string(server.port) + "/: answered 503");
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
    watch.ended(kKey);
    idle();
    EXPECT_EQ(server.connections, 1);
    EXPECT_TRUE(heard.of.empty());
}

} // namespace
} // namespace pm::channel::test
