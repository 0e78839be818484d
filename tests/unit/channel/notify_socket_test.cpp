// SPDX-License-Identifier: Apache-2.0
#include "channel/notify_socket.hpp"
#include "heard.hpp"
#include "sockets_world.hpp"

#include <csignal>
#include <cstring>
#include <sys/un.h>
#include <sys/wait.h>

namespace pm::channel::test {
namespace {

using engine::ProcessKey;
using std::chrono::milliseconds;
using Lines = std::vector<std::string>;

constexpr ProcessKey kFirst{base::InstanceId{3}, base::Generation{7}};
constexpr ProcessKey kSecond{base::InstanceId{4}, base::Generation{1}};
constexpr pid_t kNobodys = 1 << 23; ///< above all pids

class Notify : public ::testing::Test {
protected:
    Notify()
    {
        std::string pattern = (std::filesystem::temp_directory_path() / "pm-notify-XXXXXX").string();
        directory = ::mkdtemp(pattern.data());
        ::chmod(directory.c_str(), 0711);
        sockets = make();
    }
    ~Notify() override
    {
        sockets.reset();
        std::filesystem::remove_all(directory);
    }
    std::unique_ptr<NotifySockets> make()
    {
        auto made = std::make_unique<NotifySockets>(
            loop, directory + "/notify", [this](ProcessKey, pid_t pid) { return pid == owned; },
            [this](const std::string& text) { warnings.push_back(text); });
        made->set_events(heard);
        made->set_depot(depot);
        return made;
    }
    static engine::LaunchRequest request(ProcessKey key, milliseconds watchdog = {}, bool ready = true)
    {
        auto spec = std::make_shared<model::AppSpec>();
        spec->name = "web";
        if (ready) spec->serving.ready = model::ReadyWhen::Notify;
        spec->serving.watchdog = watchdog;
        return {.key = key, .slot = base::Slot{2}, .spec = spec};
    }
    std::map<std::string, std::string> connect(const engine::LaunchRequest& what, const model::SharedIdentity& user = {})
    {
        auto ends = sockets->connect(what, user);
        EXPECT_TRUE(ends) << (ends ? "" : ends.error().message);
        return ends ? ends->environment : std::map<std::string, std::string>();
    }
    /// As the program does; 0 or errno.
    int send(const std::string& text, ProcessKey key = kFirst, int fd = -1) const
    {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path_of(key).copy(address.sun_path, sizeof address.sun_path - 1);
        const base::Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        iovec piece{const_cast<char*>(text.data()), text.size()};
        alignas(cmsghdr) char control[CMSG_SPACE(sizeof fd)] = {};
        msghdr message{&address, sizeof address, &piece, 1, nullptr, 0, 0};
        if (fd >= 0) {
            message.msg_control = control;
            message.msg_controllen = sizeof control;
            cmsghdr* head = CMSG_FIRSTHDR(&message);
            head->cmsg_level = SOL_SOCKET;
            head->cmsg_type = SCM_RIGHTS;
            head->cmsg_len = CMSG_LEN(sizeof fd);
            std::memcpy(CMSG_DATA(head), &fd, sizeof fd);
        }
        return ::sendmsg(socket.get(), &message, MSG_NOSIGNAL) < 0 ? errno : 0;
    }
    /// Another process sends, and is gone; its exit code is what send() says.
    int send_from_child(const std::string& text, uid_t uid = 0) const
    {
        const pid_t pid = ::fork();
        if (pid == 0) {
            if (uid != 0 && ::setresuid(uid, uid, uid) < 0) ::_exit(200);
            ::_exit(send(text));
        }
        int status = 0;
        ::waitpid(pid, &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }
    bool until(const Lines& wanted, ProcessKey key = kFirst)
    {
        const bool good = run_until(loop, [&] { return heard.of[key].size() >= wanted.size(); });
        EXPECT_EQ(heard.of[key], wanted);
        return good && heard.of[key] == wanted;
    }
    std::string path_of(ProcessKey key) const
    {
        return directory + "/notify/" + std::to_string(key.id.value) + "." + std::to_string(key.generation.value);
    }
    mode_t mode(const std::string& path) const
    {
        struct stat status {};
        return ::stat(path.c_str(), &status) < 0 ? 0 : status.st_mode & 07777;
    }

    std::string directory;
    io::EventLoop loop;
    Heard heard;
    FakeDepot depot;
    pid_t owned = ::getpid();
    Lines warnings;
    std::unique_ptr<NotifySockets> sockets;
};

TEST_F(Notify, AProcessThatIsToSayThatItIsReadyGetsASocketThatIsItsOwn)
{
    auto environment = connect(request(kFirst, milliseconds(1500)));
    EXPECT_EQ(environment["NOTIFY_SOCKET"], path_of(kFirst));
    EXPECT_EQ(environment["WATCHDOG_USEC"], "1500000");
    EXPECT_EQ(environment.size(), 2U);
    EXPECT_EQ(mode(path_of(kFirst)), 0600U);
    EXPECT_EQ(mode(directory + "/notify"), ::geteuid() == 0 ? 0711U : 0700U);
    EXPECT_EQ(connect(request(kSecond)).count("WATCHDOG_USEC"), 0U);
}

TEST_F(Notify, OthersGetNone)
{
    EXPECT_TRUE(connect(request(kFirst, {}, false)).empty());
    EXPECT_FALSE(std::filesystem::exists(directory + "/notify"));
    sockets->runs(kFirst, ::getpid());
    sockets->ended(kFirst);
}

TEST_F(Notify, WhatItSaysIsHeardInOrderOnceItRuns)
{
    connect(request(kFirst));
    ASSERT_EQ(send("STATUS=loading\nEXTEND_TIMEOUT_USEC=9000"), 0);
    loop.run_once(milliseconds(0));
    EXPECT_TRUE(heard.of.empty()) << "nobody knows yet who may speak";
    sockets->runs(kFirst, ::getpid());
    ASSERT_EQ(send("READY=1\nSTATUS=up"), 0);
    ASSERT_EQ(send("READY=1\nSTATUS=up"), 0) << "nothing new";
    ASSERT_EQ(send("RELOADING=1"), 0);
    ASSERT_EQ(send("READY=1"), 0);
    ASSERT_EQ(send("STOPPING=1"), 0);
    until({"status loading", "more time 9000", "status up", "ready by notify", "ready by notify", "stopping"});
    EXPECT_TRUE(warnings.empty());
}

TEST_F(Notify, OneThatIsNotOfItIsNotHeardAndToldOnce)
{
    owned = kNobodys;
    connect(request(kFirst));
    sockets->runs(kFirst, kNobodys);
    ASSERT_EQ(send("READY=1"), 0); // this process lives, and is not of it
    ASSERT_EQ(send("READY=1"), 0);
    ASSERT_TRUE(run_until(loop, [&] { return !warnings.empty(); }));
    ASSERT_EQ(send_from_child("STATUS=said by one that is gone"), 0);
    until({"status said by one that is gone"});
    ASSERT_EQ(warnings.size(), 1U);
    EXPECT_NE(warnings[0].find("web, instance 2: process " + std::to_string(::getpid())), std::string::npos) << warnings[0];
}

TEST_F(Notify, OfAnotherUserOnlyThisUserAndRootMaySend)
{
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    connect(request(kFirst), std::make_shared<model::Identity>(model::Identity{65534, 65534, {}, "nobody"}));
    sockets->runs(kFirst, kNobodys);
    EXPECT_EQ(send_from_child("STATUS=mine", 65534), 0);
    EXPECT_EQ(send_from_child("STATUS=not mine", 1), EACCES);
    ASSERT_EQ(send("STATUS=roots"), 0);
    until({"status mine", "status roots"});
}

TEST_F(Notify, OfAUserWhomNobodyKnowsYetAllMaySendWhoAreOfIt)
{
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    auto dynamic = request(kFirst);
    auto spec = *dynamic.spec;
    spec.sandbox.push_back({.name = "DynamicUser", .properties = {{"DynamicUser", true}}});
    dynamic.spec = std::make_shared<model::AppSpec>(spec);
    connect(dynamic);
    sockets->runs(kFirst, kNobodys);
    EXPECT_EQ(send_from_child("STATUS=gone, so it may be anybody", 1), 0);
    ASSERT_EQ(send("STATUS=mine"), 0);
    until({"status mine"});
    EXPECT_EQ(warnings.size(), 1U);
}

TEST_F(Notify, AUserWhoCannotGetThereIsAnErrorThatSaysSo)
{
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    ::chmod(directory.c_str(), 0700);
    const auto ends = sockets->connect(request(kFirst), std::make_shared<model::Identity>(model::Identity{65534, 65534, {}, "nobody"}));
    ASSERT_FALSE(ends);
    EXPECT_NE(ends.error().message.find("user 'nobody' cannot reach its notify socket"), std::string::npos) << ends.error().message;
    EXPECT_FALSE(std::filesystem::exists(path_of(kFirst)));
}

TEST_F(Notify, APathThatNoSocketCanHaveIsAnErrorThatSaysSo)
{
    NotifySockets deep(loop, directory + "/" + std::string(100, 'x'), [](ProcessKey, pid_t) { return true; }, [](const std::string&) {});
    std::filesystem::create_directory(directory + "/" + std::string(100, 'x'));
    const auto ends = deep.connect(request(kFirst), {});
    ASSERT_FALSE(ends);
    EXPECT_NE(ends.error().message.find("shorter --runtime-dir"), std::string::npos) << ends.error().message;
}

TEST_F(Notify, ABarrierIsPassedWhenAllBeforeItWasHeard)
{
    connect(request(kFirst));
    sockets->runs(kFirst, ::getpid());
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const base::Fd barrier(ends[0]);
    base::Fd theirs(ends[1]);
    ASSERT_EQ(send("STATUS=before"), 0);
    ASSERT_EQ(send("BARRIER=1", kFirst, theirs.get()), 0);
    ASSERT_EQ(send("STATUS=after"), 0);
    theirs.reset();
    pollfd passed{barrier.get(), 0, 0};
    EXPECT_EQ(::poll(&passed, 1, 0), 0);
    ASSERT_TRUE(run_until(loop, [&] { return ::poll(&passed, 1, 0) == 1; }));
    EXPECT_EQ(heard.of[kFirst].at(0), "status before");
    until({"status before", "status after"});
    EXPECT_TRUE(warnings.empty());
}

/// A TCP connection whose close lingers: with data that its peer does not read.
struct Lingering {
    Lingering()
    {
        sockaddr_in any{};
        any.sin_family = AF_INET;
        any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof any;
        listener = base::Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sender = base::Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        EXPECT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&any), sizeof any), 0);
        EXPECT_EQ(::listen(listener.get(), 1), 0);
        EXPECT_EQ(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&any), &size), 0);
        EXPECT_EQ(::connect(sender.get(), reinterpret_cast<sockaddr*>(&any), sizeof any), 0);
        const std::string much(65536, 'x');
        while (::send(sender.get(), much.data(), much.size(), MSG_DONTWAIT) > 0) {
        }
        const linger five{1, 5};
        ::setsockopt(sender.get(), SOL_SOCKET, SO_LINGER, &five, sizeof five);
    }
    base::Fd listener;
    base::Fd sender;
};

