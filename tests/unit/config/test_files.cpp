// SPDX-License-Identifier: Apache-2.0
// Whole files: forms, profiles, many faults at once, names, bounds.
#include "base/text.hpp"
#include "config/report.hpp"
#include "parse_helpers.hpp"

namespace pm::config::test {
namespace {

using Strings = std::vector<std::string>;

TEST(Files, AllFormsOfPm2AreTaken)
{
    for (const char* text : {"apps:\n- script: a\n- script: b\n", "pm2:\n- script: a\n- script: b\n", "- script: a\n- script: b\n",
                             "{\"apps\": [{\"script\": \"a\"}, {\"script\": \"b\"}]}"}) {
        const AppFile file = parse(text);
        EXPECT_TRUE(file.ok()) << text;
        ASSERT_EQ(file.apps.size(), 2u) << text;
        EXPECT_EQ(file.apps[1].name, "b");
    }
    EXPECT_EQ(app("script: a\n").name, "a");
    EXPECT_EQ(app("apps: {script: a}\n").name, "a");
    EXPECT_EQ(app("$schema: x\nscript: a\n").name, "a");
}

TEST(Files, JsonWithTabsCommentsAndSurrogatePairs)
{
    const auto spec = app("// c\n{ /* x */ \"apps\": [ // y\n\t{\"name\": \"a\", \"script\": \"\\/x\\/a.js\",\n"
                          "\t\t\"env\": {\"E\": \"\\uD83D\\uDE00 // no\", \"U\": \"http://x\"} // z, }\n}, // {\n\t] /* ] */\n}\n");
    EXPECT_EQ(spec.script, "/x/a.js");
    EXPECT_EQ(spec.env.at("E"), "\U0001F600 // no");
    EXPECT_EQ(spec.env.at("U"), "http://x");
    EXPECT_EQ(app("{script: a, env: {U: //host/x}}").env.at("U"), "//host/x");
}

TEST(Files, TenMistakesAreTenLinesAtTheirPlaces)
{
    const AppFile file = parse("apps:\n"
                               "  - name: web\n"
                               "    script: server.js\n"
                               "    restrat_delay: 100\n"
                               "    kill_timeout: 5 parsecs\n"
                               "    instances: many\n"
                               "    env: {PORT: 8080, \"A=B\": 1}\n"
                               "    autorestart: true\n"
                               "    autorestart: true\n"
                               "  - name: web\n"
                               "    cmd: ./x.sh\n"
                               "    nice: 99\n"
                               "    cron_restart: '0 3 * *'\n"
                               "  - name: none\n"
                               "  - {script: b, maxRestarts: 010}\n"
                               "aps: 3\n");
    EXPECT_EQ(said(file), (Strings{
                              "4:5: apps[0].restrat_delay: unknown key, did you mean 'restart_delay'?",
                              "5:19: apps[0].kill_timeout: expected a time such as 500ms, 5s or 2m, not '5 parsecs'",
                              "6:16: apps[0].instances: expected a number, -1 and so on, or 'max', not 'many'",
                              "7:23: apps[0].env.A=B: a variable needs a name without '='",
                              "9:5: apps[0].autorestart: given twice, first at line 8",
                              "10:11: apps[1].name: the name 'web' is taken by the app at line 2",
                              "12:11: apps[1].nice: expected a number from -20 to 19, not '99'",
                              "13:19: apps[1].cron_restart: 4 fields; there are five (minute, hour, day of the month, month, day of the week), or six with seconds first",
                              "14:5: apps[2]: 'script' is missing",
                              "15:30: apps[3].maxRestarts: expected a number that is not negative, not '010' (numbers are "
                              "decimal and have no leading zero)",
                              "16:1: aps: unknown key, did you mean 'apps'?",
                          }));
    EXPECT_TRUE(file.apps.empty());
}

TEST(Files, WrongFilesAsAWhole)
{
    struct Row {
        std::string text, said;
    };
    const std::vector<Row> rows{
        {"", "the file is empty: expected 'apps:' with a list of apps"},
        {"# nothing\n", "the file is empty: expected 'apps:' with a list of apps"},
        {"x\n", "1:1: expected 'apps:' with a list of apps, not 'x'"},
        {"apps: 1\n", "1:7: apps: expected a list of apps, not '1'"},
        {"apps: [3]\n", "1:8: apps[0]: expected a map with the keys of an app, not '3'"},
        {"deploy: {}\nfoo: 1\n", "2:1: foo: unknown key, a file has apps"},
        {"static: [{path: x}]\napps: [{script: a}]\n", "1:1: warning: static: nothing is served: pmd serves no static files yet"},
        {"apps: [{script: a}]\npm2: [{script: a}]\n", "2:1: pm2: means the same as 'apps', which is given too"},
        {"- a\n---\n- b\n", "2:1: a second document; one file is one document"},
        {"script: \"abc\n", "1:9: a quote \" that is never closed"},
        {"script: 'it''s\n", "1:9: a quote ' that is never closed"},
        {"script: a: b\n", "1:10: syntax: illegal map value"},
        {"script: !js/function x\n", "1:9: the tag '!js/function' has no meaning here"},
        {"? [a]\n: b\n", "1:3: a key must be a text"},
        {"script: *x\n", "1:9: syntax: the referenced anchor is not defined"},
        {"script: a\nenv: &x {A: *x}\n", "2:13: an alias that contains itself"},
        {"script: \xff\n", "the text is not UTF-8"},
        {std::string("script: a\0b\n", 12), "a NUL character in the text"},
        {"script: \"a\\0b\"\n", "1:9: a NUL character in a text"},
        {"apps: []\n", "1:1: warning: apps: there are no apps in it"},
    };
    for (const Row& row : rows) EXPECT_EQ(base::join(said(parse(row.text)), "|"), row.said) << row.text;
}

TEST(Files, ProfilesAreMergedOverEnv)
{
    const std::string text = "- {script: a, env: {A: 1, B: 2}, env_prod: {B: 3, C: 4}, append_env_to_name: true}\n- script: b\n";
    ParseOptions given = options();
    EXPECT_EQ(parse_app_file(text, given).apps.at(0).env, (std::map<std::string, std::string>{{"A", "1"}, {"B", "2"}}));
    given.profile = "prod";
    const AppFile file = parse_app_file(text, given);
    EXPECT_EQ(file.apps.at(0).env, (std::map<std::string, std::string>{{"A", "1"}, {"B", "3"}, {"C", "4"}}));
    EXPECT_EQ(file.apps.at(0).name, "a-prod");
    EXPECT_TRUE(file.diagnostics.empty());
    given.profile = "test";
    EXPECT_EQ(said(parse_app_file(text, given)), Strings{"warning: no app has 'env_test'"});
}

TEST(Files, OnlyKeepsWhatIsNamedAndNamesWhatIsThere)
{
    ParseOptions given = options();
    given.only = {"b"};
    const AppFile file = parse_app_file("- script: a\n- script: b\n", given);
    ASSERT_EQ(file.apps.size(), 1u);
    EXPECT_EQ(file.apps[0].name, "b");
    EXPECT_EQ(file.names, (Strings{"a", "b"})) << "what is left out is still in the file";
    given.only = {"c"};
    EXPECT_EQ(said(parse_app_file("- script: a\n- script: b\n", given)), Strings{"there is no app 'c', there are a, b"});
}

TEST(Files, OptionsReachTheSpec)
{
    ParseOptions given = options();
    given.base_dir = "/data/shop";
    given.name_space = "night";
    given.env_from_caller = true;
    const AppFile file = parse_app_file("- {script: a, cwd: sub/.., filter_env: true}\n- {script: b, namespace: day}\n", given);
    ASSERT_TRUE(file.ok());
    EXPECT_EQ(file.apps[0].cwd, "/data/shop");
    EXPECT_EQ(file.apps[0].name_space, "night");
    EXPECT_FALSE(file.apps[0].env_from_caller);
    EXPECT_TRUE(file.apps[1].env_from_caller);
    EXPECT_EQ(file.apps[1].name_space, "day");
    given.home.clear();
    EXPECT_EQ(said(parse_app_file("script: a\ncwd: ~/x\n", given)), Strings{"2:6: cwd: '~' has no meaning here, write the whole path"});
}

TEST(Files, NodeAppsEndBySigint)
{
    for (const char* text : {"script: a.js", "script: a.ts", "script: a.mjs", "{script: a, interpreter: node}",
                             "{script: a.py, interpreter: /usr/bin/bun}"})
        EXPECT_EQ(app(text).kill_signal, SIGINT) << text;
    for (const char* text : {"script: a.py", "script: a", "{script: a.js, interpreter: none}", "script: sleep 3",
                             "{script: a.js, kill_signal: SIGTERM}"})
        EXPECT_EQ(app(text).kill_signal, SIGTERM) << text;
}

TEST(Files, AnchorsAndMergeKeysWork)
{
    const AppFile file = parse("- &base\n  script: a\n  max_restarts: 3\n- <<: *base\n  name: b\n- <<: [{max_restarts: 9}, *base]\n  name: c\n");
    ASSERT_TRUE(file.ok()) << said(file).at(0);
    EXPECT_EQ(file.apps.at(1).restart.max_restarts, 3u);
    EXPECT_EQ(file.apps.at(2).restart.max_restarts, 9u);
}

TEST(Files, EveryEscapeOfYamlIsValidUtf8)
{
    const AppFile file = parse(R"(apps: [{name: a, script: x, env: {A: "é\Né\_\L\P\x85\e"}}])");
    ASSERT_TRUE(file.ok());
    EXPECT_EQ(file.apps.front().env.at("A"), "\u00e9\u0085\u00e9\u00a0\u2028\u2029\u0085\x1b");
}

TEST(Files, CirclesAndEndlessNeedsAreTold)
{
    const AppFile circle = parse("- {name: a, script: x, depends_on: b}\n- {name: b, script: x, depends_on: {a: started}}\n"
                                 "- {name: c, script: x, depends_on: [b, elsewhere]}\n");
    EXPECT_EQ(said(circle), std::vector<std::string>{"1:24: apps depend on each other in a circle: a -> b -> a"});
    const AppFile itself = parse("- {name: a, script: x, depends_on: [a]}\n");
    EXPECT_EQ(said(itself), std::vector<std::string>{"1:24: apps depend on each other in a circle: a -> a"});
    const AppFile endless = parse("- {name: job, script: x}\n- {name: b, script: x, depends_on: {job: completed}}\n");
    EXPECT_TRUE(endless.ok());
    EXPECT_EQ(said(endless), std::vector<std::string>{"2:24: warning: 'job' never completes, as it is started again: give it "
                                                      "'stop_exit_codes: [0]'"});
    EXPECT_TRUE(said(parse("- {name: job, script: x, autorestart: false}\n- {name: b, script: x, depends_on: {job: completed}}\n")).empty());
    const AppFile wrong = parse("- {name: a, script: x, depends_on: {b: soon, all: ready}}\n- {name: c, script: x, depends_on: [d, d, '/a/b']}\n");
    EXPECT_EQ(said(wrong).size(), 4U);
}

TEST(Files, BoundsHold)
{
    std::string bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n";
    for (char c = 'b'; c < 'n'; ++c) {
        const std::string before = std::string("*") + static_cast<char>(c - 1);
        bomb += std::string(1, c) + ": &" + c + " [";
        for (int i = 0; i < 9; ++i) bomb += before + ",";
        bomb += "]\n";
    }
    EXPECT_NE(said(parse(bomb)).at(0).find("aliases stand for more than 500000 values"), std::string::npos);

    std::string fat = "script: a\nargs:\n- &x " + std::string(100'000, 'x') + "\n";
    for (int i = 0; i < 400; ++i) fat += "- *x\n";
    EXPECT_NE(said(parse(fat)).at(0).find("aliases stand for more than 16.0M of text"), std::string::npos);

    EXPECT_EQ(said(parse("script: " + std::string(200'000, 'x'))), Strings{"1:9: a text of 195.3K, at most 128.0K are taken"});
    for (const std::string opening : {"[", "{", "- ", "[{a: ", "? ", ": "}) {
        std::string deep;
        for (int i = 0; i < 100'000; ++i) deep += opening;
        EXPECT_FALSE(parse(deep).ok()) << opening;
    }
    for (const auto& [opening, piece] : std::vector<std::pair<std::string, std::string>>{
             {"", "["}, {"", "{"}, {"", "[[1,"}, {"- [", ","}, {"- [", "1,"}, {"- [", "\"\" "}, {"- [", "? "}}) {
        std::string wide = opening; // yaml-cpp would keep a token of each piece
        while (wide.size() < (4u << 20) - 16) wide += piece;
        EXPECT_EQ(said(parse(wide)), Strings{"1:1: behind this: one value of more than 512.0K, or of more than 65536 brackets"})
            << opening << piece;
    }
    std::string many = "apps:\n";
    for (int i = 0; i < 1'000'000; ++i) many += "- a\n";
    EXPECT_EQ(said(parse(many)), Strings{"10002:3: more than 10000 apps in one file"});
    ParseOptions small = options();
    small.max_bytes = 10;
    EXPECT_EQ(said(parse_app_file("script: abcdef", small)), Strings{"14B of text, at most 10B are read"});
}

TEST(Files, ALargeFileOnOneLineIsRead)
{
    const std::string env = "\"A\": \"" + std::string(50'000, '[') + std::string(50'000, 'x') + "\"";
    std::string apps;
    for (int i = 0; i < 30; ++i) apps += (i > 0 ? ", {" : "{") + ("\"name\": \"a" + std::to_string(i)) + R"(", "script": "x", "env": {)" + env + "}}";
    for (const std::string& text : {"[" + apps + "]", "{\"apps\": [" + apps + "]}", "apps: [" + apps + "]"}) {
        const AppFile file = parse(text);
        ASSERT_TRUE(file.ok()) << said(file).at(0);
        EXPECT_EQ(file.apps.size(), 30u);
    }
}

TEST(Files, PlacesOfJsonAreThoseOfTheText)
{
    EXPECT_EQ(said(parse("{\"script\": \"a\", \"scrip\": 1}")), Strings{"1:17: scrip: unknown key, did you mean 'script'?"});
    EXPECT_EQ(said(parse("\n  {\"script\": \"a\", \"scrip\": 1}")), Strings{"2:19: scrip: unknown key, did you mean 'script'?"});
    EXPECT_EQ(said(parse("\n  [{\"script\": \"a\",\n\"scrip\": 1}]")), Strings{"3:1: [0].scrip: unknown key, did you mean 'script'?"});
}

TEST(Files, AFloodOfFaultsIsCapped)
{
    std::string text = "script: a\n";
    for (int i = 0; i < 5000; ++i) text += "k" + std::to_string(i) + "k: 1\n";
    const Strings lines = said(parse(text));
    EXPECT_EQ(lines.size(), Report::kMaxDiagnostics + 1);
    EXPECT_EQ(lines.back(), "and 4800 more faults");
}

} // namespace
} // namespace pm::config::test
