// SPDX-License-Identifier: Apache-2.0
// OpenMessages: what processes send over their channels, for those who may read it, on every bus.
#include "system_bus.hpp"

#include <array>
#include <cstdlib>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

namespace pm::test {
namespace {

/// Sends back what it is sent; metrics, many messages and a big one when it is told to.
constexpr const char* kEcho = R"py(
import json, os
channel = open(int(os.environ["NODE_CHANNEL_FD"]), "r+b", buffering=0)
out = os.fdopen(os.dup(channel.fileno()), "wb")
def say(message):
    out.write(json.dumps(message).encode() + b"\n")
    out.flush()
say("ready")
for line in channel:
    message = json.loads(line)
    if message == "metrics": say({"type": "axm:monitor", "data": {"users": {"value": 3}}})
    if message == "flood":
        for i in range(8000): say({"number": i, "filling": "x" * 1000})
    if message == "big": say("x" * (2 << 20))
    say({"got": message})
)py";

std::string echo(const std::string& name, const std::string& script, const std::string& more = "")
{
    return fmt::format("{{name: {}, script: {}, cwd: /, interpreter: python3, channel: true, ready: ipc{}}}", name, script, more);
}

/// What OpenMessages gives, line by line.
class Messages {
public:
    explicit Messages(sdbus::UnixFd fd) : fd_(std::move(fd)) {}
    /// The next line; empty at the end of the stream. Fails the test after kPatience.
    std::string line()
    {
        std::size_t end = 0;
        while ((end = text_.find('\n')) == std::string::npos)
            if (!read_some(std::chrono::milliseconds(kPatience).count())) return {};
        std::string first = text_.substr(0, end);
        text_.erase(0, end + 1);
        return first;
    }
    /// The next line up to the time, which is the last in it.
    std::string next()
    {
        const std::string whole = line();
        EXPECT_GT(std::atoll(whole.substr(std::min(whole.size(), whole.find(kTime) + kTime.size())).c_str()),
                  1'600'000'000'000'000)
            << whole;
        return whole.substr(0, whole.find(kTime));
    }
    /// Whether nothing has come.
    bool is_empty()
    {
        pollfd waiting{fd_.get(), POLLIN, 0};
        return text_.empty() && poll(&waiting, 1, 0) == 0;
    }

private:
    static constexpr std::string_view kTime = ",\"time\":";
    bool read_some(std::int64_t patience)
    {
        pollfd waiting{fd_.get(), POLLIN, 0};
        if (poll(&waiting, 1, static_cast<int>(patience)) != 1) {
            ADD_FAILURE() << "no message came";
            return false;
        }
        std::array<char, 65536> piece{};
        const ssize_t count = read(fd_.get(), piece.data(), piece.size());
        if (count > 0) text_.append(piece.data(), static_cast<std::size_t>(count));
        return count > 0;
    }

    sdbus::UnixFd fd_;
    std::string text_;
};

/// next() of a message that `instance` of `app` has sent back.
std::string got(const std::string& app, int id, int slot, const std::string& json)
{
    return fmt::format(R"({{"app":"{}","id":{},"slot":{},"message":{{"got": {}}})", app, id, slot, json);
}

class MessagesTest : public DaemonTest {
protected:
    void SetUp() override
    {
        DaemonTest::SetUp();
        script_ = dir_.write("echo.py", kEcho);
        load("apps: [" + echo("web", script_, ", instances: 2") + ", " + echo("db", script_, ", namespace: back") + "]");
    }
    Messages open(const std::string& target) { return Messages(manager_->OpenMessages(target, {})); }
    void send(const std::string& target, const std::string& json) { manager_->SendMessage(target, json); }

