// SPDX-License-Identifier: Apache-2.0
// Nothing is left behind: no process, no descriptor, no zombie, no cgroup.
#include "fixture.hpp"

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>

namespace pm::test {
namespace {

/// With cgroups where the machine has them, and with process trees everywhere.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool kInstrumented = true;
#else
constexpr bool kInstrumented = false;
#endif

/// What is a process's own and not of a file, resident.
std::size_t anonymous_kib(pid_t pid)
{
    std::ifstream rollup("/proc/" + std::to_string(pid) + "/smaps_rollup");
    for (std::string word; rollup >> word;) {
        std::size_t kib = 0;
        if (word == "Anonymous:" && rollup >> kib) return kib;
    }
    return 0;
}

/// The most that was resident so far.
std::size_t most_kib(pid_t pid)
{
    std::ifstream status("/proc/" + std::to_string(pid) + "/status");
    for (std::string word; status >> word;) {
        std::size_t kib = 0;
        if (word == "VmHWM:" && status >> kib) return kib;
    }
    return 0;
}

class Processes : public DaemonTest, public ::testing::WithParamInterface<bool> {
protected:
    void SetUp() override
    {
        const std::string config = dir_.write("pmd.yaml", common_settings() + (GetParam() ? "cgroups: true\n" : "cgroups: false\n"));
        if (on_systemd() && !GetParam()) GTEST_SKIP() << "units of systemd have their control groups";
        start_daemon({"--config", config});
        if (GetParam() && !on_systemd() && read_file(stderr_path_).find("a cgroup per app") == std::string::npos)
            GTEST_SKIP() << "no writable cgroup2 subtree on this machine";
    }
    /// A Python program that forks twice with setsid, tells both pids on stdout, and stays.
    std::string escaping(const std::string& more)
    {
        dir_.write("escape.py", "import os, sys, time, signal\n"
                                "def spread():\n"
                                "    if os.fork() == 0:\n"
                                "        os.setsid()\n"
                                "        if os.fork() != 0: os._exit(0)\n"
                                "        signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
                                "        os.write(1, b'escaped %d\\n' % os.getpid())\n"
                                "        while True: signal.pause()\n"
                                "    os.wait()\n"
                                "spread()\n"
                                "os.write(1, b'main %d\\n' % os.getpid())\n"
                                "while True: signal.pause()\n");
        return "apps: [{name: escape, script: escape.py, kill_timeout: 100ms" + more + "}]";
    }
    pid_t escaped_pid()
    {
        sdbus::UnixFd log = manager_->OpenLog("escape", {{"format", sdbus::Variant("raw")}});
        const std::string line = read_until(log.get(), "escaped ");
        return static_cast<pid_t>(std::stoi(line.substr(line.find(' '))));
    }
};

TEST_P(Processes, StopEndsWhatForkedTwiceAndLeftTheSession)
{
    load(escaping(""));
    const pid_t escaped = escaped_pid();
    EXPECT_TRUE(is_running(escaped));
    manager_->Stop("escape", {});
    EXPECT_FALSE(is_running(escaped));
}

TEST_P(Processes, ACrashTakesTheRestWithItBeforeTheReplacement)
{
    load(escaping(""));
    const pid_t escaped = escaped_pid();
    kill_hard(only("escape").pid);
    wait_event([](const Event& one) { return one.event == "online" && one.number("generation") == 2; }, "the replacement");
    EXPECT_FALSE(is_running(escaped));
}

TEST_P(Processes, KillModeMainSparesThem)
{
    load(escaping(", kill_mode: main"));
    const pid_t escaped = escaped_pid();
    manager_->Stop("escape", {});
    EXPECT_TRUE(is_running(escaped));
    kill_hard(escaped);
    wait_gone(escaped);
}

TEST_P(Processes, AThousandLeaveNothing)
{
    load("apps: [{name: warm, script: sleep, args: [1000], instances: 2}]");
    manager_->Delete("warm", {});
    // What is kept of clusters for a later pmd, and its copy for the service manager, are there from the first one on.
    const auto keeps = [](const auto& open) { return open.second.starts_with("/memfd:node-state"); };
    if (on_systemd()) ask_until([&] { return std::ranges::count_if(open_descriptors(pmd_), keeps) == 2; }, "what is kept of clusters");
    const std::size_t memory = anonymous_kib(pmd_);
    const auto descriptors = open_descriptors(pmd_);
    const std::size_t children = children_of(pmd_).size();
    load("apps: [{name: many, script: sleep, args: [1000], instances: 1000}]");
    const auto instances = list("many");
    ASSERT_EQ(instances.size(), 1000U);
    EXPECT_TRUE(std::ranges::all_of(instances, [](const Instance& one) { return one.status == "online"; }));
    manager_->Restart("many", {});
    manager_->Delete("many", {});
    EXPECT_TRUE(list().empty());
    for (const Instance& one : instances) EXPECT_FALSE(is_running(one.pid));
    if (!ask_until([&] { return open_descriptors(pmd_).size() <= descriptors.size(); }, "closed descriptors"))
        for (const auto& [number, target] : open_descriptors(pmd_))
            if (!descriptors.contains(number)) ADD_FAILURE() << number << ": " << target;
    EXPECT_EQ(children_of(pmd_).size(), children) << "a zombie or a process is left";
    if (kInstrumented) return; // a sanitizer keeps freed memory to find its later use
    ask_until([&] { return anonymous_kib(pmd_) < memory + 2048; }, "pmd's memory"); // 5 MiB were used
}

TEST_P(Processes, CrashLoopsLeaveNothing)
{
    load("apps: [{name: bad, script: 'exit 1', instances: 20, max_restarts: 10}]", {{"wait", sdbus::Variant(false)}});
    process_until([&] { return std::ranges::all_of(list(), [](const Instance& one) { return one.status == "errored"; }); },
                  "all errored");
    manager_->Delete("all", {});
    EXPECT_EQ(children_of(pmd_).size(), on_systemd() ? 0U : 1U) << "only the private bus is left";
}

TEST_P(Processes, AnAppSeesOnlyItsOwnDescriptorsAndACleanSlate)
{
    dir_.write("look.py", "import os, signal\n"
                          "print('fds', sorted(int(f) for f in os.listdir('/proc/self/fd'))[:-1])\n"
                          "print('blocked', list(signal.pthread_sigmask(signal.SIG_BLOCK, [])))\n"
                          "print('pipe', open('/proc/self/status').read().split('SigIgn:')[1].split()[0])\n"
                          "print('session', os.getsid(0) == os.getpid(), os.getpgid(0) == os.getpid())\n"
                          "print('umask %o' % os.umask(0), 'nice', os.nice(0), flush=True)\n"
                          "signal.pause()\n");
    load("apps: [{name: look, script: look.py, umask: '027', nice: 5}]");
    sdbus::UnixFd log = manager_->OpenLog("look", {{"format", sdbus::Variant("raw")}});
    EXPECT_EQ(read_until(log.get(), "fds"), "fds [0, 1, 2]");
    manager_->Restart("look", {});
    read_until(log.get(), "umask 27 nice 5");
    const std::string text = read_file(dir_.path() + "/state/logs/look-0-out.log");
    EXPECT_NE(text.find("blocked []"), std::string::npos) << text;
    EXPECT_NE(text.find("session True True"), std::string::npos) << text;
}

TEST_P(Processes, AFileOfBracketsCostsLittleAndForAMomentOnly)
{
    load("apps: [{name: a, script: sleep, args: [1000]}]");
    const std::size_t before = anonymous_kib(pmd_);
    for (const char piece : {'[', '{', ','}) {
        const std::string text = "- [" + std::string((4u << 20) - 3, piece);
        const auto error = error_of([&] { load(text); });
        EXPECT_EQ(error.getName(), "org.pmd1.Error.InvalidSpec") << piece;
        EXPECT_NE(error.getMessage().find("512.0K"), std::string::npos) << error.getMessage();
    }
    if (kInstrumented) return; // a sanitizer keeps freed memory to find its later use
    EXPECT_LT(most_kib(pmd_), 200u << 10);
    ask_until([&] { return anonymous_kib(pmd_) < before + 4096; }, "pmd's memory");
}

TEST_P(Processes, WhatReadingALargeFileTookIsGivenBack)
{
    load("apps: [{name: a, script: sleep, args: [1000]}]");
    const std::size_t before = anonymous_kib(pmd_);
    std::string large = "apps:\n";
    for (int i = 0; i < 9'000; ++i) large += "  - {name: app" + std::to_string(i) + ", script: sleep, args: [1000], env: {A: b}}\n";
    for (int i = 0; i < 2; ++i) EXPECT_EQ(manager_->Plan(large, "/srv/app.yaml", {}).size(), 9'000U);
    if (kInstrumented) return;
    ask_until([&] { return anonymous_kib(pmd_) < before + 4096; }, "pmd's memory");
}

INSTANTIATE_TEST_SUITE_P(All, Processes, ::testing::Values(true, false),
                         [](const auto& one) { return one.param ? "Cgroups" : "Trees"; });

} // namespace
} // namespace pm::test
