// SPDX-License-Identifier: Apache-2.0
// pmd is killed where nothing but pmd holds what its apps have: they run on, and the next one goes on with them.
#include "fixture.hpp"

#include <arpa/inet.h>
#include <csignal>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <sched.h>
#include <sstream>
#include <sys/socket.h>
#include <unistd.h>

namespace pm::test {
namespace {

/// Answers what comes to the socket it was given, one after the other.
constexpr const char* kServer = R"(import socket
one = socket.socket(fileno=3)
one.setblocking(True)
)";
constexpr const char* kLoop = R"(while True:
    connection = one.accept()[0]
    connection.recv(4096)
    connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nhey")
    connection.close()
)";

/// Writes a line to stdout and one to stderr for each SIGUSR1, and lives on whatever that gives.
constexpr const char* kSpeaker = R"(import os, signal, sys, time
number = 0
def speak(*_):
    global number
    number += 1
    print(f"line {number}", flush=True)
    print(f"trouble {number}", file=sys.stderr, flush=True)
    os.close(os.open(f"said{number}", os.O_CREAT | os.O_WRONLY))
signal.signal(signal.SIGUSR1, speak)
open("listens", "w").close()
while True: signal.pause()
)";

/// Whether pmd puts apps into cgroups of their own, where the machine lets it.
class Recovery : public DaemonTest, public ::testing::WithParamInterface<bool> {
protected:
    void SetUp() override
    {
        if (on_systemd()) GTEST_SKIP() << "systemd holds what its units have";
        begin();
    }
    void begin() { start_daemon({"--config", dir_.write("pmd.yaml", GetParam() ? "cgroups: true\n" : "cgroups: false\n")}); }
    void kill_pmd()
    {
        kill(pmd_, SIGKILL);
        wait_daemon();
    }
    void replace_pmd()
    {
        kill_pmd();
        begin();
    }
    bool exists(const std::string& name) const { return access((dir_.path() + "/" + name).c_str(), F_OK) == 0; }
    /// Without a pmd to ask meanwhile.
    void await_file(const std::string& name) const
    {
        for (const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30); !exists(name);) {
            ASSERT_LT(std::chrono::steady_clock::now(), until) << "never came: " << name;
            sched_yield();
        }
    }
};

TEST_P(Recovery, AppsRunOnAndAreThoseOfTheNextPmd)
{
    load("apps: [{name: web, script: sleep, args: [1000], instances: 3}]");
    manager_->Restart("web", {});
    manager_->Stop(std::to_string(list()[2].id), {});
    const auto before = list();
    for (int time = 0; time < 2; ++time) {
        replace_pmd();
        const auto after = list();
        ASSERT_EQ(after.size(), before.size());
        for (std::size_t at = 0; at < after.size(); ++at) {
            EXPECT_EQ(after[at].pid, before[at].pid);
            EXPECT_EQ(after[at].status, before[at].status);
            EXPECT_EQ(after[at].restarts, 1U);
        }
    }
    manager_->Restart(std::to_string(before[0].id), {});
    EXPECT_FALSE(is_running(before[0].pid));
    EXPECT_TRUE(is_running(before[1].pid));
    manager_->Delete("web", {});
    EXPECT_FALSE(is_running(before[1].pid));
}

TEST_P(Recovery, AnEndIsNoticedThoughHowIsNotKnown)
{
    load("apps: [{name: web, script: sleep, args: [1000]}]");
    replace_pmd();
    const pid_t pid = only("web").pid;
    kill_hard(pid);
    process_until([&] { return only("web").pid != pid && only("web").status == "online"; }, "its replacement");
    EXPECT_EQ(only("web").restarts, 1U);
}

/// A zombie to those who look at it, while its other threads serve.
TEST_P(Recovery, AProcessWhoseFirstThreadHasEndedIsGoneOnWith)
{
    dir_.write("threads.py", R"(import ctypes, os, threading, time
def serve():
    while open("/proc/self/stat").read().split()[2] != "Z": time.sleep(0.01)
    open("left.new", "w").close()
    os.rename("left.new", "left")
    time.sleep(1000)
threading.Thread(target=serve).start()
ctypes.CDLL(None).syscall(93 if os.uname().machine == "aarch64" else 60, 0)
)");
    load("apps: [{name: web, script: threads.py, interpreter: python3, kill_timeout: 30s}]");
    await_file("left");
    const pid_t pid = only("web").pid;
    replace_pmd();
    EXPECT_EQ(only("web").pid, pid);
    EXPECT_EQ(only("web").status, "online");
    manager_->Stop("web", {});
    wait_gone(pid);
    EXPECT_EQ(only("web").restarts, 0U);
}

