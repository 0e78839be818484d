// SPDX-License-Identifier: Apache-2.0
// What Node programs say and hear by process.send() and 'message', and how a later pmd goes on with them.
#include "node_cluster_world.hpp"

#include <fmt/format.h>

namespace pm::channel::test {
namespace {

class NodeMessages : public NodeClusterWorld {
protected:
    /// As after the end of this pmd; its processes live on.
    void another_pmd()
    {
        make_channels();
        for (const auto& [key, one] : said)
            if (!one.gone) channels->reconnect(requests[key], nullptr);
    }
};

TEST_P(NodeMessages, ReadyAndOtherMessagesAreToldApart)
{
    program("process.send('ready'); process.send({type: 'x', data: [1, 'ä']}); process.send('ready!'); process.on('message', () "
            "=> {});");
    const ProcessKey key = start();
    ASSERT_TRUE(until_ready(key, ReadyWhen::Ipc));
    ASSERT_TRUE(until([&] { return said[key].messages.size() == 2; }));
    EXPECT_EQ(said[key].messages, (std::vector<std::string>{R"({"type":"x","data":[1,"ä"]})", R"("ready!")"}));
    EXPECT_TRUE(warnings.empty());
}

TEST_P(NodeMessages, AProgramHearsWhatItIsSent)
{
    program(
        "process.on('message', m => { if (m === 'shutdown') process.exit(7); process.send({got: m}); }); process.send('ready');");
    const ProcessKey key = start();
    ASSERT_TRUE(until_ready(key, ReadyWhen::Ipc));
    ASSERT_TRUE(channels->send(key, "{\"a\":\n \"b\"}"));
    ASSERT_TRUE(until([&] { return !said[key].messages.empty(); }));
    EXPECT_EQ(said[key].messages.front(), R"({"got":{"a":"b"}})");
    EXPECT_FALSE(channels->send(key, "{"));
    EXPECT_FALSE(channels->send(key, R"({"cmd":"NODE_CLUSTER","act":"disconnect"})"));
    EXPECT_TRUE(channels->send_shutdown(key));
    ASSERT_TRUE(until_gone(key));
    EXPECT_EQ(said[key].exit.code, 7);
    EXPECT_FALSE(channels->send_shutdown(key));
    EXPECT_FALSE(channels->send(key, "1"));
}

TEST_P(NodeMessages, LargeMessagesGoBothWays)
{
    program("process.on('message', m => process.send(m + m)); process.send('ready');");
    const ProcessKey key = start();
    ASSERT_TRUE(until_ready(key, ReadyWhen::Ipc));
    const std::string large(1'300'000, 'x');
    ASSERT_TRUE(channels->send(key, '"' + large + '"'));
    ASSERT_TRUE(until([&] { return !said[key].messages.empty(); }));
    EXPECT_EQ(said[key].messages.front(), '"' + large + large + '"');
}

TEST_P(NodeMessages, AnOpenSocketThatComesAlongIsAnsweredAndClosed)
{
    program(R"(const s = require('net').createServer().listen({port: +process.env.PORT, exclusive: true}, () => {
        process.send('with', s); process.send('behind it'); });)");
    const ProcessKey key = start();
    ASSERT_TRUE(until([&] { return said[key].messages.size() == 2; }));
    EXPECT_EQ(said[key].messages, (std::vector<std::string>{R"("with")", R"("behind it")"}));
}

TEST_P(NodeMessages, WithoutAClusterAProgramEndsWhenItHasNothingToDo)
{
    mode = ClusterMode::None;
    program("process.send(require('cluster').isMaster); process.send(process.env.NODE_UNIQUE_ID === undefined);");
    const ProcessKey key = start();
    ASSERT_TRUE(until([&] { return said[key].messages.size() == 2 || said[key].gone; }));
    EXPECT_EQ(said[key].messages, (std::vector<std::string>{"true", "true"}));
    EXPECT_FALSE(channels->dismiss(key));
    ASSERT_TRUE(until_gone(key));
    EXPECT_EQ(said[key].exit.code, 0);
}

