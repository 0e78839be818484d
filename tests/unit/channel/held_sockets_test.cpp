// SPDX-License-Identifier: Apache-2.0
#include "sockets_world.hpp"

#include <netinet/tcp.h>

namespace pm::channel::test {
namespace {

TEST_F(SocketsWorld, TakesConnectionsBeforeAnybodyAcceptsThem)
{
    const ListenAddress tcp = loopback();
    const model::AppSpec spec =
        app({tcp, path("s"), {.kind = Kind::Abstract, .host = directory, .name = "x"}, path("q", SocketType::SeqPacket)});
    ASSERT_EQ(fault(spec), "");
    for (const ListenAddress& address : spec.listen) EXPECT_EQ(connect(address), 0) << model::to_string(address);
    const std::vector<int> fds = descriptors(spec);
    ASSERT_EQ(fds.size(), 4U);
    for (const int fd : fds) {
        EXPECT_NE(::fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
        EXPECT_NE(::fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
        EXPECT_GE(base::Fd(::accept(fd, nullptr, nullptr)).get(), 0);
    }
    EXPECT_EQ(descriptors(spec), fds) << "the same open sockets";
}

TEST_F(SocketsWorld, PacketsAreTakenToo)
{
    for (const ListenAddress& address : {loopback(SocketType::Datagram), path("d", SocketType::Datagram)}) {
        const model::AppSpec spec = app({address});
        ASSERT_EQ(fault(spec), "");
        ASSERT_EQ(connect(address), 0);
        EXPECT_EQ(::send(client.get(), "hi", 2, 0), 2);
        char text[8];
        EXPECT_EQ(::recv(descriptors(spec)[0], text, sizeof text, 0), 2);
        held->keep_only("web", {});
    }
}

TEST_F(SocketsWorld, AllAddressesAreOneSocketOfBothFamilies)
{
    ListenAddress any = loopback();
    any.kind = Kind::Any;
    any.host.clear();
    ASSERT_EQ(fault(app({any})), "");
    ListenAddress four = any;
    four.kind = Kind::Ip4;
    four.host = "127.0.0.1";
    EXPECT_EQ(connect(four), 0);
    ListenAddress six = any;
    six.kind = Kind::Ip6;
    six.host = "::1";
    EXPECT_EQ(connect(six), 0);
}

TEST_F(SocketsWorld, AnAddressOfIPv6LeavesThatOfIPv4Alone)
{
    ListenAddress four = loopback();
    four.host = "0.0.0.0";
    ListenAddress six = four;
    six.kind = Kind::Ip6;
    six.host = "::";
    EXPECT_EQ(fault(app({four, six})), "");
    held->keep_only("web", {});
    six.v6only = false;
    EXPECT_NE(fault(app({four, six})), "");
}

TEST_F(SocketsWorld, WhatIsInUseIsToldWithWhatToDo)
{
    const ListenAddress tcp = loopback();
    const model::AppSpec spec = app({tcp});
    auto other = make();
    ASSERT_TRUE(other->hold(spec, 0));
    const std::string port = std::to_string(tcp.port);
    EXPECT_EQ(fault(spec), "app 'web': listening on 127.0.0.1:" + port +
                               ": in use by another program ('ss -ltnp sport = :" + port + "' shows which)");
    const model::AppSpec mine = app({path("s")}, "mine");
    ASSERT_EQ(fault(mine), "");
    EXPECT_EQ(fault(app({path("s")})),
              "app 'web': listening on unix:" + directory + "/s: in use by app 'mine' of this pmd (unix:" + directory + "/s)");
    ListenAddress all = loopback();
    ASSERT_EQ(fault(app({all}, "mine2")), "");
    all.host = "0.0.0.0";
    const std::string narrow = "127.0.0.1:" + std::to_string(all.port);
    EXPECT_NE(fault(app({all})).find("in use by app 'mine2' of this pmd (" + narrow + ")"), std::string::npos);
    EXPECT_NE(fault(app({all}, "mine2")).find("the app itself holds " + narrow + ": stop it first"), std::string::npos);
}

TEST_F(SocketsWorld, OneThatCannotBeHadClosesThoseBefore)
{
    const ListenAddress tcp = loopback();
    EXPECT_NE(fault(app({tcp, path("none/s")})).find("there is no such directory"), std::string::npos);
    EXPECT_EQ(connect(tcp), ECONNREFUSED);
    ListenAddress nowhere = tcp;
    nowhere.host = "192.0.2.1";
    EXPECT_NE(fault(app({path("s"), nowhere})).find("this machine has no such address"), std::string::npos);
    EXPECT_FALSE(std::filesystem::exists(directory + "/s"));
    nowhere.free_bind = true;
    EXPECT_EQ(fault(app({nowhere})), "");
}

TEST_F(SocketsWorld, OnlyWhatIsNeededIsKept)
{
    const ListenAddress a = loopback(), b = loopback(), s = path("s");
    ASSERT_EQ(fault(app({a, b, s})), "");
    const int before = descriptors(app({a, b, s}))[1];
    const ino_t same = inode(before);
    held->keep_only("web", app({b}).listen);
    EXPECT_EQ(connect(a), ECONNREFUSED);
    EXPECT_EQ(connect(b), 0);
    EXPECT_EQ(inode(before), same);
    EXPECT_FALSE(std::filesystem::exists(s.host));
    held->keep_only("web", {});
    EXPECT_EQ(connect(b), ECONNREFUSED);
    held->keep_only("none", {});
}

TEST_F(SocketsWorld, AClosedPortRefusesAtOnceWhoeverHasACopy)
{
    const ListenAddress tcp = loopback();
    ASSERT_EQ(fault(app({tcp})), "");
    const base::Fd spared(::dup(descriptors(app({tcp}))[0]));
    held->keep_only("web", {});
    EXPECT_EQ(connect(tcp), ECONNREFUSED);
    EXPECT_EQ(fault(app({tcp})), "") << "and is free";
    EXPECT_EQ(connect(tcp), 0);
}

TEST_F(SocketsWorld, AFileThatNobodyIsBehindIsReplaced)
{
    const ListenAddress s = path("s");
    {
        auto dead = make();
        ASSERT_TRUE(dead->hold(app({s}), 0)); // its end closes the socket and leaves the file
        depot.kept.clear();
    }
    ASSERT_TRUE(std::filesystem::exists(s.host));
    EXPECT_EQ(fault(app({s})), "");
    EXPECT_EQ(connect(s), 0);
    std::filesystem::remove(s.host);
    std::ofstream(s.host) << "precious";
    auto other = make();
    EXPECT_NE(other->hold(app({s}), 0).error().message.find("there is a file that is no socket"), std::string::npos);
    held->keep_only("web", {});
    EXPECT_TRUE(std::filesystem::exists(s.host)) << "it is not ours any more";
}

TEST_F(SocketsWorld, AFileThatWasRemovedIsMadeAnewForTheNextProcess)
{
    const ListenAddress s = path("s");
    ASSERT_EQ(fault(app({s})), "");
    std::filesystem::remove(s.host);
    descriptors(app({s}));
    EXPECT_EQ(connect(s), 0);
}

TEST_F(SocketsWorld, PermissionsAreThoseAskedForFromTheBeginning)
{
    const mode_t before = ::umask(077);
    ListenAddress s = path("s");
    ASSERT_EQ(fault(app({s})), "");
    EXPECT_EQ(look(s).st_mode & 0777U, 0660U);
    s.mode = 0606;
    ASSERT_EQ(fault(app({s})), "");
    EXPECT_EQ(look(s).st_mode & 0777U, 0660U) << "changed with the first process that is to have it";
    descriptors(app({s}));
    EXPECT_EQ(look(s).st_mode & 0777U, 0606U);
    EXPECT_EQ(::umask(before), 077U);
}

TEST_F(SocketsWorld, OptionsAreSetAndChangedWhereThatIsPossible)
{
    ListenAddress tcp = loopback();
    tcp.reuseport = true;
    ASSERT_EQ(fault(app({tcp})), "");
    const int fd = descriptors(app({tcp}))[0];
    EXPECT_EQ(option(fd, SOL_SOCKET, SO_REUSEPORT), 1);
    EXPECT_EQ(option(fd, SOL_SOCKET, SO_REUSEADDR), 1);
    EXPECT_EQ(option(fd, IPPROTO_TCP, TCP_NODELAY), 0);
    tcp.nodelay = true;
    EXPECT_EQ(descriptors(app({tcp})), std::vector<int>{fd});
    EXPECT_EQ(option(fd, IPPROTO_TCP, TCP_NODELAY), 1);
    tcp.reuseport = false;
    EXPECT_NE(fault(app({tcp})).find("'reuseport' cannot change while the socket is open: stop the app first"),
              std::string::npos);
}

TEST_F(SocketsWorld, AnotherPmdGoesOnWithTheSameSockets)
{
    const model::AppSpec spec = app({loopback(), path("s")});
    ASSERT_EQ(fault(spec), "");
    const ino_t first = inode(descriptors(spec)[0]);
    ASSERT_EQ(connect(spec.listen[0]), 0);
    held.reset();
    held = make();
    held->resume(spec, 0);
    EXPECT_TRUE(warnings.empty());
    const std::vector<int> fds = descriptors(spec);
    EXPECT_EQ(inode(fds[0]), first);
    EXPECT_GE(base::Fd(::accept(fds[0], nullptr, nullptr)).get(), 0) << "the connection waited";
    held->keep_only("web", {});
    EXPECT_TRUE(depot.kept.empty());
    EXPECT_FALSE(std::filesystem::exists(spec.listen[1].host));
}

TEST_F(SocketsWorld, WhatTheDepotLostIsOpenedAnewOrTold)
{
    const model::AppSpec spec = app({loopback()});
    held->resume(spec, 0);
    EXPECT_EQ(connect(spec.listen[0]), 0);
    FakeDepot none;
    auto other = make();
    other->set_depot(none);
    other->resume(spec, 0);
    ASSERT_EQ(warnings.size(), 1U);
    EXPECT_NE(warnings[0].find("in use by another program"), std::string::npos) << warnings[0];
}

TEST_F(SocketsWorld, ASocketThatIsNotWhereItsNameSaysIsNotTaken)
{
    const model::AppSpec spec = app({loopback()});
    ASSERT_EQ(fault(spec), "");
    ASSERT_EQ(depot.kept.size(), 1U);
    const base::Fd wrong(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    depot.store(depot.kept.begin()->first, wrong.get());
    held.reset();
    held = make();
    held->resume(spec, 0);
    EXPECT_EQ(connect(spec.listen[0]), 0);
}

TEST_F(SocketsWorld, AnAddressWhoseCopyTheDepotStillHasIsWaitedFor)
{
    const ListenAddress udp = loopback(SocketType::Datagram);
    ASSERT_EQ(fault(app({udp})), "");
    held->keep_only("web", {});
    EXPECT_EQ(depot.closing.size(), 1U);
    EXPECT_EQ(fault(app({udp})), "");
    EXPECT_EQ(depot.settled, 1);
}

} // namespace
} // namespace pm::channel::test
