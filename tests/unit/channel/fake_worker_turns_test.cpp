// SPDX-License-Identifier: Apache-2.0
// Who gets which connection: in turn, or by the socket of a slot.
#include "fake_workers.hpp"

namespace pm::channel::test {
namespace {

class Turns : public FakeWorkers {
protected:
    Turns() { mode = ClusterMode::RoundRobin; }
    Worker serving(std::uint32_t slot)
    {
        Worker worker = join(slot);
        worker.ask(port, 1);
        const json reply = hear(worker);
        EXPECT_EQ(reply["sockname"]["port"], port);
        return worker;
    }
    void answer(Worker& worker, const json& connection, bool accepted)
    {
        worker.say({{"cmd", "NODE_CLUSTER"}, {"ack", connection["seq"]}, {"accepted", accepted}});
    }
    bool has_come(Worker& worker)
    {
        pollfd one{worker.fd.get(), POLLIN, 0};
        return ::poll(&one, 1, 0) > 0;
    }
};

TEST_F(Turns, AreEven)
{
    Worker workers[] = {serving(0), serving(1), serving(2)};
    for (int round = 0; round < 3; ++round)
        for (Worker& worker : workers) {
            const base::Fd client = connected(port);
            const json connection = take(worker);
            EXPECT_EQ(connection["act"], "newconn");
            answer(worker, connection, true);
        }
}

TEST_F(Turns, AConnectionThatOneRefusesGoesToTheNext)
{
    Worker a = serving(0), b = serving(1);
    const base::Fd client = connected(port);
    answer(a, take(a), false);
    EXPECT_EQ(take(b)["act"], "newconn");
    ASSERT_EQ(::send(b.got.get(), "x", 1, MSG_NOSIGNAL), 1);
    char byte = 0;
    EXPECT_EQ(::recv(client.get(), &byte, 1, 0), 1);
}

TEST_F(Turns, WhatIsOnItsWayToOneThatDiesGoesToTheNext)
{
    Worker a = serving(0);
    const ProcessKey dying = last;
    const base::Fd clients[] = {connected(port), connected(port), connected(port)};
    hear(a);
    Worker b = serving(1);
    a = Worker();
    channels->ended(dying);
    for (int count = 0; count < 3; ++count) {
        const json connection = take(b);
        EXPECT_EQ(connection["act"], "newconn");
        answer(b, connection, true);
    }
}

TEST_F(Turns, WaitWhileNobodyServes)
{
    Worker a = serving(0);
    channels->ended(last);
    a = Worker();
    const base::Fd client = connected(port);
    for (int count = 0; count < 5; ++count) loop.run_once(std::chrono::milliseconds(0));
    Worker b = serving(0);
    EXPECT_EQ(take(b)["act"], "newconn");
}

TEST_F(Turns, WhoDoesNotTakeGetsFewAndOthersTheRest)
{
    Worker stuck = serving(0), busy = serving(1);
    std::vector<base::Fd> clients;
    int taken = 0;
    for (int count = 0; count < 40; ++count) clients.push_back(connected(port));
    ASSERT_TRUE(until([&] {
        while (has_come(busy)) {
            const json connection = take(busy);
            answer(busy, connection, true);
            ++taken;
        }
        return taken >= 32;
    }));
    EXPECT_EQ(taken, 32);
}

TEST_F(Turns, NobodyGetsOneWhoWasToldToGo)
{
    Worker a = serving(0), b = serving(1);
    EXPECT_TRUE(channels->dismiss({base::InstanceId{0}, base::Generation{1}}));
    const base::Fd clients[] = {connected(port), connected(port)};
    for (int count = 0; count < 2; ++count) answer(b, take(b), true);
    EXPECT_EQ(hear(a)["act"], "disconnect");
    EXPECT_FALSE(has_come(a));
}

TEST_F(Turns, GoOnWithAnotherPmd)
{
    Worker a = serving(0);
    a.act("listening", {{"addressType", 4}, {"address", "127.0.0.1"}, {"port", port}});
    ASSERT_TRUE(until_ready(last));
    loop.run_once(std::chrono::milliseconds(0));
    make_channels();
    const base::Fd client = connected(port);
    channels->reconnect(requests[last], nullptr);
    EXPECT_EQ(take(a)["act"], "newconn");
}

TEST_F(Turns, SucceedASharedSocket)
{
    mode = ClusterMode::Shared;
    Worker before = join(0);
    before.ask(port, 1);
    take(before);
    mode = ClusterMode::RoundRobin;
    Worker after = serving(0);
    ASSERT_TRUE(channels->dismiss({base::InstanceId{0}, base::Generation{1}}));
    const base::Fd clients[] = {connected(port), connected(port)};
    for (int count = 0; count < 2; ++count) answer(after, take(after), true);
}

/// A pmd of another version, to which an app whose file says nothing means another mode.
TEST_F(Turns, LeaveASharedSocketOfAnEarlierPmdAloneUntilTheNextProcess)
{
    mode = ClusterMode::Shared;
    Worker before = join(0);
    const ProcessKey key = last;
    before.ask(port, 1);
    take(before);
    before.act("listening", {{"addressType", 4}, {"address", "127.0.0.1"}, {"port", port}});
    ASSERT_TRUE(until_ready(key));
    loop.run_once(std::chrono::milliseconds(0));
    mode = ClusterMode::RoundRobin;
    make_channels();
    channels->reconnect(requests[key], nullptr);
    const base::Fd first = connected(port);
    for (int count = 0; count < 5; ++count) loop.run_once(std::chrono::milliseconds(0));
    EXPECT_FALSE(has_come(before));
    const base::Fd accepting(::fcntl(before.got.get(), F_DUPFD_CLOEXEC, 3));
    EXPECT_TRUE(base::Fd(::accept(accepting.get(), nullptr, nullptr)));
    Worker after = serving(0);
    ASSERT_TRUE(channels->dismiss(key));
    const base::Fd second = connected(port);
    answer(after, take(after), true);
}

TEST_F(Turns, AreSucceededByASharedSocket)
{
    Worker before = serving(0);
    mode = ClusterMode::Shared;
    Worker after = join(0);
    after.ask(port, 1);
    EXPECT_EQ(take(after)["act"], json());
    const base::Fd first = connected(port);
    const json dealt = take(before);
    EXPECT_EQ(dealt["act"], "newconn") << "who does not have the socket gets what pmd accepts";
    ASSERT_TRUE(channels->dismiss({base::InstanceId{0}, base::Generation{1}}));
    const base::Fd accepting(::fcntl(after.got.get(), F_DUPFD_CLOEXEC, 3));
    answer(before, dealt, false);
    EXPECT_EQ(take(after)["act"], "newconn") << "it belongs to nobody else";
    const base::Fd second = connected(port);
    for (int count = 0; count < 5; ++count) loop.run_once(std::chrono::milliseconds(0));
    EXPECT_FALSE(has_come(after));
    EXPECT_TRUE(base::Fd(::accept(accepting.get(), nullptr, nullptr))) << "pmd accepts nothing for those that do";
}

class Slots : public FakeWorkers {
protected:
    Slots() { mode = ClusterMode::ReusePort; }
};

TEST_F(Slots, HaveASocketEachThatSuccessorsInherit)
{
    Worker a = join(0), b = join(1), after_a = join(0);
    a.ask(port, 1);
    take(a);
    b.ask(port, 1);
    take(b);
    after_a.ask(port, 1);
    take(after_a);
    EXPECT_NE(inode(a.got), inode(b.got));
    EXPECT_EQ(inode(a.got), inode(after_a.got));
}

TEST_F(Slots, ThatAreNotToComeBackAreClosedAtOnce)
{
    Worker a = join(0), b = join(1);
    a.ask(port, 1);
    take(a);
    b.ask(port, 1);
    take(b);
    EXPECT_TRUE(channels->dismiss({base::InstanceId{0}, base::Generation{1}}));
    a.fd.reset();
    ASSERT_TRUE(until([&] { return store.kept.size() == 3; })) << "b's channel, its socket, the state";
    const base::Fd clients[] = {connected(port), connected(port), connected(port), connected(port)};
    for (std::size_t count = 0; count < std::size(clients); ++count)
        EXPECT_TRUE(base::Fd(::accept(b.got.get(), nullptr, nullptr)));
}

} // namespace
} // namespace pm::channel::test