TEST_F(Notify, DescriptorsThatAreSentAreClosedAndNobodyWaitsForThat)
{
    connect(request(kFirst));
    sockets->runs(kFirst, ::getpid());
    const auto start = std::chrono::steady_clock::now();
    for (int round = 0; round < 2; ++round) {
        Lingering lingering;
        ASSERT_EQ(send("FDSTORE=1", kFirst, lingering.sender.get()), 0);
        lingering.sender.reset(); // the message has the last of it
        ASSERT_EQ(send("STATUS=" + std::to_string(round)), 0);
        ASSERT_TRUE(run_until(loop, [&] { return heard.of[kFirst].size() > static_cast<std::size_t>(round); }));
    }
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(4));
    until({"status 0", "status 1"});
    ASSERT_EQ(warnings.size(), 1U) << "once";
    EXPECT_NE(warnings[0].find("FDSTORE=1"), std::string::npos);
}

TEST_F(Notify, TheEndOfAProcessWaitsForNothingThatItSent)
{
    connect(request(kFirst));
    Lingering lingering;
    ASSERT_EQ(send("FDSTORE=1", kFirst, lingering.sender.get()), 0);
    lingering.sender.reset();
    const auto start = std::chrono::steady_clock::now();
    sockets->ended(kFirst);
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(4)); // the depot's copy is the manager's, who may wait
    EXPECT_FALSE(std::filesystem::exists(path_of(kFirst)));
    EXPECT_TRUE(depot.kept.empty());
}

