// SPDX-License-Identifier: Apache-2.0
// What is replaced in time: by memory, by the clock.
#include "fixture.hpp"

#include <filesystem>
#include <fstream>

namespace pm::test {
namespace {

class UpkeepTest : public DaemonTest {};

/// Sixty-four megabytes that stay in memory, as nobody reads them; in a process that the shell starts.
constexpr const char* kLarge = "dd if=/dev/zero bs=64M count=1 2>/dev/null | sleep 1000";

TEST_F(UpkeepTest, WhatHoldsTooMuchMemoryIsReplaced)
{
    load(std::string("apps: [{name: large, script: \"") + kLarge + "\", max_memory_restart: 32M}, {name: small, script: sleep 1000, max_memory_restart: 32M}]");
    const Instance before = only("large");
    const Event event = wait_event("recycle", "large");
    EXPECT_EQ(event.pid(), before.pid);
    EXPECT_NE(event.text("reason").find("more than 32.0M (max_memory_restart)"), std::string::npos) << event.text("reason");
    wait_event("online", "large");
    EXPECT_NE(only("large").pid, before.pid);
    EXPECT_EQ(only("small").restarts, 0U);
}

TEST_F(UpkeepTest, WhatHasItsTimeIsReplacedAndWhatRestsIsLeft)
{
    load("apps: [{name: a, script: sleep 1000, cron_restart: '* * * * * *'}, {name: b, script: sleep 1000, cron_restart: '* * * * * *'}]");
    const Instance before = only("a");
    const Event event = wait_event("recycle", "a");
    EXPECT_NE(event.text("reason").find("cron_restart: * * * * * *"), std::string::npos) << event.text("reason");
    wait_event("online", "a");
    EXPECT_NE(only("a").pid, before.pid);
    manager_->Stop("a", {});
    for (int i = 0; i < 3; ++i) wait_event("recycle", "b"); // its time comes, and that of the other one with it
    EXPECT_EQ(only("a").status, "stopped");
}

TEST_F(UpkeepTest, TheKeysChangeWithoutARestart)
{
    load("apps: [{name: a, script: sleep 1000}]");
    const Instance before = only("a");
    load("apps: [{name: a, script: sleep 1000, max_memory_restart: 1G, cron_restart: '0 0 1 1 *'}]");
    EXPECT_EQ(only("a").pid, before.pid);
    App app(*connection_, "/org/pmd1/app/a");
    EXPECT_NE(app.Spec().find("max_memory_restart: 1073741824"), std::string::npos) << app.Spec();
    EXPECT_NE(app.Spec().find("cron_restart"), std::string::npos) << app.Spec();
    load("apps: [{name: a, script: sleep 1000, cron_restart: '* * * * * *'}]");
    EXPECT_EQ(only("a").pid, before.pid);
    EXPECT_EQ(wait_event("recycle", "a").pid(), before.pid);
}

TEST_F(UpkeepTest, TheNextPmdGoesOnWithIt)
{
    load("apps: [{name: a, script: sleep 1000, cron_restart: '* * * * * *'}]");
    upgrade();
    wait_event("recycle", "a");
}

TEST_F(UpkeepTest, AReplacementThatFailsIsNotTriedAtOnceAgain)
{
    const std::string script = dir_.write("app.sh", "#!/bin/sh\n[ -e " + dir_.path() + "/bad ] && exit 3\n" + std::string(kLarge) + "\n", 0755);
    load("apps: [{name: a, script: " + script + ", max_memory_restart: 32M, reload: {mode: rolling}, ready: started, min_uptime: 300ms}, "
         "{name: tick, script: sleep 1000, cron_restart: '* * * * * *'}]");
    dir_.write("bad", "");
    wait_event("recycle", "a");
    const pid_t pid = only("a").pid;
    wait_event("reload-failed", "a");
    manager_->events.clear();
    for (int i = 0; i < 6; ++i) wait_event("recycle", "tick"); // it was looked at twice meanwhile
    EXPECT_EQ(only("a").pid, pid);
    EXPECT_EQ(only("a").status, "online");
}

/// Apps whose files are watched, in a directory of their own.
class FilesTest : public DaemonTest {
protected:
    void SetUp() override
    {
        DaemonTest::SetUp();
        std::filesystem::create_directories(root() + "/src");
        put("src/a.js", "1");
    }
    [[nodiscard]] std::string root() const { return dir_.path() + "/app"; }
    void put(const std::string& name, const std::string& text) const { std::ofstream(root() + "/" + name) << text; }
    [[nodiscard]] std::string app(const std::string& more, const std::string& script = "sleep 1000", const std::string& delay = "50ms") const
    {
        return "{name: a, script: '" + script + "', cwd: " + root() + ", watch_delay: " + delay + ", " + more + "}";
    }
    /// Until the files of the app are watched in so many directories.
    void until_watched(std::uint64_t directories)
    {
        App object(*connection_, "/org/pmd1/app/a");
        ask_until([&] { return object.WatchedDirectories() == directories; }, std::to_string(directories) + " watched directories");
    }
    void until_status(const std::string& status)
    {
        ask_until([&] { return only("a").status == status; }, status);
    }
    /// Changes the file, and waits for what comes of it.
    std::string reason_of_change(const std::string& name)
    {
        put(name, "changed");
        return wait_event("recycle", "a").text("reason");
    }
};

TEST_F(FilesTest, WhatHasChangedFilesIsReplaced)
{
    load(app("watch: [src]"));
    until_watched(1);
    const Instance before = only("a");
    put("b.js", "not watched");
    EXPECT_EQ(reason_of_change("src/a.js"), "'src/a.js' changed (watch)");
    wait_event("online", "a");
    EXPECT_NE(only("a").pid, before.pid);
    EXPECT_EQ(only("a").restarts, 1U);
}

TEST_F(FilesTest, ManyChangesReplaceOnce)
{
    load(app("watch: true", "sleep 1000", "1s")); // longer than writing them takes
    until_watched(2);
    for (int i = 0; i < 50; ++i) put("src/" + std::to_string(i), "x");
    EXPECT_NE(wait_event("recycle", "a").text("reason").find("more changed (watch)"), std::string::npos);
    wait_event("online", "a");
    const pid_t pid = only("a").pid;
    load("{name: tick, script: sleep 1000, cron_restart: '* * * * * *'}");
    for (int i = 0; i < 2; ++i) wait_event("recycle", "tick");
    EXPECT_EQ(only("a").pid, pid);
}

TEST_F(FilesTest, WhatCommandsStoppedIsNotWatchedAndWhatCrashedIs)
{
    put("fails", "");
    error_of([&] { load(app("watch: [src], max_restarts: 1", "sh -c \"test ! -e fails && exec sleep 1000; exit 3\"")); });
    until_status("errored");
    until_watched(1);
    std::filesystem::remove(root() + "/fails");
    reason_of_change("src/a.js");
    until_status("online");
    manager_->Stop("a", {});
    until_watched(0);
    put("src/a.js", "changed while it is stopped");
    manager_->Start("a", {});
    until_watched(1);
    const pid_t pid = only("a").pid;
    reason_of_change("src/a.js");
    wait_event("online", "a");
    EXPECT_NE(only("a").pid, pid);
}

TEST_F(FilesTest, WhatEndedByItselfRunsAgainUntilItIsStopped)
{
    error_of([&] { load(app("watch: [src], autorestart: false", "sh -c \"echo run >>runs\"")); });
    until_status("stopped");
    until_watched(1);
    reason_of_change("src/a.js");
    wait_event("exit", "a");
    until_status("stopped");
    upgrade();
    until_watched(1);
    reason_of_change("src/a.js");
    wait_event("exit", "a");
    manager_->Stop("a", {});
    until_watched(0);
}

TEST_F(FilesTest, WatchingIsSwitchedOnAndOff)
{
    load(app("autostart: true"));
    App object(*connection_, "/org/pmd1/app/a");
    EXPECT_FALSE(object.Watches());
    manager_->Watch("a", true);
    EXPECT_TRUE(object.Watches());
    until_watched(2);
    reason_of_change("src/a.js");
    manager_->Watch("all", false);
    until_watched(0);
    EXPECT_THROW(manager_->Watch("nobody", true), sdbus::Error);
}

TEST_F(FilesTest, TheProcessThatWatchesIsReplacedWhenItIsKilled)
{
    load(app("watch: [src]"));
    until_watched(1);
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
        std::string name;
        std::ifstream(entry.path() / "comm") >> name;
        std::string parent;
        std::ifstream status(entry.path() / "status");
        for (std::string line; std::getline(status, line);)
            if (line.starts_with("PPid:\t")) parent = line.substr(6);
        if (name == "pm-watch" && parent == std::to_string(pmd_)) kill(std::stoi(entry.path().filename()), SIGKILL);
    }
    until_watched(0);
    until_watched(1);
    reason_of_change("src/a.js");
}

/// Apps that are healthy while a file is there.
class LivenessTest : public DaemonTest {
protected:
    void SetUp() override
    {
        DaemonTest::SetUp();
        well(true);
    }
    void well(bool is) const
    {
        const std::string file = dir_.path() + "/well";
        if (is) std::ofstream(file) << "";
        else std::filesystem::remove(file);
    }
    [[nodiscard]] std::string app(const std::string& health, const std::string& more = "") const
    {
        return "{name: a, script: sleep 1000, cwd: " + dir_.path() + ", ready: started" + more + ", health: {exec: 'test -e well', interval: 100ms, " + health + "}}";
    }
};

TEST_F(LivenessTest, WhatIsUnhealthyIsReplaced)
{
    load(app("retries: 2"));
    const Instance before = only("a");
    well(false);
    const Event event = wait_event("unhealthy", "a");
    EXPECT_EQ(event.pid(), before.pid);
    EXPECT_NE(event.text("reason").find(" (2 checks in a row)"), std::string::npos) << event.text("reason");
    EXPECT_NE(wait_event("recycle", "a").text("reason").find("unhealthy: "), std::string::npos);
    well(true);
    wait_event("online", "a");
    EXPECT_NE(only("a").pid, before.pid);
    EXPECT_EQ(only("a").status, "online");
}

TEST_F(LivenessTest, OrOnlyToldAndHealthyAgainLater)
{
    load(app("retries: 1, success_threshold: 2, on_unhealthy: none"));
    const Instance before = only("a");
    well(false);
    wait_event("unhealthy", "a");
    EXPECT_EQ(only("a").status, "unhealthy");
    EXPECT_NE(only("a").reason.find("test: "), std::string::npos) << only("a").reason;
    upgrade(); // it is looked at anew
    wait_event("unhealthy", "a");
    well(true);
    wait_event("healthy", "a");
    EXPECT_EQ(only("a").status, "online");
    EXPECT_EQ(only("a").pid, before.pid);
}

TEST_F(LivenessTest, OneThatStaysUnhealthyIsNotReplacedAllTheTime)
{
    load(app("retries: 1, on_unhealthy: restart") + "\n");
    load("{name: tick, script: sleep 1000, cron_restart: '* * * * * *'}");
    well(false);
    wait_event("recycle", "a");
    wait_event("unhealthy", "a"); // the next one, too
    manager_->events.clear();
    for (int i = 0; i < 3; ++i) wait_event("recycle", "tick");
    EXPECT_EQ(only("a").restarts, 1U);
    EXPECT_EQ(only("a").status, "unhealthy");
}

TEST_F(LivenessTest, FailuresDoNotCountAtFirstNorWhereNobodyAsks)
{
    well(false);
    load(app("retries: 1, start_period: 1h"));
    load("{name: b, script: sleep 1000, ready: started, health: {exec: 'false', interval: 100ms, retries: 0}}");
    load("{name: tick, script: sleep 1000, cron_restart: '* * * * * *'}");
    for (int i = 0; i < 2; ++i) wait_event("recycle", "tick");
    EXPECT_EQ(only("a").status, "online");
    EXPECT_EQ(only("b").status, "online");
    EXPECT_EQ(only("a").restarts + only("b").restarts, 0U);
}

TEST_F(LivenessTest, AServerThatHangsIsReplaced)
{
    const std::string script = dir_.write("server.py", "import http.server, os\nhttp.server.HTTPServer(('127.0.0.1', int(os.environ['PORT'])), http.server.SimpleHTTPRequestHandler).serve_forever()\n");
    load("{name: web, script: python3 " + script + ", cwd: " + dir_.path() + ", port: " + std::to_string(free_port()) +
         ", kill_timeout: 100ms, health: {http: 'http://127.0.0.1:$PORT/', interval: 100ms, timeout: 500ms, retries: 2}}");
    const pid_t pid = only("web").pid;
    kill(pid, SIGSTOP);
    wait_event("unhealthy", "web");
    wait_event("online", "web");
    EXPECT_NE(only("web").pid, pid);
    wait_gone(pid);
}

} // namespace
} // namespace pm::test
