// SPDX-License-Identifier: Apache-2.0
// What is written of an app reads back as it was, and what was damaged is refused and told.
#include "daemon/boot.hpp"
#include "daemon/state_text.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <unistd.h>

namespace pm::daemon {
namespace {

using namespace std::chrono_literals;
using model::ExitInfo;

engine::SavedInstance instance_in(engine::State state)
{
    engine::SavedInstance instance;
    instance.id.value = 7;
    instance.slot.value = 2;
    instance.machine = {std::move(state), base::Generation{41}, {3, model::TimePoint(5s), 150ms, 225ms}};
    instance.pid = 1234;
    instance.reason = "restarted after \"SIGKILL\" \xff";
    instance.since = model::WallTime(99s);
    instance.restarts = 12;
    instance.last_exit = ExitInfo{.kind = ExitInfo::Kind::Signaled, .cause = ExitInfo::Cause::OutOfMemory, .code = 9};
    return instance;
}

engine::SavedApp app_with(std::vector<engine::SavedInstance> instances)
{
    auto spec = std::make_shared<model::AppSpec>();
    spec->name = "a-b";
    spec->script = "/srv/web/server.js";
    spec->cwd = "/srv/web";
    spec->env = {{"KEY", "va\"lue\n"}};
    spec->env_from_caller = true;
    spec->kill_signal = SIGINT;
    return {spec, "/srv/web/app.yaml", 1000, model::WallTime(7s), 3, std::move(instances)};
}

TEST(StateText, EveryStateReadsBack)
{
    engine::Stopping stopping{engine::Then::Again, model::TimePoint(1s), model::TimePoint(2s), policy::Cause::Policy, 7s, 2, model::TimePoint(3s)};
    stopping.ended = engine::Ended{{.kind = ExitInfo::Kind::LaunchFailed, .stage = model::LaunchStage::Umask, .detail = "d"}, model::TimePoint(4s)};
    const engine::State states[] = {engine::Stopped{},
                                    engine::Errored{},
                                    engine::Waiting{},
                                    engine::Backoff{model::TimePoint(1s)},
                                    engine::Starting{model::TimePoint(1s), model::TimePoint(2s), policy::Cause::Policy, true, true, false, true, false, "answered 503"},
                                    engine::Online{model::TimePoint(1s), policy::Cause::Command},
                                    stopping};
    for (const engine::State& state : states) {
        const engine::SavedApp app = app_with({instance_in(state)});
        const std::string text = to_text(app);
        EXPECT_EQ(text.find('\n'), std::string::npos) << "the saved list has one app a line";
        const auto read = saved_app_from(text);
        ASSERT_TRUE(read) << read.error().message;
        EXPECT_EQ(to_text(*read), text);
        EXPECT_EQ(*read->spec, *app.spec);
        EXPECT_EQ(read->instances.at(0).machine.state.index(), state.index());
        EXPECT_EQ(read->instances.at(0).machine.history, app.instances.at(0).machine.history);
        EXPECT_EQ(read->instances.at(0).last_exit, app.instances.at(0).last_exit);
    }
}

TEST(StateText, WhatAProcessWasStartedWithIsKeptBesideANewerSpec)
{
    engine::SavedApp app = app_with({instance_in(engine::Online{})});
    auto older = std::make_shared<model::AppSpec>(*app.spec);
    older->kill_signal = SIGTERM;
    app.instances.at(0).running = older;
    const auto read = saved_app_from(to_text(app));
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(*read->instances.at(0).running, *older);
}

TEST(StateText, AnOlderSpecIsWrittenOnceForAllProcesses)
{
    engine::SavedApp app = app_with(std::vector<engine::SavedInstance>(20, instance_in(engine::Online{})));
    auto older = std::make_shared<model::AppSpec>(*app.spec);
    older->env = {{"LONG", std::string(10'000, 'x')}};
    for (auto& instance : app.instances) instance.running = older;
    const std::string text = to_text(app);
    EXPECT_LT(text.size(), 30'000U);
    const auto read = saved_app_from(text);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(*read->instances.at(19).running, *older);
    EXPECT_EQ(read->instances.at(19).running, read->instances.at(0).running);
}

TEST(StateText, AnyEnvironmentReadsBack)
{
    engine::SavedApp app = app_with({instance_in(engine::Online{})});
    auto spec = std::make_shared<model::AppSpec>(*app.spec);
    spec->env = {{"KEY", "va\"lue\n\x01 \xc3\xa9"}, {"PORT", "8000"}, {"EMPTY", ""}};
    spec->serving.ready = model::ReadyWhen::Probe;
    spec->health.emplace();
    spec->health->target.kind = model::HealthTarget::Kind::Tcp;
    spec->health->target.host = "127.0.0.1";
    spec->health->target.port_variable = "PORT";
    app.spec = spec;
    const auto read = saved_app_from(to_text(app));
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->spec->env, spec->env);
}

TEST(StateText, WhatWasWatchedIsKnownAlsoWhileThatIsSwitchedOff)
{
    engine::SavedApp app = app_with({instance_in(engine::Stopped{})});
    auto spec = std::make_shared<model::AppSpec>(*app.spec);
    spec->upkeep.watch.paths = {"src", "lib/**/*.js"};
    spec->upkeep.watch.ignore = {"*.tmp"};
    for (const bool on : {true, false}) {
        spec->upkeep.watch.on = on;
        app.spec = spec;
        const auto read = saved_app_from(to_text(app));
        ASSERT_TRUE(read) << read.error().message;
        EXPECT_EQ(read->spec->upkeep.watch, spec->upkeep.watch) << on;
    }
}

TEST(StateText, WhatAnEarlierVersionWroteIsRead)
{
    std::string text = to_text(app_with({instance_in(engine::Online{})}));
    text.replace(text.find("\"version\":2"), 11, "\"version\":1");
    EXPECT_TRUE(saved_app_from(text));
    text.replace(text.find("\"version\":1"), 11, "\"version\":3");
    EXPECT_FALSE(saved_app_from(text));
}

TEST(StateText, DamageIsAnErrorAndNothingElse)
{
    const std::string whole = to_text(app_with({instance_in(engine::Online{})}));
    for (std::size_t length = 0; length < whole.size(); length += 7) EXPECT_FALSE(saved_app_from(whole.substr(0, length)));
    for (std::string text : {std::string("{}"), std::string("[]"), std::string("\0\0", 2), std::string(5000, '[')}) EXPECT_FALSE(saved_app_from(text));
    std::string other = whole;
    other.replace(other.find("\"online\""), 8, "\"onlyne\"");
    EXPECT_FALSE(saved_app_from(other));
}

TEST(SavedList, AppsAreLeftOutByName)
{
    engine::SavedApp stopped = app_with({instance_in(engine::Stopped{})});
    auto spec = std::make_shared<model::AppSpec>(*stopped.spec);
    spec->name = "other";
    stopped.spec = spec;
    const std::string list = to_list({app_with({instance_in(engine::Online{})}), stopped});
    const auto [apps, faults] = read_list(list);
    EXPECT_EQ(faults, std::vector<std::string>());
    ASSERT_EQ(apps.size(), 2U);
    EXPECT_TRUE(apps.at(0).start);
    EXPECT_FALSE(apps.at(1).start) << "what was stopped stays so";
    EXPECT_EQ(apps.at(1).owner, 1000U);
    const auto rest = read_list(without(list, "a-b"));
    EXPECT_EQ(rest.faults, std::vector<std::string>());
    ASSERT_EQ(rest.apps.size(), 1U);
    EXPECT_EQ(rest.apps.at(0).spec.name, "other");
}

TEST(SavedList, WhatIsMissingOfADamagedOneIsTold)
{
    const std::string list = to_list({app_with({instance_in(engine::Online{})}), app_with({instance_in(engine::Stopped{})})});
    const std::size_t first = list.find('\n') + 1;
    const std::size_t second = list.find('\n', first) + 1;
    EXPECT_EQ(read_list(list).faults, std::vector<std::string>());
    EXPECT_EQ(read_list(list.substr(first)).faults, std::vector<std::string>()) << "an earlier pmd wrote no line that counts";
    EXPECT_EQ(read_list(to_list({})).faults, std::vector<std::string>());
    const auto between_lines = read_list(list.substr(0, second));
    EXPECT_EQ(between_lines.apps.size(), 1U);
    EXPECT_EQ(between_lines.faults, std::vector<std::string>{"it ends after 1 of 2 apps"});
    const auto in_a_line = read_list(list.substr(0, list.size() - 40));
    EXPECT_EQ(in_a_line.apps.size(), 1U);
    ASSERT_EQ(in_a_line.faults.size(), 1U);
    EXPECT_TRUE(in_a_line.faults.at(0).starts_with("line 3 cannot be read: it is no JSON, or was cut")) << in_a_line.faults.at(0);
    EXPECT_EQ(read_list("garbage").faults.size(), 1U);
    EXPECT_EQ(read_list("").faults, std::vector<std::string>{"it is empty"});
    EXPECT_EQ(read_list(without(list.substr(0, second), "a-b")).faults, std::vector<std::string>{"it ends after 0 of 1 apps"}) << "a part stays lost";
}

TEST(AppsDirectory, AFaultyFileKeepsNobodyElse)
{
    const std::filesystem::path directory = std::filesystem::temp_directory_path() / ("pmd-apps-" + std::to_string(::getpid()));
    std::filesystem::create_directory(directory);
    const auto write = [&](const char* name, const char* text) { std::ofstream(directory / name) << text; };
    write("30-c.json", R"({"name": "c", "script": "./c.sh"})");
    write("10-a.yaml", "apps: [{name: a, script: ./a.sh}]");
    write("20-b.yml", "apps: [{name: b, script: b, restrat: 1}]");
    write("40-a.yaml", "apps: [{name: a, script: ./again.sh}]");
    write("notes.txt", "no app file");
    io::Log log;
    const auto apps = read_apps_directory(directory, {}, 5, log);
    std::filesystem::remove_all(directory);
    ASSERT_EQ(apps.size(), 2U);
    EXPECT_EQ(apps.at(0).spec.name, "a");
    EXPECT_EQ(apps.at(0).spec.cwd, directory);
    EXPECT_EQ(apps.at(0).origin, (directory / "10-a.yaml").string());
    EXPECT_EQ(apps.at(1).spec.name, "c");
    EXPECT_EQ(apps.at(1).owner, 5U);
    EXPECT_TRUE(read_apps_directory("/no/such/directory", {}, 0, log).empty());
}

} // namespace
} // namespace pm::daemon
