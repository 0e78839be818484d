// SPDX-License-Identifier: Apache-2.0
// Somebody cleans pmd's runtime directory: it is noticed, and put back, while the apps run on.
#include "fixture.hpp"

#include <csignal>
#include <filesystem>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

namespace pm::test {
namespace {

class Places : public DaemonTest {
protected:
    void SetUp() override
    {
        if (on_systemd()) GTEST_SKIP() << "the bus is not pmd's there";
        start_daemon();
    }
    std::string run(const std::string& name = {}) const { return dir_.path() + "/run" + (name.empty() ? "" : "/" + name); }
    /// As rm -rf does it: what pmd puts back meanwhile may stay.
    void clean() const
    {
        std::error_code not_empty;
        std::filesystem::remove_all(run(), not_empty);
    }
    bool exists(const std::string& name) const { return access(run(name).c_str(), F_OK) == 0; }
    /// No bus tells of it.
    void await(const std::function<bool()>& done, const std::string& what) const
    {
        for (const auto until = std::chrono::steady_clock::now() + kPatience; !done(); poll(nullptr, 0, 1))
            ASSERT_LT(std::chrono::steady_clock::now(), until) << "waited in vain for " << what;
    }
    void replace_killed()
    {
        kill(pmd_, SIGKILL);
        wait_daemon();
        start_daemon();
    }
    void reconnect()
    {
        await(
            [&] {
                try {
                    connect();
                    return manager_->Pid() == static_cast<uint32_t>(pmd_);
                } catch (const sdbus::Error&) {
                    return false;
                }
            },
            "an answer");
    }
};

TEST_F(Places, TheSocketOfTheBusIsPutBack)
{
    load("apps: [{name: web, script: sleep, args: [1000]}]");
    const pid_t pid = only("web").pid;
    std::filesystem::remove(run("bus"));
    reconnect();
    EXPECT_EQ(only("web").pid, pid);
}

TEST_F(Places, AllOfTheDirectoryIsPutBackAndSurvivesAKilledPmd)
{
    load("apps: [{name: web, script: sleep, args: [1000], instances: 2}, {name: gone, script: sleep, args: [1000]}]");
    manager_->Delete("gone", {});
    const auto before = list();
    clean();
    await(
        [&] {
            return exists("bus") && exists("pmd.lock");
        },
        "all of it");
    struct stat status {};
    ASSERT_EQ(stat(run().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0700U);
    replace_killed();
    const auto after = list();
    ASSERT_EQ(after.size(), before.size());
    EXPECT_EQ(after[0].pid, before[0].pid);
    EXPECT_EQ(after[1].pid, before[1].pid);
}

TEST_F(Places, APmdThatIsKilledBeforeItPutsAnythingBackIsSucceeded)
{
    load("apps: [{name: web, script: sleep, args: [1000]}]");
    const pid_t pid = only("web").pid;
    kill(pmd_, SIGSTOP);
    clean();
    ASSERT_FALSE(exists("pmd.lock"));
    replace_killed();
    EXPECT_EQ(only("web").pid, pid);
}

TEST_F(Places, OfTheStateDirectoryWhatRunsIsPutBackToo)
{
    load("apps: [{name: web, script: sleep, args: [1000]}, {name: gone, script: sleep, args: [1000]}]");
    manager_->Delete("gone", {});
    const pid_t pid = only("web").pid;
    std::error_code not_empty;
    std::filesystem::remove_all(dir_.path() + "/state", not_empty);
    await([&] { return access(kept("web.json").c_str(), F_OK) == 0 && access(kept("host").c_str(), F_OK) == 0; }, "the files");
    replace_killed();
    EXPECT_EQ(only("web").pid, pid);
}

/// What is launched later is written down where the next pmd looks for it.
TEST_F(Places, WhatIsRemovedTwiceIsPutBackTwice)
{
    for (int time = 0; time < 2; ++time) {
        load(fmt::format("apps: [{{name: web{}, script: sleep, args: [1000]}}]", time));
        clean();
        await([&] { return exists("bus") && exists("pmd.lock"); }, "the files");
        reconnect();
    }
    EXPECT_EQ(list().size(), 2U);
}

/// Else its watchdog would kill a process that gives all signs of life.
TEST_F(Places, AProcessIsHeardAtANotifySocketThatWasRemoved)
{
    dir_.write("told.py", R"(import os, signal, socket
def say(text):
    one = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    one.sendto(text, os.environ["NOTIFY_SOCKET"])
signal.signal(signal.SIGUSR1, lambda *_: say(b"STATUS=heard"))
say(b"READY=1")
while True: signal.pause()
)");
    load("apps: [{name: web, script: told.py, interpreter: python3, ready: notify}]");
    const pid_t pid = only("web").pid;
    std::string socket;
    await(
        [&] {
            socket.clear();
            const std::string notify = exists("notify") ? run("notify") : run() + "-notify";
            for (const auto& entry : std::filesystem::directory_iterator(notify)) socket = entry.path();
            return !socket.empty();
        },
        "its socket");
    struct stat before {};
    ASSERT_EQ(stat(socket.c_str(), &before), 0);
    std::filesystem::remove(socket);
    await([&] { return access(socket.c_str(), F_OK) == 0; }, "another socket");
    kill(pid, SIGUSR1);
    ask_until([&] { return only("web").reason.find("heard") != std::string::npos; }, "what it said");
}

/// The directory is gone, and with it the lock file: a second pmd still finds that the first has its state.
TEST_F(Places, ASecondPmdDoesNotTakeTheStateOfARunningOne)
{
    kill(pmd_, SIGSTOP); // it cannot put anything back
    clean();
    const std::string said = dir_.path() + "/second";
    const int status = std::system(fmt::format("'{}' --bus embedded --runtime-dir '{}' --state-dir '{}/state' 2>'{}'",
                                               std::getenv("PMD_TEST_PMD"), run(), dir_.path(), said)
                                       .c_str());
    kill(pmd_, SIGCONT);
    EXPECT_EQ(status, 0);
    EXPECT_NE(read_file(said).find(fmt::format("already running (pid {})", pmd_)), std::string::npos) << read_file(said);
    await([&] { return exists("bus"); }, "the socket");
    reconnect();
}

} // namespace
} // namespace pm::test
