// SPDX-License-Identifier: Apache-2.0
// pmd is executed anew in its own place: nobody notices but those who ask who serves org.pmd1.
#include "fixture.hpp"

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <set>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace pm::test {
namespace {

/// Answers each connection on the socket it was given as an HTTP server would.
constexpr const char* kServer = R"(import socket
one = socket.socket(fileno=3)
while True:
    try:
        connection = one.accept()[0]
    except BlockingIOError:
        import select
        select.select([one], [], [])
        continue
    connection.recv(4096)
    connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nhey")
    connection.close()
)";

/// Three lines, each written in two halves: the second when somebody writes to the pipe "go", the first is told by "begun".
constexpr const char* kWriter = R"(import os, sys, time
go, begun = os.open("go", os.O_RDWR), os.open("begun", os.O_RDWR)
for number in range(3):
    sys.stdout.write(f"{number} begun, ")
    sys.stdout.flush()
    os.write(begun, b"begun\n")
    os.read(go, 1)
    print(f"{number} ended", flush=True)
time.sleep(100000)
)";

constexpr const char* kFlood = R"(import time
for number in range(3000):
    print(number, flush=True)
    time.sleep(0.0005)
time.sleep(100000)
)";

class Upgrade : public DaemonTest {
protected:
    std::map<std::string, std::set<pid_t>> pids()
    {
        std::map<std::string, std::set<pid_t>> all;
        for (const Instance& instance : list()) {
            EXPECT_EQ(instance.status, "online") << instance.app << ": " << instance.reason;
            all[instance.app].insert(instance.pid);
        }
        return all;
    }
    /// Clients without a pause while `work` is done; what was no answer.
    static std::set<std::string> under_load(int port, const std::function<void()>& work)
    {
        constexpr std::size_t kClients = 4;
        std::atomic<bool> enough = false;
        std::vector<std::set<std::string>> failures(kClients);
        std::vector<std::thread> clients;
        for (auto& mine : failures)
            clients.emplace_back([&] {
                while (!enough)
                    if (std::string text = http_get(port, "/"); !text.ends_with("hey")) mine.insert(std::move(text));
            });
        work();
        enough = true;
        std::set<std::string> all;
        for (std::thread& client : clients) client.join();
        for (auto& mine : failures) all.merge(mine);
        return all;
    }
    std::string status(const std::string& app) { return only(app).status; }
    /// What an app started in the background, with a session of its own.
    void descendants_are_found()
    {
        const std::string pid_file = dir_.path() + "/child";
        dir_.write("parent.sh", fmt::format("(setsid sh -c 'echo $$ > {0}.new; mv {0}.new {0}; exec sleep 100000' &)\nexec sleep 100000\n", pid_file));
        load("apps: [{name: parent, script: parent.sh, interpreter: sh}]");
        ask_until([&] { return std::filesystem::exists(pid_file); }, "the child");
        const pid_t child = std::stoi(read_file(pid_file));
        upgrade();
        ASSERT_TRUE(is_running(child));
        manager_->Stop("parent", {});
        EXPECT_FALSE(is_running(child));
    }
};

TEST_F(Upgrade, ClientsOfAHeldSocketNoticeNothing)
{
    const int port = free_port();
    dir_.write("server.py", kServer);
    load(fmt::format("apps: [{{name: web, script: server.py, interpreter: python3, instances: 2, listen: {}}}]", port));
    const auto before = pids();
    const auto failures = under_load(port, [&] {
        for (int count = 0; count < 3; ++count) upgrade();
    });
    EXPECT_TRUE(failures.empty()) << *failures.begin();
    EXPECT_EQ(pids(), before);
    EXPECT_TRUE(http_get(port, "/").ends_with("hey"));
    manager_->Delete("web", {});
    EXPECT_TRUE(http_get(port, "/").starts_with("connect: ")) << "no copy of the socket is left";
}

TEST_F(Upgrade, AHeldSocketStaysOpenWhileNobodyServes)
{
    const int port = free_port();
    dir_.write("server.py", kServer);
    load(fmt::format("apps: [{{name: web, script: server.py, interpreter: python3, restart_delay: 1s, listen: {}}}]", port));
    upgrade();
    kill_hard(only("web").pid);
    wait_event("exit", "web");
    EXPECT_TRUE(http_get(port, "/").ends_with("hey")) << "it waits for the next process";
}