TEST_F(Notify, WhatIsNoNotificationIsToldOnce)
{
    connect(request(kFirst));
    sockets->runs(kFirst, ::getpid());
    ASSERT_EQ(send(std::string(kMostNotifyBytes, 'x') + "\nREADY=1"), 0);
    ASSERT_EQ(send(std::string("READY=1\0\0", 9)), 0);
    ASSERT_EQ(send(""), 0);
    ASSERT_EQ(send("READY=1"), 0);
    until({"ready by notify"});
    EXPECT_EQ(warnings.size(), 1U);
}

TEST_F(Notify, ABabblerIsReadInTurns)
{
    connect(request(kFirst));
    connect(request(kSecond));
    sockets->runs(kFirst, ::getpid());
    sockets->runs(kSecond, ::getpid());
    const pid_t babbler = ::fork();
    if (babbler == 0)
        for (int i = 0;; ++i)
            if (send("STATUS=" + std::to_string(i)) != 0) ::_exit(1);
    owned = babbler;
    ASSERT_TRUE(run_until(loop, [&] { return heard.of[kFirst].size() > 5; }));
    std::size_t most = 0;
    const auto start = std::chrono::steady_clock::now();
    const std::size_t before = heard.of[kFirst].size();
    while (heard.of[kFirst].size() < before + 200) {
        const std::size_t had = heard.of[kFirst].size();
        loop.run_once(milliseconds(50));
        most = std::max(most, heard.of[kFirst].size() - had);
    }
    EXPECT_LE(most, 16U);
    EXPECT_GT(std::chrono::steady_clock::now() - start, milliseconds(150)) << "it has to wait";
    ASSERT_EQ(send("READY=1", kSecond), 0);
    until({"ready by notify"}, kSecond);
    ::kill(babbler, SIGKILL);
    ::waitpid(babbler, nullptr, 0);
}

