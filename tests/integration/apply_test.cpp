// SPDX-License-Identifier: Apache-2.0
// Loading a file, and loading it again.
#include "fixture.hpp"

#include <algorithm>

namespace pm::test {
namespace {

class Apply : public DaemonTest {
protected:
    std::string variable(const std::string& app, const std::string& key)
    {
        const auto all = DaemonTest::environment(only(app).id);
        const auto found = all.find(key);
        return found == all.end() ? "(unset)" : found->second;
    }
};

TEST_F(Apply, OnlyWhatChangedIsRestartedAndRemovedVariablesAreGone)
{
    load("apps: [{name: a, script: sleep, args: [1000], env: {X: 1, Y: 2}}, {name: b, script: sleep, args: [1000]}]");
    const pid_t a = only("a").pid, b = only("b").pid;
    EXPECT_EQ(variable("a", "Y"), "2");

    const std::string changed = "apps: [{name: a, script: sleep, args: [1000], env: {X: 3}},"
                                " {name: b, script: sleep, args: [1000]}, {name: c, script: sleep, args: [1000]}]";
    const auto plan = manager_->Plan(changed, dir_.path() + "/app.yaml", {});
    ASSERT_EQ(plan.size(), 3U);
    EXPECT_EQ(std::get<1>(plan[0]), "change");
    EXPECT_EQ(std::get<2>(plan[0]).find("env") != std::string::npos, true);
    EXPECT_EQ(std::get<1>(plan[1]), "keep");
    EXPECT_EQ(std::get<1>(plan[2]), "add");
    EXPECT_EQ(only("a").pid, a) << "a plan changes nothing";

    load(changed);
    EXPECT_NE(only("a").pid, a);
    EXPECT_EQ(variable("a", "X"), "3");
    EXPECT_EQ(variable("a", "Y"), "(unset)");
    EXPECT_EQ(only("b").pid, b);
    EXPECT_EQ(only("c").status, "online");
}

TEST_F(Apply, AChangedScriptIsTheOneThatRuns)
{
    load("apps: [{name: a, script: sleep, args: [1000]}]");
    load("apps: [{name: a, script: 'echo new script; exec sleep 1000'}]");
    sdbus::UnixFd log = manager_->OpenLog("a", {{"format", sdbus::Variant("raw")}});
    read_until(log.get(), "new script");
}

TEST_F(Apply, PruneRemovesWhatTheFileNoLongerHas)
{
    load("apps: [{name: a, script: sleep, args: [1000]}, {name: b, script: sleep, args: [1000]}]");
    manager_->Load("apps: [{name: other, script: sleep, args: [1000]}]", "/elsewhere.yaml", {});
    load("apps: [{name: a, script: sleep, args: [1000]}]");
    EXPECT_EQ(list().size(), 3U);
    load("apps: [{name: a, script: sleep, args: [1000]}]", {{"prune", sdbus::Variant(true)}});
    process_until([&] { return list().size() == 2; }, "b's end");
    EXPECT_EQ(only("other").status, "online");
}

TEST_F(Apply, AFileIsTheSameOriginHoweverItsPathIsWritten)
{
    const std::string path = dir_.write("app.yaml", "- {name: a, script: sleep, args: [1000]}\n- {name: b, script: sleep, args: [1000]}");
    manager_->LoadFile(dir_.path() + "/./app.yaml", {});
    dir_.write("app.yaml", "- {name: a, script: sleep, args: [1000]}");
    manager_->LoadFile(path, {{"prune", sdbus::Variant(true)}});
    process_until([&] { return list().size() == 1; }, "b's end");
}

TEST_F(Apply, AFileWithFaultsChangesNothingAndTellsThemAll)
{
    const auto error = error_of([&] {
        load("apps:\n  - name: good\n    script: sleep\n  - name: bad\n    script: sleep\n    restrat_delay: 5\n"
             "    instances: lots\n");
    });
    EXPECT_EQ(error.getName(), "org.pmd1.Error.InvalidSpec");
    EXPECT_NE(error.getMessage().find("app.yaml:6:5: "), std::string::npos) << error.getMessage();
    EXPECT_NE(error.getMessage().find("restart_delay"), std::string::npos) << error.getMessage();
    EXPECT_NE(error.getMessage().find("app.yaml:7:16: "), std::string::npos) << error.getMessage();
    EXPECT_TRUE(list().empty());
}

TEST_F(Apply, ScalingInTheFileKeepsTheRunningOnes)
{
    load("apps: [{name: a, script: sleep, args: [1000]}]");
    const pid_t first = only("a").pid;
    load("apps: [{name: a, script: sleep, args: [1000], instances: 3}]");
    const auto instances = list("a");
    ASSERT_EQ(instances.size(), 3U);
    EXPECT_EQ(instances[0].pid, first);
}

TEST_F(Apply, TheEnvironmentIsWhatTheFileSaysOnASmallBase)
{
    setenv("PMD_TEST_LEAK", "1", 1);
    load("apps: [{name: a, script: sleep, args: [1000], env: {MINE: yes}, instances: 2, increment_var: PORT, port: 4000}]");
    unsetenv("PMD_TEST_LEAK");
    const auto second = environment(list("a")[1].id);
    std::vector<std::string> names;
    for (const auto& [name, value] : second) names.push_back(name);
    for (const char* expected : {"MINE", "PORT", "NODE_APP_INSTANCE", "PM_NAME", "PM_ID", "PM_INSTANCE", "PM_NAMESPACE",
                                 "PM_GENERATION", "name", "pm_id", "PATH", "HOME"})
        EXPECT_TRUE(std::ranges::count(names, expected) == 1) << expected;
    EXPECT_EQ(second.at("NODE_APP_INSTANCE"), "1");
    EXPECT_EQ(second.at("PORT"), "4001");
    for (const char* leak : {"PMD_TEST_LEAK", "NOTIFY_SOCKET", "DBUS_SESSION_BUS_ADDRESS"})
        EXPECT_EQ(second.count(leak), 0U) << leak;
}

TEST_F(Apply, ValuesOfTheEnvironmentComeBackAsTheyAre)
{
    load("apps: [{name: a, script: sleep, args: [1000], env: {KEY: \"one\\ntwo\\t\\e[1m\"}}]");
    EXPECT_EQ(environment(only("a").id).at("KEY"), "one\ntwo\t\x1b[1m");
}

TEST_F(Apply, ProfilesAndOnlyAreHonoured)
{
    load("apps: [{name: a, script: sleep, args: [1000], env: {MODE: dev, KEEP: 1}, env_production: {MODE: prod}},"
         " {name: b, script: sleep, args: [1000]}]",
         {{"profile", sdbus::Variant("production")}, {"only", sdbus::Variant(std::vector<std::string>{"a"})}});
    EXPECT_EQ(list().size(), 1U);
    EXPECT_EQ(variable("a", "MODE"), "prod");
    EXPECT_EQ(variable("a", "KEEP"), "1");
}

TEST_F(Apply, LoadFileReadsAFileAndRefusesWhatIsNone)
{
    const std::string path = dir_.write("apps/x.yaml", "script: ./run.sh\nname: x\n");
    dir_.write("apps/run.sh", "#!/bin/sh\nexec sleep 1000\n", 0755);
    manager_->LoadFile(path, {});
    EXPECT_EQ(only("x").status, "online");
    EXPECT_NE(error_of([&] { manager_->LoadFile("/nope.yaml", {}); }).getMessage().find("No such file"), std::string::npos);
    EXPECT_NE(error_of([&] { manager_->LoadFile("/dev/zero", {}); }).getMessage().find("not a regular file"),
              std::string::npos);
}

} // namespace
} // namespace pm::test