TEST_P(Recovery, WhatEndedMeanwhileIsReplaced)
{
    load("apps: [{name: web, script: sleep, args: [1000]}]");
    const pid_t pid = only("web").pid;
    kill_pmd();
    kill_hard(pid);
    wait_gone(pid);
    begin();
    process_until([&] { return only("web").status == "online" && only("web").pid != pid; }, "its replacement");
}

TEST_P(Recovery, WhatAProcessStartedEndsWithIt)
{
    const std::string pid_file = dir_.path() + "/child";
    dir_.write("parent.sh",
               fmt::format("(sh -c 'echo $$ > {0}.new; mv {0}.new {0}; exec sleep 1000' &)\nexec sleep 1000\n", pid_file));
    load("apps: [{name: parent, script: parent.sh, interpreter: sh}]");
    await_file("child");
    const pid_t child = std::stoi(read_file(pid_file));
    replace_pmd();
    const pid_t parent = only("parent").pid;
    manager_->Stop("parent", {});
    EXPECT_FALSE(is_running(parent));
    EXPECT_FALSE(is_running(child));
}

/// Starts one child that shows whose it is and one that does not, as a stranger in a session whose number was free would not.
constexpr const char* kStarter = R"(import os, signal, subprocess
def start(*_):
    with open(os.devnull, "r+") as null:
        plain = subprocess.Popen(["sleep", "1000"], env={}, stdin=null, stdout=null, stderr=null)
    tagged = subprocess.Popen(["sleep", "1000"])
    with open("started.new", "w") as to: print(plain.pid, tagged.pid, file=to)
    os.rename("started.new", "started")
signal.signal(signal.SIGUSR1, start)
open("listens", "w").close()
while True: signal.pause()
)";

TEST_P(Recovery, OfASessionWhoseLeaderEndedUnseenOnlyWhatShowsItIsEnded)
{
    dir_.write("starter.py", kStarter);
    load("apps: [{name: starter, script: starter.py, interpreter: python3}]");
    await_file("listens");
    const pid_t pid = only("starter").pid;
    const bool in_cgroup = read_file(fmt::format("/proc/{}/cgroup", pid)).find(".apps/") != std::string::npos;
    kill_pmd();
    kill(pid, SIGUSR1);
    await_file("started");
    std::istringstream started(read_file(dir_.path() + "/started"));
    pid_t plain = 0, tagged = 0;
    started >> plain >> tagged;
    kill_hard(pid);
    wait_gone(pid);
    begin();
    process_until([&] { return only("starter").status == "online" && only("starter").pid != pid; }, "its replacement");
    EXPECT_FALSE(is_running(tagged));
    EXPECT_EQ(is_running(plain), !in_cgroup); // which would tell without a doubt
    if (is_running(plain)) kill_hard(plain);
}

TEST_P(Recovery, WhatIsWrittenMeanwhileIsNotLost)
{
    dir_.write("speaker.py", kSpeaker);
    load("apps: [{name: speaker, script: speaker.py, interpreter: python3, out_file: out.log, error_file: err.log}]");
    await_file("listens");
    const pid_t pid = only("speaker").pid;
    kill_pmd();
    kill(pid, SIGUSR1); // a pipe that nobody reads would be its end
    await_file("said1");
    begin();
    EXPECT_EQ(only("speaker").pid, pid);
    kill(pid, SIGUSR1);
    ask_until(
        [&] {
            return read_file(dir_.path() + "/out.log") == "line 1\nline 2\n" &&
                   read_file(dir_.path() + "/err.log") == "trouble 1\ntrouble 2\n";
        },
        "both lines");
}