TEST_F(Upgrade, ALineInItsMiddleIsGoneOnWith)
{
    const std::string file = dir_.path() + "/out";
    for (const char* pipe : {"/go", "/begun"}) ASSERT_EQ(mkfifo((dir_.path() + pipe).c_str(), 0600), 0);
    const base::Fd go(open((dir_.path() + "/go").c_str(), O_RDWR | O_CLOEXEC)), begun(open((dir_.path() + "/begun").c_str(), O_RDWR | O_CLOEXEC));
    dir_.write("writer.py", kWriter);
    load(fmt::format("apps: [{{name: writer, script: writer.py, interpreter: python3, logs: {{out: {}}}}}]", file));
    std::string expected;
    for (int number = 0; number < 3; ++number) {
        read_until(begun.get(), "begun");
        upgrade();
        ASSERT_EQ(write(go.get(), "!", 1), 1);
        expected += fmt::format("{0} begun, {0} ended\n", number);
        ask_until([&] { return read_file(file) == expected; }, "the line");
    }
}

TEST_F(Upgrade, OutputIsWhole)
{
    dir_.write("flood.py", kFlood);
    const std::string file = dir_.path() + "/out";
    load(fmt::format("apps: [{{name: flood, script: flood.py, interpreter: python3, logs: {{out: {}}}}}]", file));
    const auto written = [&] { return std::filesystem::exists(file) ? read_file(file) : std::string(); };
    ask_until([&] { return !written().empty(); }, "the first line");
    for (int count = 0; count < 4; ++count) upgrade();
    std::string expected;
    for (int number = 0; number < 3000; ++number) expected += fmt::format("{}\n", number);
    ask_until([&] { return written().size() >= expected.size(); }, "the last line");
    EXPECT_EQ(written(), expected);
}

TEST_F(Upgrade, ActionsAreKnownAsBefore)
{
    dir_.write("actor.py", R"(import json, os
channel = open(int(os.environ["NODE_CHANNEL_FD"]), "r+b", buffering=0)
channel.write(b'{"type":"axm:action","data":{"action_name":"act"}}\n"ready"\n')
for line in channel:
    channel.write(b'{"type":"axm:reply","data":{"action_name":"act","return":7}}\n')
)");
    load("{name: web, script: actor.py, interpreter: python3, channel: true, ready: ipc}");
    upgrade();
    const auto replies = manager_->Trigger("web", "act", "", {});
    ASSERT_EQ(replies.size(), 1U);
    EXPECT_EQ(replies[0].get<2>(), "7");
}

TEST_F(Upgrade, ProcessesAreManagedAsBefore)
{
    load("apps: [{name: a, script: /bin/sleep, args: [100000]}, {name: b, script: /bin/sleep, args: [100000], instances: 2}]");
    const auto before = pids();
    upgrade();
    EXPECT_EQ(pids(), before);

    kill_hard(*before.at("a").begin());
    const Event exit = wait_event("exit", "a");
    EXPECT_EQ(exit.number("exit-code"), static_cast<uint64_t>(SIGKILL));
    const Event online = wait_event("online", "a");
    EXPECT_EQ(only("a").pid, online.pid());
    EXPECT_EQ(only("a").restarts, 1U);

    upgrade();
    EXPECT_EQ(only("a").restarts, 1U) << "counters are handed over";
    manager_->Restart("b", {});
    for (const pid_t pid : before.at("b")) EXPECT_FALSE(is_running(pid));
    const pid_t last = only("a").pid;
    manager_->Stop("a", {});
    EXPECT_FALSE(is_running(last));
    EXPECT_EQ(status("a"), "stopped");
    upgrade();
    EXPECT_EQ(status("a"), "stopped");
    manager_->Delete("all", {});
    EXPECT_TRUE(list().empty());
}

/// Without cgroups, where they are told by their parents and environments.
class UpgradeTrees : public Upgrade {
    void SetUp() override { start_daemon({"--config", dir_.write("settings.yaml", common_settings() + "cgroups: false\n")}); }
};

TEST_F(Upgrade, DescendantsAreStillFound) { descendants_are_found(); }

TEST_F(UpgradeTrees, DescendantsAreStillFound) { descendants_are_found(); }

TEST_F(Upgrade, PendingRestartsComeDue)
{
    load("apps: [{name: crash, script: /bin/sleep, args: [100000], restart_delay: 1s}]");
    const pid_t first = only("crash").pid;
    kill_hard(first);
    wait_event("exit", "crash");
    upgrade();
    ask_until([&] { return status("crash") == "online"; }, "the restart");
    EXPECT_NE(only("crash").pid, first);
}