    std::string script_;
};

TEST_F(MessagesTest, EveryReaderGetsEveryMessage)
{
    Messages first = open("web"), second = open("web");
    send("0", R"({"a": [1.0, "\u00e4"]})");
    EXPECT_EQ(first.next(), got("web", 0, 0, R"({"a": [1.0, "\u00e4"]})"));
    EXPECT_EQ(second.next(), got("web", 0, 0, R"({"a": [1.0, "\u00e4"]})"));
    send("1", "null");
    EXPECT_EQ(first.next(), got("web", 1, 1, "null"));
    EXPECT_EQ(second.next(), got("web", 1, 1, "null"));
    if (!on_systemd()) // on the system bus everybody would hear them
        process_until([&] { return manager_->messages.size() == 2; }, "the signals, which come too");
}

TEST_F(MessagesTest, AReaderGetsThoseOfItsTargetAlone)
{
    Messages all = open("all"), web = open("web"), back = open("back"), one = open("1"), matching = open("/^d/");
    for (const auto& [target, app, id, slot] : {std::tuple{"0", "web", 0, 0}, {"db", "db", 2, 0}, {"1", "web", 1, 1}}) {
        send(target, "1");
        EXPECT_EQ(all.next(), got(app, id, slot, "1")); // so the next one comes later
    }
    EXPECT_EQ(web.next(), got("web", 0, 0, "1"));
    EXPECT_EQ(web.next(), got("web", 1, 1, "1"));
    EXPECT_EQ(back.next(), got("db", 2, 0, "1"));
    EXPECT_EQ(matching.next(), got("db", 2, 0, "1"));
    EXPECT_EQ(one.next(), got("web", 1, 1, "1"));
    for (Messages* reader : {&all, &web, &back, &matching, &one}) EXPECT_TRUE(reader->is_empty());
}

TEST_F(MessagesTest, WhatComesLaterIsHeardWhereTheTargetMeansIt)
{
    Messages all = open("all"), web = open("web");
    load(echo("late", script_));
    manager_->Scale("web", "3");
    Messages late = open("late");
    send("late", "1");
    EXPECT_EQ(late.next(), got("late", 3, 0, "1"));
    send("4", "2");
    EXPECT_EQ(all.next(), got("late", 3, 0, "1"));
    EXPECT_EQ(all.next(), got("web", 4, 2, "2"));
    EXPECT_EQ(web.next(), got("web", 4, 2, "2"));
}

TEST_F(MessagesTest, WhatIsForPmdIsNoMessage)
{
    Messages web = open("web");
    send("0", "\"metrics\"");
    EXPECT_EQ(web.next(), got("web", 0, 0, "\"metrics\""));
    EXPECT_EQ(manager_->GetMetrics(0).size(), 1U);
}

TEST_F(MessagesTest, ASlowReaderLosesTheOldestAndIsToldHowMany)
{
    Messages slow = open("web"), eager = open("web");
    send("0", "\"flood\"");
    const std::string last = got("web", 0, 0, "\"flood\"");
    const auto is_last = [&](const std::string& line) { return line.empty() || line.starts_with(last); };
    while (!is_last(eager.line())) {
    }
    EXPECT_EQ(list().size(), 3U);
    std::size_t messages = 0, lost = 0, gaps = 0;
    std::string line;
    do {
        line = slow.line();
        if (line.starts_with("{\"lost\":"))
            ++gaps, lost += static_cast<std::size_t>(std::atoll(line.c_str() + std::string_view("{\"lost\":").size()));
        else
            ++messages;
    } while (!is_last(line));
    EXPECT_EQ(messages + lost, 8001U);
    EXPECT_EQ(gaps, 1U);
    EXPECT_GT(lost, 6000U) << "no more than 1 MiB waits, besides what the pipe has";
}

TEST_F(MessagesTest, AMessageOfMoreThanMayWaitIsLost)
{
    Messages web = open("web");
    send("0", "\"big\"");
    EXPECT_EQ(web.line(), "{\"lost\":1}");
    EXPECT_EQ(web.next(), got("web", 0, 0, "\"big\""));
}

TEST_F(MessagesTest, ReadersAreAsManyAsThoseOfLogsTogether)
{
    std::vector<sdbus::UnixFd> open;
    for (int i = 0; i < 32; ++i) {
        open.push_back(manager_->OpenLog("web", {}));
        open.push_back(manager_->OpenMessages("web", {}));
    }
    EXPECT_EQ(error_of([&] { manager_->OpenMessages("web", {}); }).getName(), "org.pmd1.Error.LimitExceeded");
    open.pop_back();
    ask_until([&] { return error_of([&] { open.push_back(manager_->OpenMessages("web", {})); }).getName().empty(); },
              "the place of who has left");
}

TEST_F(MessagesTest, WhatIsAskedForIsChecked)
{
    EXPECT_EQ(error_of([&] { manager_->OpenMessages("none", {}); }).getName(), "org.pmd1.Error.NoSuchApp");
    EXPECT_EQ(error_of([&] {
                  manager_->OpenMessages("web", {{"lines", sdbus::Variant(1U)}});
              }).getName(),
              "org.pmd1.Error.InvalidArgument");
}

TEST_F(MessagesTest, AnUpgradeEndsTheStream)
{
    Messages before = open("web");
    upgrade();
    EXPECT_EQ(before.line(), "");
    Messages after = open("web");
    send("0", "1");
    EXPECT_EQ(after.next(), got("web", 0, 0, "1"));
}

TEST_F(MessagesTest, ProcessSendOfNode)
{
    if (std::system("node --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "there is no node in PATH";
    dir_.write("talk.js", "process.on('message', (what) => process.send({node: what})); process.send('ready');");
    load("{name: talk, script: talk.js, ready: ipc}");
    Messages talk = open("talk");
    send("talk", "[1]");
    EXPECT_EQ(talk.next(), R"({"app":"talk","id":3,"slot":0,"message":{"node":[1]})");
}

class SystemMessagesTest : public SystemBusTest {
protected:
    void SetUp() override
    {
        SystemBusTest::SetUp();
        if (IsSkipped()) return;
        chmod(dir_.path().c_str(), 0755);
        script_ = dir_.write("echo.py", kEcho);
    }
    void load_as(User& user, const std::string& name) { user.manager->Load(echo(name, script_), "stdin", {}); }

    std::string script_;
};

TEST_F(SystemMessagesTest, TheOwnerHearsOnesOwnAndNobodyElseDoes)
{
    load_as(*alice_, "web");
    load_as(*bob_, "db");
    Messages hers(alice_->manager->OpenMessages("all", {})), roots(manager_->OpenMessages("all", {}));
    manager_->SendMessage("db", "1");
    EXPECT_EQ(roots.next(), got("db", 1, 0, "1"));
    EXPECT_TRUE(hers.is_empty());
    manager_->SendMessage("web", "2");
    EXPECT_EQ(roots.next(), got("web", 0, 0, "2"));
    EXPECT_EQ(hers.next(), got("web", 0, 0, "2"));
    const auto error = error_of([&] { alice_->manager->OpenMessages("db", {}); });
    EXPECT_EQ(error.getName(), "org.pmd1.Error.NotAuthorized");
    manager_->Stop("web", {});
    wait_event("stop", "web"); // a signal of before would have come
    EXPECT_TRUE(manager_->messages.empty()) << "everybody would hear it";
}

TEST_F(SystemMessagesTest, WhoFollowedAnAppHearsNothingOfItsSuccessor)
{
    load_as(*alice_, "web");
    Messages hers(alice_->manager->OpenMessages("web", {})), by_id(alice_->manager->OpenMessages("0", {}));
    alice_->manager->Delete("web", {});
    load_as(*bob_, "web");
    Messages his(bob_->manager->OpenMessages("web", {}));
    bob_->manager->SendMessage("web", "1");
    EXPECT_EQ(his.next(), got("web", 0, 0, "1"));
    EXPECT_TRUE(hers.is_empty());
    EXPECT_TRUE(by_id.is_empty());
}

} // namespace
} // namespace pm::test