TEST_P(Recovery, HeldSocketsComeBackFromTheProcessesWithWhoWaitsThere)
{
    const int port = free_port();
    dir_.write("server.py", std::string(kServer) + kLoop);
    load(fmt::format("apps: [{{name: web, script: server.py, interpreter: python3, listen: {}, kill_timeout: 1}}]", port));
    const pid_t pid = only("web").pid;
    ASSERT_TRUE(http_get(port, "/").ends_with("hey"));
    kill_pmd();
    EXPECT_TRUE(http_get(port, "/").ends_with("hey")) << "it serves without pmd";
    kill(pid, SIGSTOP);
    while (read_file(fmt::format("/proc/{}/stat", pid)).find(") T ") == std::string::npos) sched_yield();
    const int waiting = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<uint16_t>(port));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(::connect(waiting, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
    ASSERT_EQ(send(waiting, "GET / HTTP/1.0\r\n\r\n", 18, 0), 18);
    begin();
    manager_->Restart("web", {});
    EXPECT_FALSE(is_running(pid));
    std::string answer;
    char piece[512];
    for (ssize_t got = 0; (got = recv(waiting, piece, sizeof piece, 0)) > 0;) answer.append(piece, static_cast<std::size_t>(got));
    close(waiting);
    EXPECT_TRUE(answer.ends_with("hey")) << answer;
    EXPECT_TRUE(http_get(port, "/").ends_with("hey"));
}

TEST_P(Recovery, WhatProgramsBoundByThemselvesIsSharedOn)
{
    const int port = free_port();
    dir_.write("server.py",
               fmt::format("import socket\none = socket.socket()\none.bind((\"127.0.0.1\", {}))\none.listen()\n", port) + kLoop);
    load("apps: [{name: web, script: server.py, interpreter: python3, instances: 2}]");
    ask_until([&] { return http_get(port, "/").ends_with("hey"); }, "the server");
    replace_pmd();
    const auto before = list();
    manager_->Reload("web", {});
    for (const Instance& instance : before) EXPECT_FALSE(is_running(instance.pid));
    EXPECT_TRUE(http_get(port, "/").ends_with("hey"));
}

/// A pmd that is killed between a launch and what is written down of it leaves the file as it was before.
TEST_P(Recovery, WhatWasLaunchedAndNotWrittenDownIsEnded)
{
    const int port = free_port();
    dir_.write("server.py", std::string(kServer) + kLoop);
    load(fmt::format("apps: [{{name: web, script: server.py, interpreter: python3, listen: {}}}, {{name: other, script: sleep, args: [1000]}}]", port));
    const std::string before = read_file(kept("web.json"));
    const pid_t other = only("other").pid;
    manager_->Restart("web", {});
    const pid_t pid = only("web").pid;
    kill_pmd();
    std::ofstream(kept("web.json")) << before;
    begin();
    EXPECT_FALSE(is_running(pid));
    process_until([&] { return only("web").status == "online"; }, "its replacement");
    EXPECT_NE(only("web").pid, pid);
    EXPECT_TRUE(http_get(port, "/").ends_with("hey"));
    EXPECT_EQ(only("other").pid, other);
    EXPECT_TRUE(is_running(other));
}

TEST_P(Recovery, OfAnAppThatWasNotWrittenDownAtAllNothingIsLeft)
{
    load("apps: [{name: web, script: sh, args: [-c, 'sleep 1000 & wait'], interpreter: none}]");
    const pid_t pid = only("web").pid;
    kill_pmd();
    std::filesystem::remove(kept("web.json"));
    begin();
    EXPECT_TRUE(list().empty());
    EXPECT_FALSE(is_running(pid));
}

TEST_P(Recovery, WhereAFileCannotBeReadNothingIsEndedAsNobodys)
{
    load("apps: [{name: web, script: sleep, args: [1000]}, {name: other, script: sleep, args: [1000]}]");
    const pid_t pid = only("web").pid, other = only("other").pid;
    kill_pmd();
    std::ofstream(kept("web.json")) << "{\"of\": \"another pmd\"";
    begin();
    EXPECT_TRUE(is_running(pid)) << "it runs on unsupervised, as the log says";
    EXPECT_EQ(only("other").pid, other);
    kill_hard(pid);
}

TEST_P(Recovery, WhatIsOfAnotherLifeOfTheMachineIsNothing)
{
    load("apps: [{name: web, script: sleep, args: [1000]}]");
    const pid_t pid = only("web").pid;
    kill_pmd();
    const std::filesystem::path here = std::filesystem::path(kept("web.json")).parent_path();
    const std::filesystem::path earlier = here.parent_path() / "running-0000.1";
    std::filesystem::rename(here, earlier);
    begin();
    EXPECT_TRUE(list().empty());
    EXPECT_TRUE(is_running(pid)); // it might be anybody
    EXPECT_FALSE(std::filesystem::exists(earlier));
    kill_hard(pid);
}

INSTANTIATE_TEST_SUITE_P(Of, Recovery, ::testing::Bool(),
                         [](const auto& with) { return with.param ? "cgroups" : "process_trees"; });

} // namespace
} // namespace pm::test