TEST_F(Notify, SilenceIsToldFromReadyOn)
{
    connect(request(kFirst, milliseconds(30)));
    sockets->runs(kFirst, ::getpid());
    connect(request(kSecond, milliseconds(30), false));
    sockets->runs(kSecond, ::getpid()); // counts from now on, as nothing will say that it is ready
    until({"watchdog: no WATCHDOG=1 for 30ms"}, kSecond);
    EXPECT_TRUE(heard.of[kFirst].empty());
    ASSERT_EQ(send("READY=1"), 0);
    until({"ready by notify", "watchdog: no WATCHDOG=1 for 30ms"});
}

TEST_F(Notify, SignsOfLifeAreTakenAlsoWhenPmdComesLateToThem)
{
    connect(request(kFirst, milliseconds(40)));
    sockets->runs(kFirst, ::getpid());
    ASSERT_EQ(send("READY=1"), 0);
    until({"ready by notify"});
    for (int round = 0; round < 3; ++round) { // longer than it may be silent, and pmd does not run
        const auto late = std::chrono::steady_clock::now() + milliseconds(60);
        ASSERT_EQ(send("WATCHDOG=1"), 0);
        while (std::chrono::steady_clock::now() < late) {
        }
        loop.run_once(milliseconds(0));
        loop.run_once(milliseconds(0));
        ASSERT_EQ(heard.of[kFirst].size(), 1U);
    }
    until({"ready by notify", "watchdog: no WATCHDOG=1 for 40ms"});
}

