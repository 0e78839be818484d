// SPDX-License-Identifier: Apache-2.0
// What pmd answers workers, and what it puts up with.
#include "fake_workers.hpp"

namespace pm::channel::test {
namespace {

TEST_F(FakeWorkers, GetTheSameSocketUnderKeysOfTheirOwn)
{
    Worker a = join(0), b = join(1);
    a.ask(port, 1);
    const json first = take(a);
    EXPECT_EQ(first["errno"], 0);
    EXPECT_EQ(first["ack"], 1);
    EXPECT_NE(::fcntl(a.got.get(), F_GETFL) & O_NONBLOCK, 0);
    b.ask(port, 8);
    EXPECT_EQ(take(b)["ack"], 8);
    EXPECT_EQ(inode(a.got), inode(b.got));
    a.ask(port, 2);
    EXPECT_EQ(hear(a)["errno"], -EADDRINUSE);
    a.act("close", {{"key", first["key"]}});
    a.ask(port, 3);
    EXPECT_NE(take(a)["key"], first["key"]);
}

TEST_F(FakeWorkers, TicketKeysOfTheFirstAreThoseOfAll)
{
    Worker a = join(0);
    a.ask(port, 1, {{"data", {{"ticketKeys", "aa"}}}});
    EXPECT_EQ(take(a)["data"]["ticketKeys"], "aa");
    Worker b = join(1);
    channels->ended({base::InstanceId{0}, base::Generation{1}});
    b.ask(port, 1, {{"data", {{"ticketKeys", "bb"}}}});
    EXPECT_EQ(take(b)["data"]["ticketKeys"], "aa");
}

TEST_F(FakeWorkers, NothingFollowsASocketBeforeItArrived)
{
    Worker a = join(0);
    a.ask(port, 1);
    hear(a);
    ASSERT_TRUE(channels->send(last, "1"));
    a.say({{"cmd", "NODE_HANDLE"}, {"type", "net.Socket"}});
    EXPECT_EQ(hear(a)["cmd"], "NODE_HANDLE_ACK") << "but this";
    EXPECT_EQ(a.read(), "");
    a.say({{"cmd", "NODE_HANDLE_ACK"}});
    EXPECT_EQ(hear(a), 1);
}

TEST_F(FakeWorkers, ASocketThatDoesNotArriveIsSentThreeTimes)
{
    Worker a = join(0);
    a.ask(port, 1);
    for (int tries = 0; tries < 3; ++tries) {
        EXPECT_EQ(hear(a)["cmd"], "NODE_HANDLE");
        a.say({{"cmd", "NODE_HANDLE_NACK"}});
    }
    const json reply = hear(a);
    EXPECT_EQ(reply["errno"], -EMFILE);
    EXPECT_EQ(reply["ack"], 1);
    a.ask(port, 2);
    EXPECT_EQ(take(a)["errno"], 0);
}

TEST_F(FakeWorkers, BunGetsItsByteBack)
{
    Worker a = join(0);
    a.write("\x02{\"cmd\":\"NODE_CLUSTER\",\"act\":\"online\"}\n\x02{\"cmd\":\"NODE_CLUSTER\",\"act\":\"listening\","
            "\"addressType\":4,\"port\":80}\n");
    ASSERT_TRUE(until_ready(last));
    EXPECT_TRUE(channels->dismiss(last));
    EXPECT_EQ(line(a).substr(0, 2), "\x02{");
    ASSERT_TRUE(channels->send(last, "1"));
    EXPECT_EQ(line(a), "1");
    a.fd.reset();
    EXPECT_TRUE(until([&] { return said[last].drained; }));
}

TEST_F(FakeWorkers, NonsenseIsIgnoredAndToldOnce)
{
    Worker a = join(0);
    a.write("}{\n\n[\n{\"cmd\":\"NODE_CLUSTER\",\"act\":\"queryServer\"}\n\"ready\"\n");
    ASSERT_TRUE(until_ready(last, ReadyWhen::Ipc));
    EXPECT_EQ(warnings.size(), 1U);
}

TEST_F(FakeWorkers, WhoAsksWithoutEndAndNeverReadsStopsBeingRead)
{
    Worker a = join(0);
    ::fcntl(a.fd.get(), F_SETFL, O_NONBLOCK);
    const std::string query = R"({"cmd":"NODE_CLUSTER","act":"queryServer","address":")" + std::string(2000, 'n') +
                              R"(","addressType":4,"port":1,"seq":1})"
                              "\n";
    std::size_t written = 0;
    int stuck = 0;
    while (stuck < 200 && written < (std::size_t{64} << 20)) {
        const ssize_t count = ::send(a.fd.get(), query.data(), query.size(), MSG_NOSIGNAL);
        stuck = count < 0 ? stuck + 1 : 0;
        if (count > 0) written += static_cast<std::size_t>(count);
        if (count < 0) loop.run_once(std::chrono::milliseconds(0));
    }
    EXPECT_EQ(stuck, 200);
    EXPECT_LT(written, std::size_t{8} << 20);
    Worker b = join(1);
    b.ask(port, 1);
    EXPECT_EQ(take(b)["errno"], 0);
}

