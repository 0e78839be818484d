// SPDX-License-Identifier: Apache-2.0
// What is replaced in time: by memory, by the clock.
#include "fixture.hpp"

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

} // namespace
} // namespace pm::test