/// Who waits longer than an upgrade does is told; what was asked for goes on.
TEST_F(Upgrade, AStopThatTakesLongGoesOn)
{
    dir_.write("stubborn.sh", "trap '' TERM\necho ignores\nwhile :; do sleep 1; done\n");
    const std::string log = dir_.path() + "/out";
    load(fmt::format("apps: [{{name: stubborn, script: stubborn.sh, interpreter: sh, kill_timeout: 5s, logs: {{out: {}}}}}]", log));
    const pid_t pid = only("stubborn").pid;
    ask_until([&] { return std::filesystem::exists(log) && read_file(log).find("ignores") != std::string::npos; }, "its trap");
    const auto stop = call_later("Stop", "stubborn");
    upgrade();
    process_until([&] { return stop->ended; }, "an answer");
    EXPECT_EQ(stop->error_name, "org.pmd1.Error.Unavailable");
    EXPECT_TRUE(is_running(pid));
    EXPECT_EQ(status("stubborn"), "stopping");
    ask_until([&] { return status("stubborn") == "stopped"; }, "its end");
    EXPECT_FALSE(is_running(pid));
}

/// A pmd that is replaced by files that cannot take over, then by one that can.
class Replaced : public Upgrade {
protected:
    void SetUp() override
    {
        ours_ = std::getenv("PMD_TEST_PMD");
        install();
        setenv("PMD_TEST_PMD", installed_.c_str(), 1);
        start_daemon({"--config", dir_.write("settings.yaml", common_settings())});
    }
    void TearDown() override
    {
        Upgrade::TearDown();
        setenv("PMD_TEST_PMD", ours_.c_str(), 1);
    }
    /// As packages do it: a new file under the old name.
    void install()
    {
        std::filesystem::copy_file(ours_, installed_ + ".new");
        std::filesystem::rename(installed_ + ".new", installed_);
    }
    void install(const std::string& text)
    {
        dir_.write("pmd.new", text, 0755);
        std::filesystem::rename(dir_.path() + "/pmd.new", installed_);
    }
    std::string refusal()
    {
        return error_of([&] { manager_->Upgrade({}); }).getMessage();
    }

    std::string ours_;
    std::string installed_ = dir_.path() + "/pmd";
};

TEST_F(Replaced, OnlyWhatCanTakeOverDoes)
{
    load("apps: [{name: a, script: /bin/sleep, args: [100000]}]");
    const auto before = pids();
    install("#!/bin/sh\necho 'no such option' >&2\nexit 2\n");
    EXPECT_NE(refusal().find("no such option"), std::string::npos) << refusal();
    install("no program");
    EXPECT_NE(refusal().find(installed_), std::string::npos) << refusal();
    std::filesystem::remove(installed_);
    EXPECT_NE(refusal().find("No such file"), std::string::npos) << refusal();
    EXPECT_EQ(pids(), before);

    install();
    dir_.write("settings.yaml", "max_apps: many\n");
    EXPECT_NE(refusal().find("max_apps"), std::string::npos) << refusal();
    dir_.write("settings.yaml", common_settings());
    upgrade();
    EXPECT_EQ(pids(), before);
}

class UpgradeNode : public Upgrade {
protected:
    void SetUp() override
    {
        if (std::system("node --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "there is no node in PATH";
        if (access(HTTP_JS, R_OK) != 0) GTEST_SKIP() << "the program is not on this machine (the system test's case clusters has one)";
        Upgrade::SetUp();
    }
};

TEST_F(UpgradeNode, ClustersServeOn)
{
    dir_.write("http.js", read_file(HTTP_JS));
    for (const char* mode : {"shared", "round-robin"}) {
        const int port = free_port();
        load(fmt::format("apps: [{{name: web, script: http.js, instances: 2, cluster: {}, env: {{PORT: {}}}}}]", mode, port));
        const auto before = pids();
        const auto failures = under_load(port, [&] {
            for (int count = 0; count < 3; ++count) upgrade();
        });
        EXPECT_TRUE(failures.empty()) << mode << ": " << *failures.begin();
        EXPECT_EQ(pids(), before) << mode;
        const auto replaced = under_load(port, [&] { manager_->Reload("web", {}); });
        EXPECT_TRUE(replaced.empty()) << mode << ": " << *replaced.begin();
        manager_->Delete("web", {});
    }
}

} // namespace
} // namespace pm::test
