// SPDX-License-Identifier: Apache-2.0
#include "cli/view/describe.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace pm::cli
{
namespace
{

using Json = nlohmann::json;

AppInfo web()
{
    return {
        .name = "web",
        .name_space = "front",
        .owner = 7,
        .status = "online",
        .spec =
            "name: web\nscript: server.js\nargs: [--port, \"80\"]\ncwd: /srv\nkill_timeout: 5s\nrestart_delay: 2s\n",
        .created_at_usec = 1'000'000,
        .last_exits = {{0, "", 0}, {1, "exited", 3}},
        .log_files = {{0, "/log/out", ""}}};
}
Row running()
{
    return {.app = "web",
            .name_space = "front",
            .id = 4,
            .pid = 99,
            .status = "online",
            .uptime_usec = 2'000'000,
            .user = "x"};
}
Row stopped()
{
    return {.app = "web",
            .name_space = "front",
            .id = 5,
            .slot = 1,
            .status = "stopped",
            .reason = "by hand",
            .restarts = 2,
            .user = "x"};
}

/// The value behind `title`; "(none)" when there is no such line.
std::string line(const std::string& text, const std::string& title)
{
    const auto at = text.find(title + "  ");
    if (at == std::string::npos) return "(none)";
    const auto start = at + title.size() + 2;
    return text.substr(start, text.find('\n', start) - start);
}

TEST(LastExit, IsToldInWords)
{
    struct Case {
        LastExit last;
        const char* text;
    };
    for (const auto& [last, text] : {Case{{0, "exited", 3}, "exit code 3"},
                                     {{0, "signaled", 9}, "SIGKILL"},
                                     {{0, "launch-failed", 2}, "could not be started: No such file or directory"},
                                     {{0, "launch-failed", 0}, "could not be started"},
                                     {{0, "unknown", 0}, "gone, nobody knows how"},
                                     {{0, "", 0}, ""}})
        EXPECT_EQ(last_exit_text(last), text) << last.kind;
}

TEST(DescribeText, TellsWhatRuns)
{
    const std::string text = describe_text(running(), web(), {});
    struct Case {
        const char *title, *value;
    };
    for (const auto& [title, value] :
         {Case{"status", "online"},
          {"reason", "(none)"},
          {"name", "web"},
          {"namespace", "front"},
          {"id", "4 (slot 0)"},
          {"pid", "99"},
          {"uptime", "2s"},
          {"last exit", "(none)"},
          {"script", "server.js"},
          {"args", "--port 80"},
          {"cwd", "/srv"},
          {"stop", "SIGINT, SIGKILL after 5s"},
          {"stdout", "/log/out"},
          {"stderr", "not kept"},
          {"restart", "always, at most 16 times in a row when up for less than 1s, after 2s"}})
        EXPECT_EQ(line(text, title), value) << text;
}

TEST(DescribeText, TellsWhyNothingRuns)
{
    const std::string text = describe_text(stopped(), web(), {});
    struct Case {
        const char *title, *value;
    };
    for (const auto& [title, value] : {Case{"status", "stopped"},
                                       {"reason", "by hand"},
                                       {"pid", "-"},
                                       {"uptime", "-"},
                                       {"restarts", "2"},
                                       {"last exit", "exit code 3"},
                                       {"cpu", "(none)"},
                                       {"memory", "(none)"},
                                       {"stdout", "(none)"}})
        EXPECT_EQ(line(text, title), value) << text;
}

TEST(DescribeText, IsHarmlessAndColouredOnTerminals)
{
    Row row = stopped();
    row.reason = "\033]0;pwned\a";
    EXPECT_EQ(describe_text(row, web(), {}).find('\033'), std::string::npos);
    EXPECT_EQ(describe_text(row, web(), {.is_terminal = true, .colour = true}).find("\033]"), std::string::npos);
    EXPECT_NE(describe_text(running(), web(), {.is_terminal = true, .colour = true}).find("\033[32monline\033[0m"),
              std::string::npos);
}

TEST(DescribeText, SaysWhenOutputGoesToTheJournal)
{
    AppInfo app = web();
    app.log_target = "journal";
    app.log_files = {{0, "", ""}};
    const std::string text = describe_text(running(), app, {});
    EXPECT_NE(text.find("the journal"), std::string::npos) << text;
    EXPECT_EQ(text.find("not kept"), std::string::npos) << text;
}

TEST(DescribeText, LivesWithoutASpec)
{
    AppInfo app = web();
    app.spec = "nonsense";
    const std::string text = describe_text(running(), app, {});
    EXPECT_EQ(line(text, "script"), "(none)");
    EXPECT_EQ(line(text, "status"), "online");
    EXPECT_FALSE(Json::parse(describe_json({{running(), app}}))[0].contains("script"));
}

TEST(DescribeText, ShowsWhatTheProcessMeasuresAndOffers)
{
    AppInfo app = web();
    EXPECT_EQ(line(describe_text(running(), app, {}), "custom metric"), "(none)");
    app.custom[running().id] = {{{"users", std::int64_t{45}, "", ""},
                                 {"delay", 0.25, "ms", "internal"},
                                 {"hits", std::string("12req/min"), "req/min", ""},
                                 {"up", true, "", ""}},
                                {{"flush", "custom", 2, "empties the cache"}, {"stats", "", 1, ""}}};
    const std::string text = describe_text(running(), app, {});
    for (const char* shown : {"custom metric  users: 45\n", "custom metric  delay: 0.25 ms\n", "custom metric  hits: 12req/min\n",
                              "custom metric  up: true\n", "action  flush: empties the cache\n", "action  stats\n"})
        EXPECT_NE(text.find(shown), std::string::npos) << shown << text;
    EXPECT_EQ(line(describe_text(stopped(), app, {}), "custom metric"), "(none)") << "those of another instance";
    const Json both = Json::parse(describe_json({{running(), app}, {stopped(), app}}));
    EXPECT_EQ(both[0].at("metrics").at("delay"), (Json{{"value", 0.25}, {"unit", "ms"}, {"type", "internal"}}));
    EXPECT_EQ(both[0].at("metrics").at("users").at("value").dump(), "45");
    EXPECT_EQ(both[0].at("actions")[0], (Json{{"name", "flush"}, {"type", "custom"}, {"arity", 2}, {"comment", "empties the cache"}}));
    EXPECT_EQ(both[1].at("metrics"), Json::object());
    EXPECT_EQ(both[1].at("actions"), Json::array());
}

TEST(DescribeText, SaysWhatDoesNotHold)
{
    AppInfo app = web();
    EXPECT_EQ(line(describe_text(running(), app, {}), "warning"), "(none)");
    app.warnings = {"limits not enforced: cpu: why"};
    EXPECT_EQ(line(describe_text(running(), app, {}), "warning"), "limits not enforced: cpu: why");
    EXPECT_EQ(Json::parse(describe_json({{running(), app}}))[0].at("warnings"), Json{"limits not enforced: cpu: why"});
}

TEST(DescribeText, OfAClusterTellsWhatAReloadLoses)
{
    AppInfo app = web();
    app.reload_hint = "it loses this";
    EXPECT_EQ(line(describe_text(running(), app, {}), "note"), "(none)") << "of any other app a reload tells it";
    app.cluster = "reuseport-bpf";
    EXPECT_EQ(line(describe_text(running(), app, {}), "note"), "it loses this");
    EXPECT_EQ(Json::parse(describe_json({{running(), app}}))[0].at("reload_hint"), "it loses this");
}

TEST(DescribeJson, HasTheKeysOfTheManPage)
{
    const Json both = Json::parse(describe_json({{running(), web()}, {stopped(), web()}}));
    ASSERT_EQ(both.size(), 2U);
    EXPECT_EQ(both[0].at("last_exit"), Json());
    EXPECT_EQ(both[1].at("last_exit"), (Json{{"kind", "exited"}, {"code", 3}, {"text", "exit code 3"}}));
    EXPECT_EQ(both[0].at("out_file"), "/log/out");
    EXPECT_EQ(both[1].at("out_file"), "");
    EXPECT_EQ(both[1].at("pid"), Json());
    EXPECT_EQ(both[0].at("args"), (Json{"--port", "80"}));
    EXPECT_EQ(both[0].at("interpreter"), Json());
    EXPECT_EQ(both[0].at("kill_timeout_msec"), 5000);
    EXPECT_EQ(both[0].at("owner_uid"), 7);
    for (const auto* key :
         {"app_status", "app_reason", "warnings", "created_at_usec", "error_file", "script", "interpreter_args", "cwd",
          "autorestart", "max_restarts", "min_uptime_msec", "kill_signal", "spec", "id", "user"})
        EXPECT_TRUE(both[0].contains(key)) << key;
}

} // namespace
} // namespace pm::cli
