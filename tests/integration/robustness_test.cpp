// SPDX-License-Identifier: Apache-2.0
// What clients, buses and floods do to pmd: nothing.
#include "fixture.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <fstream>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

namespace pm::test {
namespace {

class Robustness : public DaemonTest {
protected:
    base::Fd raw_client()
    {
        base::Fd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, (dir_.path() + "/run/bus").c_str(), sizeof address.sun_path - 1);
        EXPECT_EQ(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
        return fd;
    }
    pid_t bus_pid()
    {
        for (const pid_t child : children_of(pmd_)) {
            std::ifstream comm("/proc/" + std::to_string(child) + "/comm");
            std::string name;
            std::getline(comm, name);
            if (name == "dbus-daemon") return child;
        }
        return 0;
    }
};

TEST_F(Robustness, GarbageAndSilenceOnTheBusHarmNobody)
{
    if (on_systemd()) GTEST_SKIP() << "about the private bus of an embedded pmd";
    const base::Fd silent = raw_client();
    const base::Fd noisy = raw_client();
    const std::string garbage(100'000, '\xff');
    [[maybe_unused]] const ssize_t sent = send(noisy.get(), garbage.data(), garbage.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    load("apps: [{name: a, script: sleep, args: [1000]}]");
    EXPECT_EQ(only("a").status, "online");
}

TEST_F(Robustness, WrongArgumentsAreNamedErrors)
{
    const auto call = [&](const std::string& method, const Options& options) {
        return error_of([&] {
            manager_->getProxy().callMethod(method).onInterface("org.pmd1.Manager").withArguments("all", options);
        });
    };
    EXPECT_EQ(call("Stop", {{"wait", sdbus::Variant(std::string("yes"))}}).getName(), "org.pmd1.Error.InvalidArgument");
    EXPECT_EQ(call("Stop", {{"wiat", sdbus::Variant(true)}}).getName(), "org.pmd1.Error.InvalidArgument");
    EXPECT_NE(call("OpenLog", {{"stream", sdbus::Variant(std::string("both"))}}).getMessage().find("'out' or 'err'"), std::string::npos);
    EXPECT_EQ(error_of([&] { manager_->getProxy().callMethod("Stop").onInterface("org.pmd1.Manager").withArguments(1); })
                  .getName(),
              "org.freedesktop.DBus.Error.InvalidArgs");
    EXPECT_EQ(error_of([&] { manager_->getProxy().callMethod("Nope").onInterface("org.pmd1.Manager"); }).getName(),
              "org.freedesktop.DBus.Error.UnknownMethod");
    EXPECT_TRUE(list().empty());
}

TEST_F(Robustness, AHugeFileAndAMillionEntriesAreRefused)
{
    const auto huge = error_of([&] { load(std::string(5u << 20, ' ')); });
    EXPECT_EQ(huge.getName(), "org.pmd1.Error.LimitExceeded");
    std::string many = "[";
    for (int i = 0; i < 300'000; ++i) many += "{script: a},";
    many += "]";
    EXPECT_FALSE(error_of([&] { load(many); }).getName().empty());
    EXPECT_FALSE(error_of([&] { load(std::string(100'000, '[')); }).getName().empty());
    EXPECT_FALSE(error_of([&] { load("apps: [{script: a, instances: 100000000}]"); }).getName().empty());
    EXPECT_TRUE(list().empty());
}

TEST_F(Robustness, AnAppThatIsDeletedAndLoadedInOneBreathIsOnTheBus)
{
    load("apps: [{name: a, script: sleep, args: [1000]}]");
    manager_->Stop("a", {});
    const auto deleted = call_later("Delete", "a");
    EXPECT_EQ(load("apps: [{name: a, script: sleep, args: [1000]}]").size(), 1U); // before Delete is answered
    process_until([&] { return deleted->ended; }, "the answer to Delete");
    EXPECT_EQ(deleted->error_name, "");
    App app(*connection_, "/org/pmd1/app/a");
    EXPECT_EQ(app.Status(), "online");
    process_until([&] { return manager_->added.size() == 2 && manager_->removed.size() == 1; }, "both signals");
}

TEST_F(Robustness, ACallerWithTooManyCallsIsTold)
{
    dir_.write("pmd.yaml", common_settings() + "max_calls_per_caller: 3\n");
    end_daemon(SIGTERM);
    start_daemon({"--config", dir_.path() + "/pmd.yaml"});
    load("apps: [{name: stubborn, script: \"trap '' TERM; echo ready; exec sleep 1000\", "
         "kill_timeout: 30s}]");
    sdbus::UnixFd log = manager_->OpenLog("stubborn", {{"format", sdbus::Variant("raw")}});
    read_until(log.get(), "ready");
    const pid_t stubborn = only("stubborn").pid;
    std::vector<std::shared_ptr<Pending>> calls;
    for (int i = 0; i < 5; ++i) calls.push_back(call_later("Stop", "stubborn"));
    process_until([&] { return std::ranges::count_if(calls, [](auto& one) { return one->ended; }) == 2; }, "two refusals");
    for (const auto& call : calls)
        if (call->ended) { EXPECT_EQ(call->error_name, "org.pmd1.Error.Busy"); }
    kill_hard(stubborn); // a call would be one too many
    process_until([&] { return std::ranges::all_of(calls, [](auto& one) { return one->ended; }); }, "all ends");
    manager_->Start("stubborn", {}); // the places are free again
}

TEST_F(Robustness, AClientThatLeavesInTheMiddleLeavesNothing)
{
    load("apps: [{name: stubborn, script: \"trap '' TERM; echo ready; exec sleep 1000\", "
         "kill_timeout: 200ms}]");
    {
        sdbus::UnixFd log = manager_->OpenLog("stubborn", {{"format", sdbus::Variant("raw")}});
        read_until(log.get(), "ready");
        const auto stop = call_later("Stop", "stubborn");
        process_until([&] { return only("stubborn").status == "stopping"; }, "stopping");
    }
    connect(); // the old connection, its call and its log reader are gone
    process_until([&] { return only("stubborn").status == "stopped"; }, "stopped");
}

TEST_F(Robustness, TheBusMayDieTheAppsRunOn)
{
    if (on_systemd()) GTEST_SKIP() << "about the private bus of an embedded pmd";
    load("apps: [{name: a, script: sleep, args: [1000]}]");
    const pid_t app = only("a").pid;
    load("apps: [{name: slow, script: \"trap '' TERM; echo ready; exec sleep 1000\", kill_timeout: 30s}]");
    sdbus::UnixFd log = manager_->OpenLog("slow", {{"format", sdbus::Variant("raw")}});
    read_until(log.get(), "ready");
    const pid_t slow = only("slow").pid;
    const auto waits = call_later("Stop", "slow"); // will be answered to nobody
    EXPECT_EQ(only("slow").status, "stopping");
    const pid_t bus = bus_pid();
    ASSERT_GT(bus, 0);
    kill_hard(bus);
    wait_gone(bus);
    // pmd says on stderr when it is back; its socket is new then.
    const std::string line = "connected to the bus again";
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (read_file(stderr_path_).find(line) == std::string::npos && std::chrono::steady_clock::now() < deadline)
        sched_yield();
    connect();
    kill_hard(slow);
    process_until([&] { return only("slow").status == "stopped"; }, "the end of what was being stopped");
    EXPECT_EQ(only("a").pid, app);
    manager_->Restart("a", {});
    EXPECT_NE(only("a").pid, app);
}

TEST_F(Robustness, ASecondPmdLeavesTheFirstAlone)
{
    if (on_systemd()) GTEST_SKIP() << "about the private bus of an embedded pmd";
    const pid_t child = fork();
    if (child == 0) {
        execl(getenv("PMD_TEST_PMD"), "pmd", "--bus", "embedded", "--runtime-dir", (dir_.path() + "/run").c_str(),
              "--state-dir", (dir_.path() + "/state").c_str(), nullptr);
        _exit(127);
    }
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    EXPECT_EQ(manager_->Pid(), static_cast<uint32_t>(pmd_));
}

TEST_F(Robustness, KillNineOfPmdLeavesAPlaceWhereTheNextOneStarts)
{
    if (on_systemd()) GTEST_SKIP() << "about the private bus of an embedded pmd";
    const pid_t bus = bus_pid();
    kill(pmd_, SIGKILL);
    wait_daemon();
    wait_gone(bus); // the private bus ends with its pmd
    start_daemon();
    EXPECT_TRUE(list().empty());
}

TEST_F(Robustness, SighupReadsTheSettingsAgain)
{
    dir_.write("pmd.yaml", common_settings() + "log_level: info\n");
    end_daemon(SIGTERM);
    start_daemon({"--config", dir_.path() + "/pmd.yaml"});
    dir_.write("pmd.yaml", "max_apps: 1\n");
    kill(pmd_, SIGHUP);
    const auto two = [&] {
        return error_of([&] { load("[{name: a, script: sleep, args: [1000]}, {name: b, script: sleep, args: [1000]}]"); });
    };
    // The signal and our call race; what counts is that it takes effect.
    process_until([&] { return !two().getName().empty() || (manager_->Delete("all", {}), false); }, "the new limit");
    dir_.write("pmd.yaml", "max_apps: lots\nbus: usb\n");
    kill(pmd_, SIGHUP);
    EXPECT_EQ(error_of([&] { load("[{name: a, script: sleep, args: [1000]}]"); }).getName(), "")
        << "a faulty file must change nothing";
    const auto told = [&](const std::string& fault) {
        return read_file(stderr_path_).find("error: the settings were not changed: " + dir_.path() + "/pmd.yaml:" + fault) !=
               std::string::npos;
    };
    ask_until([&] { return told("1:11: max_apps") && told("2:6: bus"); }, "a line of the log for each fault");
}

TEST_F(Robustness, SighupLeavesTheCommandLineInForce)
{
    end_daemon(SIGTERM);
    start_daemon({"--log-level", "debug"});
    kill(pmd_, SIGHUP);
    ask_until([&] { return read_file(stderr_path_).find("settings read again") != std::string::npos; }, "the reload");
    manager_->events.clear();
    load("apps: [{name: b, script: sleep, args: [1000]}]");
    EXPECT_NE(read_file(stderr_path_).find("b-0: start"), std::string::npos) << "told at level debug only";
}

TEST_F(Robustness, DirectoriesAndLogsArePrivate)
{
    load("apps: [{name: a, script: 'echo hello; exec sleep 1000'}]");
    sdbus::UnixFd log = manager_->OpenLog("a", {{"format", sdbus::Variant("raw")}});
    read_until(log.get(), "hello");
    for (const std::string part : {"/run", "/state", "/state/logs", "/state/logs/a-0-out.log"}) {
        struct stat status {};
        ASSERT_EQ(stat((dir_.path() + part).c_str(), &status), 0) << part;
        EXPECT_EQ(status.st_mode & 077, 0U) << part;
    }
}

TEST_F(Robustness, IntrospectionAndTheObjectManagerTellEverything)
{
    load("apps: [{name: my app, script: sleep, args: [1000]}]");
    App app(*connection_, "/org/pmd1/app/my_20app");
    EXPECT_EQ(app.Name(), "my app");
    EXPECT_EQ(app.Status(), "online");
    EXPECT_NE(app.Spec().find("sleep"), std::string::npos);
    ASSERT_EQ(app.Instances().size(), 1U);
    ASSERT_EQ(app.LogFiles().size(), 1U);
    app.Stop({});
    EXPECT_EQ(app.Status(), "stopped");
    process_until(
        [&] {
            return std::ranges::any_of(app.changes, [](const auto& names) { return std::ranges::count(names, "Status") > 0; });
        },
        "PropertiesChanged of Status");
    app.Delete({});
    process_until([&] { return !manager_->removed.empty(); }, "AppRemoved");
    EXPECT_EQ(error_of([&] { (void)app.Status(); }).getName(), "org.freedesktop.DBus.Error.UnknownObject");
    EXPECT_EQ(manager_->Scope(), on_systemd() ? "system" : "embedded");
    EXPECT_EQ(manager_->Launcher(), on_systemd() ? "systemd" : "direct");
}

} // namespace
} // namespace pm::test