TEST_F(FakeWorkers, WhoBabblesLeavesOthersTheirTurn)
{
    Worker a = join(0);
    std::string much;
    while (much.size() < 60'000) much += "\"babble\"\n";
    ::fcntl(a.fd.get(), F_SETFL, O_NONBLOCK);
    Worker b = join(1);
    b.ask(port, 1);
    std::string answer;
    for (int turn = 0; turn < 20 && answer.empty(); ++turn) {
        (void)::send(a.fd.get(), much.data(), much.size(), MSG_NOSIGNAL);
        loop.run_once(std::chrono::milliseconds(0));
        answer = b.read();
    }
    EXPECT_FALSE(answer.empty());
}

TEST_F(FakeWorkers, ASocketThatANewVersionDropsIsClosedAfterAWhile)
{
    unheld = model::Milliseconds(50);
    make_channels();
    const std::uint16_t other = free_port();
    Worker a = join(0);
    const ProcessKey old = last;
    a.ask(port, 1);
    take(a);
    a.ask(other, 2);
    take(a);
    Worker b = join(0);
    b.ask(other, 1);
    take(b);
    channels->ended(old);
    a = Worker();
    for (int count = 0; count < 5; ++count) loop.run_once(std::chrono::milliseconds(30));
    const base::Fd early = connected(port); // nobody serves yet: it waits
    b.act("listening", {{"addressType", 4}, {"port", other}});
    ASSERT_TRUE(until([&] { return store.kept.size() == 3; })) << "b's channel, its socket, the state";
    EXPECT_TRUE(is_refused(port));
}

TEST_F(FakeWorkers, WhatAProgramClosesEverywhereIsClosed)
{
    Worker a = join(0), b = join(1);
    a.ask(port, 1);
    const json first = take(a);
    b.ask(port, 1);
    const json second = take(b);
    a.act("close", {{"key", first["key"]}});
    b.act("close", {{"key", second["key"]}});
    EXPECT_TRUE(until([&] { return is_refused(port); }));
}

TEST_F(FakeWorkers, MayHaveWhatTheirUserMay)
{
    if (::geteuid() != 0) GTEST_SKIP() << "only root acts for others";
    const auto nobody = std::make_shared<const model::Identity>(model::Identity{65534, 65534, {65534}, "nobody"});
    Worker a = join(0, nobody);
    a.ask(1, 1);
    EXPECT_EQ(hear(a)["errno"], -EACCES);
    a.act("queryServer", {{"address", directory + "/x"}, {"port", -1}, {"addressType", -1}, {"seq", 2}});
    EXPECT_EQ(hear(a)["errno"], -EACCES);
    a.ask(0, 3);
    EXPECT_EQ(take(a)["errno"], 0);
    spec.sandbox = {{"PrivateNetwork", {"yes"}, {{"PrivateNetwork", true}}}};
    Worker b = join(1);
    b.ask(port, 1);
    EXPECT_EQ(hear(b)["errno"], -EACCES);
}

TEST_F(FakeWorkers, LoseNothingWhenPmdIsReplacedInTheMiddle)
{
    Worker a = join(0);
    a.ask(port, 1);
    hear(a); // its arrival is not said yet
    a.ask(free_port(), 2);
    a.write(R"({"cmd":"NODE_CLUSTER","act":)");
    for (int count = 0; count < 3; ++count) loop.run_once(std::chrono::milliseconds(0));
    make_channels();
    channels->reconnect(requests[last], nullptr);
    a.write("\"exitedAfterDisconnect\",\"seq\":3}\n");
    a.say({{"cmd", "NODE_HANDLE_NACK"}});
    EXPECT_EQ(take(a)["ack"], 1) << "once more";
    EXPECT_EQ(take(a)["ack"], 2);
    EXPECT_EQ(hear(a)["ack"], 3);
}

} // namespace
} // namespace pm::channel::test
