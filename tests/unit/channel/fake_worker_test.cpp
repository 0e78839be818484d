// SPDX-License-Identifier: Apache-2.0
// Workers that the test plays itself: what real ones do seldom, or never.
#include "node_world.hpp"

#include <nlohmann/json.hpp>

#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

namespace pm::channel::test {
namespace {

using nlohmann::json;

/// The program's end of a channel.
class Worker {
public:
    base::Fd fd;
    base::Fd got; ///< the open socket that came last

    void write(const std::string& text) const { EXPECT_EQ(::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size())); }
    void say(json message) const { write(message.dump() + "\n"); }
    void act(const char* act, json more = json::object()) const
    {
        more.update({{"cmd", "NODE_CLUSTER"}, {"act", act}});
        say(more);
    }
    void ask(std::uint16_t port, int seq, json more = json::object()) const
    {
        more.update({{"address", "127.0.0.1"}, {"port", port}, {"addressType", 4}, {"seq", seq}});
        act("queryServer", more);
    }
    /// Reads what there is; a line when one is complete.
    std::string read()
    {
        alignas(cmsghdr) char control[256];
        char buffer[4096];
        iovec piece{buffer, sizeof buffer};
        msghdr message{};
        message.msg_iov = &piece;
        message.msg_iovlen = 1;
        message.msg_control = control;
        message.msg_controllen = sizeof control;
        const ssize_t count = ::recvmsg(fd.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        if (count > 0) text_.append(buffer, static_cast<std::size_t>(count));
        if (count > 0)
            if (const cmsghdr* head = CMSG_FIRSTHDR(&message)) got = base::Fd(*reinterpret_cast<const int*>(CMSG_DATA(head)));
        const auto end = text_.find('\n');
        if (end == std::string::npos) return {};
        std::string line = text_.substr(0, end);
        text_.erase(0, end + 1);
        return line;
    }

private:
    std::string text_;
};

class FakeWorkers : public NodeWorld {
protected:
    void SetUp() override {}

    Worker join(std::uint32_t slot, const model::SharedIdentity& user = nullptr)
    {
        const ProcessKey key{base::InstanceId{slot}, base::Generation{++generations[slot]}};
        requests[key] = {key, base::Slot{slot}, std::make_shared<model::AppSpec>(spec), true};
        auto ends = channels->connect(requests[key], user);
        EXPECT_TRUE(ends);
        last = key;
        Worker worker;
        worker.fd = std::move(ends->messages);
        worker.act("online");
        return worker;
    }
    std::string line(Worker& worker)
    {
        std::string text;
        EXPECT_TRUE(until([&] { return !(text = worker.read()).empty(); })) << "nothing came";
        return text;
    }
    json hear(Worker& worker) { return json::parse(line(worker)); }
    /// What comes with an open socket, which is said to have arrived.
    json take(Worker& worker)
    {
        json message = hear(worker);
        EXPECT_EQ(message.value("cmd", ""), "NODE_HANDLE") << message;
        EXPECT_TRUE(worker.got);
        worker.say({{"cmd", "NODE_HANDLE_ACK"}});
        return message["msg"];
    }
    static ino_t inode(const base::Fd& fd)
    {
        struct stat status {};
        return ::fstat(fd.get(), &status) < 0 ? 0 : status.st_ino;
    }

    std::uint16_t port = free_port();
    ProcessKey last;
};

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
    a.write("\x02{\"cmd\":\"NODE_CLUSTER\",\"act\":\"online\"}\n\x02{\"cmd\":\"NODE_CLUSTER\",\"act\":\"listening\",\"addressType\":4,\"port\":80}\n");
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
    const std::string query = R"({"cmd":"NODE_CLUSTER","act":"queryServer","address":")" + std::string(2000, 'n') + R"(","addressType":4,"port":1,"seq":1})" "\n";
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
    for (std::size_t count = 0; count < std::size(clients); ++count) EXPECT_TRUE(base::Fd(::accept(b.got.get(), nullptr, nullptr)));
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