TEST_P(NodeMessages, WhatAProgramSaysLastIsHeard)
{
    program("for (let i = 0; i < 100; i++) process.send(i); process.exit();");
    const ProcessKey key = start();
    ASSERT_TRUE(until_gone(key));
    EXPECT_TRUE(until([&] { return said[key].messages.size() == 100; }));
}

TEST_P(NodeMessages, ALongLineClosesItsChannelAlone)
{
    program("process.send('x'.repeat(5 << 20)); process.on('disconnect', () => { console.log('closed'); }); setInterval(() => "
            "{}, 1000);");
    mode = ClusterMode::None; // a worker ends when its channel does
    const ProcessKey key = start();
    ASSERT_TRUE(until([&] { return output().find("closed") != std::string::npos; }));
    EXPECT_FALSE(said[key].gone);
    ASSERT_EQ(warnings.size(), 1U);
    EXPECT_NE(warnings[0].find("more than 4 MiB"), std::string::npos) << warnings[0];
    EXPECT_FALSE(channels->send(key, "1"));
}

TEST_P(NodeMessages, WhoDoesNotReadIsSentSoMuchAndNoMore)
{
    program("process.on('message', () => {}); process.send('ready'); setTimeout(() => { for (;;) ; }, 0);");
    const ProcessKey key = start();
    ASSERT_TRUE(until_ready(key, ReadyWhen::Ipc));
    const std::string megabyte = '"' + std::string(1 << 20, 'x') + '"';
    int count = 0;
    while (count < 30 && channels->send(key, megabyte)) ++count;
    EXPECT_LT(count, 30);
    EXPECT_FALSE(channels->send(key, megabyte));
}

TEST_P(NodeMessages, AnotherPmdGoesOnWithRunningWorkers)
{
    program(std::string(kPid) + "process.on('message', m => process.send({got: m}));");
    const ProcessKey old = serve(0);
    ASSERT_TRUE(channels->send(old, "1"));
    another_pmd();
    EXPECT_EQ(channels->addresses("web"), std::vector<std::string>{fmt::format("tcp *:{}", port)});
    ASSERT_TRUE(channels->send(old, "2"));
    ASSERT_TRUE(until([&] { return said[old].messages.size() == 2; }));
    EXPECT_EQ(said[old].messages, (std::vector<std::string>{R"({"got":1})", R"({"got":2})"}));
    EXPECT_EQ(answer().find("error"), std::string::npos);

    const ProcessKey next = serve(0);
    EXPECT_TRUE(channels->dismiss(old));
    ASSERT_TRUE(until_gone(old));
    EXPECT_EQ(said[old].exit.code, 0);
    EXPECT_EQ(answer().find("error"), std::string::npos);
    kill(next);
    ASSERT_TRUE(until_gone(next));
    channels->rests("web");
    EXPECT_EQ(store.kept.size(), 1U) << "what is kept of channels and sockets is gone, but for the list of them";
    EXPECT_EQ(answer(), "error: connect: 111");
}

TEST_P(NodeMessages, WhatWasAskedWhilePmdWasAwayIsAnswered)
{
    program("process.on('message', () => require('http').createServer((q, a) => a.end('hey')).listen(+process.env.PORT)); "
            "process.send('ready');");
    const ProcessKey key = start();
    ASSERT_TRUE(until_ready(key, ReadyWhen::Ipc));
    until([&] { return store.kept.size() == 2; }); // the state is written when the loop turns
    loop.run_once(std::chrono::milliseconds(0));
    ASSERT_TRUE(channels->send(key, "1"));
    another_pmd();
    ASSERT_TRUE(until_ready(key));
    EXPECT_EQ(answer(), "hey");
    const ProcessKey second = start(1);
    ASSERT_TRUE(until_ready(second, ReadyWhen::Ipc));
    ASSERT_TRUE(channels->send(second, "1"));
    EXPECT_TRUE(until_ready(second));
}

INSTANTIATE_TEST_SUITE_P(Modes, NodeMessages,
                         ::testing::Values(ClusterMode::Shared, ClusterMode::RoundRobin, ClusterMode::ReusePort),
                         [](const auto& row) {
                             return row.param == ClusterMode::Shared       ? "shared"
                                    : row.param == ClusterMode::RoundRobin ? "turns"
                                                                           : "reuseport";
                         });

} // namespace
} // namespace pm::channel::test
