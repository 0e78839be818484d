// SPDX-License-Identifier: Apache-2.0
// Apps come, run, end and go: by command and by themselves.
#include <unistd.h>
#include "fixture.hpp"

#include <csignal>
#include <sys/wait.h>

namespace pm::test {
namespace {

class Lifecycle : public DaemonTest {};

TEST_F(Lifecycle, AnAppIsStartedListedStoppedStartedRestartedAndDeleted)
{
    const auto paths = load("apps: [{name: web, script: sleep, args: [1000], namespace: shop}]");
    ASSERT_EQ(paths, std::vector<sdbus::ObjectPath>{sdbus::ObjectPath("/org/pmd1/app/web")});
    const Instance first = only("web");
    EXPECT_EQ(first.status, "online");
    EXPECT_EQ(first.name_space, "shop");
    EXPECT_TRUE(is_running(first.pid));

    manager_->Stop("web", {});
    EXPECT_EQ(only("web").status, "stopped");
    EXPECT_EQ(only("web").pid, 0);
    EXPECT_FALSE(is_running(first.pid));
    manager_->Stop("web", {}); // again: nothing to do, no error

    manager_->Start("shop", {});
    const Instance second = only("web");
    EXPECT_EQ(second.status, "online");
    EXPECT_NE(second.pid, first.pid);
    manager_->Start("web", {});
    EXPECT_EQ(only("web").pid, second.pid) << "a start must leave what runs alone";

    manager_->Restart("web", {});
    EXPECT_NE(only("web").pid, second.pid);
    EXPECT_EQ(only("web").restarts, 1U);
    manager_->Reset("web", {});
    EXPECT_EQ(only("web").restarts, 0U);

    manager_->Delete("all", {});
    EXPECT_TRUE(list().empty());
    EXPECT_EQ(manager_->AppCount(), 0U);
}

TEST_F(Lifecycle, OnlyAnExitThatNobodyAskedForIsAWarning)
{
    load("apps: [{name: web, script: sleep, args: [1000], instances: 3}]");
    manager_->Restart("web", {});
    manager_->Scale("web", "2");
    manager_->Stop("0", {});
    manager_->Delete("0", {});
    EXPECT_NE(read_file(stderr_path_).find("web-0: exit"), std::string::npos);
    EXPECT_EQ(read_file(stderr_path_).find("warning: web"), std::string::npos) << read_file(stderr_path_);
    load("apps: [{name: web, script: sleep, args: [1000]}]");
    kill_hard(only("web").pid);
    wait_event([](const Event& at) { return at.event == "exit" && at.number("exit-code") == SIGKILL; }, "its exit");
    EXPECT_NE(read_file(stderr_path_).find("warning: web-1: exit"), std::string::npos) << read_file(stderr_path_);
}

TEST_F(Lifecycle, AKilledAppIsReplacedWithItsReason)
{
    load("apps: [{name: web, script: sleep, args: [1000]}]");
    wait_event("online", "web");
    const Instance before = only("web");
    kill_hard(before.pid);
    const Event exit = wait_event("exit", "web");
    EXPECT_EQ(exit.text("exit-kind"), "signaled");
    EXPECT_EQ(exit.number("exit-code"), static_cast<uint64_t>(SIGKILL));
    const Event online = wait_event("online", "web");
    EXPECT_NE(online.pid(), before.pid);
    const Instance after = only("web");
    EXPECT_EQ(after.restarts, 1U);
    EXPECT_NE(after.reason.find("SIGKILL"), std::string::npos) << after.reason;
}

TEST_F(Lifecycle, ACrashLoopEndsErroredWithTheReasonAndCanBeStartedAgain)
{
    load("apps: [{name: bad, script: 'exit 7', max_restarts: 4}]", {{"wait", sdbus::Variant(false)}});
    const Event errored = wait_event("errored", "bad");
    EXPECT_EQ(errored.number("exit-code"), 7U);
    const Instance bad = only("bad");
    EXPECT_EQ(bad.status, "errored");
    EXPECT_NE(bad.reason.find("exit code 7"), std::string::npos) << bad.reason;
    EXPECT_EQ(bad.restarts, 3U) << "max_restarts 4 means four exits";
    manager_->Start("bad", {{"wait", sdbus::Variant(false)}});
    wait_event("errored", "bad");
}

TEST_F(Lifecycle, KillNineInALoopEndsErrored)
{
    load("apps: [{name: web, script: sleep, args: [1000], max_restarts: 5, min_uptime: 1h}]");
    for (int i = 0; i < 4; ++i) kill_hard(wait_event("online", "web").pid());
    kill_hard(wait_event("online", "web").pid());
    wait_event("errored", "web");
    EXPECT_NE(only("web").reason.find("SIGKILL"), std::string::npos) << only("web").reason;
}

TEST_F(Lifecycle, StopExitCodesEndAnAppButASignalDoesNot)
{
    load("apps: [{name: loop, script: sleep, args: [1000], stop_exit_codes: [0]}]"); // online when this returns
    load("apps: [{name: job, script: 'read line; exit 0', stop_exit_codes: [0]}]", {{"wait", sdbus::Variant(false)}});
    wait_event("stop", "job");
    EXPECT_EQ(only("job").status, "stopped");
    kill_hard(only("loop").pid);
    wait_event([](const Event& one) { return one.event == "online" && one.app == "loop" && one.number("generation") == 2; },
               "the second loop");
}

TEST_F(Lifecycle, WithoutAutostartAnAppWaitsForItsStart)
{
    load("apps: [{name: later, script: sleep, args: [1000], autostart: false}]");
    EXPECT_EQ(only("later").status, "stopped");
    manager_->Start("later", {});
    EXPECT_EQ(only("later").status, "online");
}

TEST_F(Lifecycle, BackoffCanBeStoppedStartedAndRestarted)
{
    load("apps: [{name: slow, script: 'exit 1', restart_delay: 1h}]", {{"wait", sdbus::Variant(false)}});
    wait_event("exit", "slow");
    EXPECT_EQ(only("slow").status, "backoff");
    manager_->Stop("slow", {});
    EXPECT_EQ(only("slow").status, "stopped");
    manager_->Start("slow", {{"wait", sdbus::Variant(false)}});
    wait_event("exit", "slow");
    manager_->Restart("slow", {{"wait", sdbus::Variant(false)}});
    wait_event("exit", "slow");
    EXPECT_EQ(only("slow").status, "backoff");
}

TEST_F(Lifecycle, ASlowStopDelaysNobody)
{
    load("apps: [{name: stubborn, script: \"trap '' TERM; echo ready; exec sleep 1000\", "
         "kill_timeout: 30s}, {name: quick, script: sleep, args: [1000]}]");
    // The trap is in place once the line is in the log.
    sdbus::UnixFd log = manager_->OpenLog("stubborn", {{"format", sdbus::Variant("raw")}});
    read_until(log.get(), "ready");
    const pid_t quick = only("quick").pid;
    const auto stop = call_later("Stop", "stubborn");
    process_until([&] { return only("stubborn").status == "stopping"; }, "stopping");
    kill_hard(quick);
    wait_event([](const Event& one) { return one.event == "online" && one.app == "quick" && one.number("generation") == 2; },
               "quick's replacement");
    EXPECT_FALSE(stop->ended);
    EXPECT_EQ(only("stubborn").status, "stopping");
    manager_->Signal("stubborn", SIGKILL);
    process_until([&] { return stop->ended; }, "the end of the stop");
    EXPECT_EQ(stop->error_name, "");
}

TEST_F(Lifecycle, AfterKillTimeoutComesSigkill)
{
    load("apps: [{name: stubborn, script: \"trap '' TERM; echo ready; exec sleep 1000\", "
         "kill_timeout: 50ms}]");
    sdbus::UnixFd log = manager_->OpenLog("stubborn", {{"format", sdbus::Variant("raw")}});
    read_until(log.get(), "ready");
    manager_->Stop("stubborn", {});
    EXPECT_EQ(only("stubborn").status, "stopped");
    EXPECT_NE(only("stubborn").reason.find("SIGKILL"), std::string::npos) << only("stubborn").reason;
}

TEST_F(Lifecycle, AStopTakesAStartThatWaitsOver)
{
    load("apps: [{name: stubborn, script: \"trap '' TERM; echo ready; exec sleep 1000\", "
         "kill_timeout: 300ms}]");
    sdbus::UnixFd log = manager_->OpenLog("stubborn", {{"format", sdbus::Variant("raw")}});
    read_until(log.get(), "ready");
    const auto restart = call_later("Restart", "stubborn");
    const auto stop = call_later("Stop", "stubborn");
    process_until([&] { return restart->ended && stop->ended; }, "both ends");
    EXPECT_EQ(restart->error_name, "org.pmd1.Error.Superseded");
    EXPECT_EQ(stop->error_name, "");
    EXPECT_EQ(only("stubborn").status, "stopped");
}

TEST_F(Lifecycle, ScaleStartsAndStopsInstances)
{
    load("apps: [{name: web, script: sleep, args: [1000]}]");
    EXPECT_EQ(manager_->Scale("web", "4"), 4U);
    EXPECT_EQ(list("web").size(), 4U);
    EXPECT_EQ(manager_->Scale("web", "-1"), 3U);
    EXPECT_EQ(manager_->Scale("web", "+2"), 5U);
    EXPECT_EQ(manager_->Scale("web", "1"), 1U);
    EXPECT_EQ(only("web").slot, 0U);
    EXPECT_EQ(error_of([&] { manager_->Scale("web", "many"); }).getName(), "org.pmd1.Error.InvalidArgument");
}

TEST_F(Lifecycle, TargetsAreNamesNamespacesIdsAndPatterns)
{
    load("apps: [{name: echo-1, script: sleep, args: [1000], namespace: a}, {name: echo-2, script: sleep, args: [1000]},"
         " {name: echo-3, script: sleep, args: [1000]}, {name: '455', script: sleep, args: [1000]}]");
    manager_->Stop("/echo-[1,2]/", {});
    EXPECT_EQ(only("echo-1").status, "stopped");
    EXPECT_EQ(only("echo-3").status, "online");
    manager_->Start("a", {});
    EXPECT_EQ(only("echo-1").status, "online");
    manager_->Stop("455", {});
    EXPECT_EQ(only("455").status, "stopped");
    manager_->Stop("2", {});
    EXPECT_EQ(only("echo-3").status, "stopped");
    EXPECT_EQ(error_of([&] { manager_->Stop("nobody", {}); }).getName(), "org.pmd1.Error.NoSuchApp");
    EXPECT_EQ(error_of([&] { manager_->Stop("/(/", {}); }).getName(), "org.pmd1.Error.InvalidArgument");
}

TEST_F(Lifecycle, SignalsReachTheMainProcess)
{
    load("apps: [{name: web, script: \"trap 'echo got usr2' USR2; echo ready; while :; do sleep 1000 & wait; done\"}]");
    sdbus::UnixFd log = manager_->OpenLog("web", {{"format", sdbus::Variant("raw")}});
    read_until(log.get(), "ready");
    EXPECT_EQ(manager_->Signal("web", SIGUSR2), 1U);
    read_until(log.get(), "got usr2");
    EXPECT_EQ(error_of([&] { manager_->Signal("web", 99); }).getName(), "org.pmd1.Error.InvalidArgument");
}

TEST_F(Lifecycle, WithSystemdAppsOutlivePmdAndTheNextOneGoesOnWithThem)
{
    if (!on_systemd()) GTEST_SKIP() << "processes of this launcher are children of pmd";
    load("apps: [{name: web, script: sleep, args: [1000], instances: 3, env: {A: b}}]");
    manager_->Restart("web", {});
    const auto before = list();
    for (const int signal : {SIGTERM, SIGKILL}) {
        end_daemon(signal);
        start_daemon();
        const auto after = list();
        ASSERT_EQ(after.size(), before.size());
        for (std::size_t at = 0; at < after.size(); ++at) {
            EXPECT_EQ(after[at].pid, before[at].pid);
            EXPECT_EQ(after[at].status, "online");
            EXPECT_EQ(after[at].restarts, 1U);
        }
    }
    end_daemon(SIGTERM);
    kill_hard(before.front().pid);
    wait_gone(before.front().pid);
    start_daemon();
    process_until([&] { return list().front().restarts == 2; }, "the replacement of what ended meanwhile");
}

TEST_F(Lifecycle, SigtermStopsTheAppsAndEndsPmd)
{
    if (on_systemd()) GTEST_SKIP() << "units of systemd outlive pmd";
    load("apps: [{name: web, script: sleep, args: [1000], instances: 3}]");
    const auto instances = list();
    const int status = end_daemon(SIGTERM);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    for (const Instance& instance : instances) EXPECT_FALSE(is_running(instance.pid));
}

TEST_F(Lifecycle, ExitStopsTheAppsAnswersAndEndsPmd)
{
    load("apps: [{name: web, script: sleep, args: [1000]}]");
    const pid_t pid = only("web").pid;
    manager_->Exit({});
    EXPECT_FALSE(is_running(pid));
    const int status = wait_daemon();
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 10); // its service manager leaves it ended, pmd.service
    for (const char* file : {"/run/bus", "/run/bus.conf"}) EXPECT_NE(access((dir_.path() + file).c_str(), F_OK), 0) << file;
}

TEST_F(Lifecycle, ASecondExitWaitsForTheFirstAndAnAppIsGivenItsTime)
{
    load("apps: [{name: slow, script: \"trap '' TERM; echo ready; exec sleep 1000\", kill_timeout: 30s}]");
    sdbus::UnixFd log = manager_->OpenLog("slow", {{"format", sdbus::Variant("raw")}});
    read_until(log.get(), "ready");
    const pid_t pid = only("slow").pid;
    int answered = 0;
    for (int i = 0; i < 2; ++i)
        manager_->getProxy().callMethodAsync("Exit").onInterface("org.pmd1.Manager").withArguments(Options{}).uponReplyInvoke(
            [&](dbus::ReplyError error) { answered += error ? 100 : 1; });
    EXPECT_EQ(only("slow").status, "stopping"); // handled behind both
    EXPECT_TRUE(is_running(pid));
    kill_hard(pid);
    process_until([&] { return answered == 2; }, "both answers");
    wait_daemon();
}

} // namespace
} // namespace pm::test