TEST_F(Notify, AProcessMayChangeItsWatchdogAndTriggerIt)
{
    connect(request(kFirst, std::chrono::hours(1)));
    sockets->runs(kFirst, ::getpid());
    ASSERT_EQ(send("READY=1\nWATCHDOG_USEC=20000"), 0);
    until({"ready by notify", "watchdog: no WATCHDOG=1 for 20ms"});
    ASSERT_EQ(send("WATCHDOG_USEC=0"), 0);
    ASSERT_EQ(send("WATCHDOG=trigger"), 0);
    until({"ready by notify", "watchdog: no WATCHDOG=1 for 20ms", "watchdog: it said WATCHDOG=trigger"});
}

TEST_F(Notify, OneThatIsGoingByItselfOwesNothing)
{
    connect(request(kFirst, milliseconds(20)));
    connect(request(kSecond, milliseconds(60), false));
    sockets->runs(kFirst, ::getpid());
    ASSERT_EQ(send("READY=1"), 0);
    ASSERT_EQ(send("STOPPING=1"), 0);
    until({"ready by notify", "stopping"});
    sockets->runs(kSecond, ::getpid());
    until({"watchdog: no WATCHDOG=1 for 60ms"}, kSecond);
    EXPECT_EQ(heard.of[kFirst].size(), 2U);
}

TEST_F(Notify, ANewPmdHearsWhatWasSaidMeanwhile)
{
    connect(request(kFirst));
    sockets->runs(kFirst, ::getpid());
    sockets.reset();
    ASSERT_EQ(send("READY=1"), 0) << "the depot has the socket";
    sockets = make();
    sockets->reconnect(request(kFirst), {});
    sockets->sweep();
    sockets->runs(kFirst, ::getpid());
    until({"ready by notify"});
    ASSERT_EQ(send("STATUS=on"), 0);
    until({"ready by notify", "status on"});
}

TEST_F(Notify, ANewPmdWithoutTheOldSocketHasOneAtTheSamePlace)
{
    connect(request(kFirst));
    sockets->runs(kFirst, ::getpid());
    sockets.reset();
    depot.kept.clear();
    EXPECT_EQ(send("READY=1"), ECONNREFUSED);
    sockets = make();
    sockets->reconnect(request(kFirst), {});
    EXPECT_EQ(depot.kept.size(), 1U);
    sockets->runs(kFirst, ::getpid());
    ASSERT_EQ(send("READY=1"), 0);
    until({"ready by notify"});
}

TEST_F(Notify, ANewPmdGoesOnWithTheWatchdogOfWhatWasReadyAndWaitsForTheOthers)
{
    for (const bool kept : {true, false}) {
        heard.of.clear();
        for (const ProcessKey key : {kFirst, kSecond}) {
            connect(request(key, milliseconds(40)));
            sockets->runs(key, ::getpid());
        }
        ASSERT_EQ(send("READY=1", kFirst), 0);
        ASSERT_TRUE(run_until(loop, [&] { return !heard.of[kFirst].empty(); }));
        sockets.reset();
        if (!kept) depot.kept.clear();
        sockets = make();
        heard.of.clear();
        for (const ProcessKey key : {kFirst, kSecond}) {
            sockets->reconnect(request(key, milliseconds(40)), {});
            sockets->runs(key, ::getpid());
        }
        until({"watchdog: no WATCHDOG=1 for 40ms"});
        EXPECT_TRUE(heard.of[kSecond].empty());
        for (const ProcessKey key : {kFirst, kSecond}) sockets->ended(key);
    }
}

TEST_F(Notify, FilesThatNobodyWentOnWithAreRemoved)
{
    connect(request(kFirst));
    connect(request(kSecond));
    sockets.reset();
    sockets = make();
    sockets->reconnect(request(kSecond), {});
    sockets->sweep();
    EXPECT_FALSE(std::filesystem::exists(path_of(kFirst)));
    EXPECT_TRUE(std::filesystem::exists(path_of(kSecond)));
}

} // namespace
} // namespace pm::channel::test
