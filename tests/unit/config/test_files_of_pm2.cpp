// SPDX-License-Identifier: Apache-2.0
// Files as people have them: JSON5, those of PM2's names, what JavaScript exported.
#include "base/text.hpp"
#include "config/json5_text.hpp"
#include "parse_helpers.hpp"

namespace pm::config::test {
namespace {

using Strings = std::vector<std::string>;

std::string json_of(std::string_view text)
{
    const auto json = json5_as_json(text);
    return json ? json->text : "none";
}

AppFile parse_pm2(std::string_view text, Dialect dialect = Dialect::Pm2)
{
    ParseOptions given = options();
    given.dialect = dialect;
    return parse_app_file(text, given);
}

TEST(Json5, BecomesJson)
{
    struct Row {
        std::string text, json;
    };
    const std::vector<Row> rows{
        {"{apps:[{name:'a'}]}", "{\"apps\":[{\"name\":\"a\"}]}"},
        {"[1,2,]", "[1,2,]"},
        {"{'a':\"b\",}", "{\"a\":\"b\",}"},
        {"{a: 1} // x", "{\"a\": 1}     "},
        {"// x\n{a /* y\n */: 2 // z\n}", "    \n{\"a\"     \n   : 2     \n}"},
        {R"(['it\'s "x"\
', 'a\/b\n\x41\u00e9'])", R"(["it's \"x\"", "a\/b\n\x41\u00e9"])"},
        {R"(["\ud83d\ude00"])", R"(["\U0001f600"])"},
        {"[+1, .5, 5., 0x1F, -0x10, 1e3, NaN, undefined, null, true]", "[1, 0.5, 5, 31, -16, 1e3, null, null, null, true]"},
        {"{\"url\": \"http://x//y\"}", "{\"url\": \"http://x//y\"}"},
    };
    for (const Row& row : rows) EXPECT_EQ(json_of(row.text), row.json) << row.text;
}

TEST(Json5, WhatIsYamlAloneIsLeftAlone)
{
    for (const char* text : {"{a: b}", "[a, b]", "[010]", "{a: 'x'y}", "{a: 1", "{a 1}", "[1 2]", "['a\nb']", "{a: }", "[,]", "a: 1", "", "{a: 1}}", "{a: 1} b",
                             "/* open", "['\\d']", "{1a: 2}", "[0x]", "[1e]", "{a:[}"})
        EXPECT_EQ(json_of(text), "none") << text;
}

TEST(Json5, PlacesAreThoseOfTheFile)
{
    EXPECT_EQ(said(parse("{apps:[{name:'it\\'s',script:'a',\n  restrat:1, /* x */ nice: 99}]}")),
              (Strings{"2:3: apps[0].restrat: unknown key", "2:28: apps[0].nice: expected a number from -20 to 19, not '99'"}));
    EXPECT_EQ(app("{apps:[{name:'a',script:'x y',env:{A:0x10}}]}").env.at("A"), "16");
}

TEST(FilesOfPm2, WhatPm2LeavesOutIsAWarning)
{
    struct Row {
        std::string text, said;
    };
    const std::vector<Row> rows{
        {"apps: [{script: a, description: 1}]\nversion: 3", "1:20: warning: apps[0].description: unknown key (left out, as PM2 does)|"
                                                    "2:1: warning: version: unknown key, a file has apps (left out, as PM2 does)"},
        {"apps: [{script: a, exec: b}]", "1:20: warning: apps[0].exec: means the same as 'script', which is given too with another value (left out, as PM2 does)"},
        {"apps: [{script: a, logs: ./logs}]", "1:26: warning: apps[0].logs: expected a map, not './logs' (left out: PM2 does not know the key)"},
        {"apps: [{script: a, owner: ann}]", "1:20: warning: apps[0].owner: not supported yet (left out: PM2 does not know the key)"},
        {"apps: [{script: a}]\npm2: []", "2:1: warning: pm2: means the same as 'apps', which is given too (left out, as PM2 does)"},
        {"apps: [{script: a, instances: many}]", "1:31: apps[0].instances: expected a number, -1 and so on, or 'max', not 'many'"},
        {"apps: [{script: a, watch: true, ignore_watch: ['[\\/]\\./', node_modules, {}]}]",
         "1:48: warning: apps[0].ignore_watch[0]: the pattern '[\\/]\\./': '/' cannot be in '[...]' (left out, as PM2 does)|"
         "1:73: warning: apps[0].ignore_watch[2]: is no path: a regular expression does not come through JSON, write a pattern such as '**/*.log' (left out, as PM2 does)"},
        {"apps: [{script: a, watch: false, max_memory_restart: 0M, cron_restart: 0, ignore_watch: ''}]", ""},
    };
    for (const Row& row : rows) {
        const AppFile file = parse_pm2(row.text);
        EXPECT_EQ(base::join(said(file), "|"), row.said) << row.text;
        EXPECT_EQ(file.ok(), row.said.empty() || row.said.find("warning") != std::string::npos) << row.text;
        const bool lenient = row.said.find("left out") != std::string::npos;
        EXPECT_EQ(parse(row.text).ok(), row.said.empty() && !lenient) << row.text << ": ours are strict";
    }
}

TEST(FilesOfPm2, TheKeysOwnNameWinsOverItsOthers)
{
    const AppFile file = parse_pm2("- {exec: a, out: o, script: b, out_file: p, exec_interpreter: ruby, interpreter: python3}");
    ASSERT_EQ(file.apps.size(), 1u);
    EXPECT_EQ(file.apps[0].script, "b");
    EXPECT_EQ(file.apps[0].logs.out_file, "/srv/p");
    EXPECT_EQ(file.apps[0].interpreter, "ruby");
    EXPECT_EQ(file.diagnostics.size(), 3u);
}

TEST(FilesOfPm2, AMissingEnvironmentFileIsNoFault)
{
    EXPECT_EQ(parse_pm2("- {script: a, env_file: .env}").apps.at(0).env_files, Strings{"-/srv/.env"});
    EXPECT_EQ(app("{script: a, env_file: [.env, -more.env]}").env_files, (Strings{"/srv/.env", "-/srv/more.env"}));
    EXPECT_EQ(app(to_yaml(app("{script: a, env_file: -more.env}"), false)).env_files, Strings{"-/srv/more.env"});
}

TEST(FilesOfPm2, AKeyOfOursThatSaysNothingToUsChangesNothing)
{
    const AppFile file = parse_pm2("- {script: a, health: {path: /}, cluster: [1], kill_signal: SIGNOPE, reload: 3, env: {NONE: null}}");
    ASSERT_EQ(file.apps.size(), 1u) << base::join(said(file), "|");
    EXPECT_FALSE(file.apps[0].health);
    EXPECT_FALSE(file.apps[0].serving.ready);
    EXPECT_EQ(file.apps[0].env.at("NONE"), "null") << "as PM2 has it";
    EXPECT_GE(file.diagnostics.size(), 4u);
    EXPECT_EQ(parse_pm2("- {script: a, kill_signal: SIGHUP, nice: 3}").apps.at(0).nice, 3);
}

TEST(FilesOfPm2, TheDeploymentsEnvironmentLiesBelow)
{
    ParseOptions given = options();
    given.profile = "prod";
    const AppFile file = parse_app_file("apps: [{script: a, env: {A: app}}, {script: b}]\ndeploy: {prod: {env: {A: deploy, B: deploy}}, x: 1}\n", given);
    ASSERT_EQ(file.apps.size(), 2u) << base::join(said(file), "|");
    EXPECT_EQ(file.apps[0].env, (std::map<std::string, std::string>{{"A", "app"}, {"B", "deploy"}}));
    EXPECT_EQ(file.apps[1].env.at("A"), "deploy");
    EXPECT_TRUE(file.diagnostics.empty());
}

TEST(FilesOfPm2, APackageHasItsAppsBesideWhatIsNpms)
{
    const std::string text = R"({"name": "shop", "version": "1.0.0", "scripts": {"start": "node x"}, "pm2": [{"name": "a", "script": "x.js"}]})";
    EXPECT_TRUE(said(parse_pm2(text, Dialect::Package)).empty());
    EXPECT_EQ(parse_pm2(text, Dialect::Package).names, Strings{"a"});
    EXPECT_EQ(said(parse_pm2(R"({"name": "shop", "main": "x.js"})", Dialect::Package)),
              Strings{"1:1: no apps: expected 'apps' or 'pm2' with a list of apps"});
}

TEST(FilesOfPm2, WhatAProgramExportedHasNoLines)
{
    ParseOptions given = options();
    given.evaluated = true;
    EXPECT_EQ(said(parse_app_file("{\"apps\": [{\"script\": \"a\"}, {\"script\": \"a\", \"nice\": 99}]}", given)),
              (Strings{"apps[1].name: the name 'a' is taken by another app", "apps[1].nice: expected a number from -20 to 19, not '99'"}));
}

TEST(Files, WhatIsGivenTwiceAlikeAndEmptyTextsAreNoFaults)
{
    EXPECT_EQ(app("{script: a, exec: a, interpreter: node, exec_interpreter: node, args: [x], output: o, out_file: o}").logs.out_file, "/srv/o");
    const model::AppSpec empty = app("{script: www.js, interpreter: '', cwd: '', out_file: '', exec_mode: '', namespace: '', name: '', args: '', cron_restart: '', uid: ''}");
    EXPECT_EQ(empty.name, "www");
    EXPECT_EQ(empty.name_space, "default");
    EXPECT_FALSE(empty.interpreter);
    EXPECT_EQ(app("x-base: &base {A: 1}\napps: [{script: a, env: {<<: *base}}]\n").env.at("A"), "1");
    EXPECT_EQ(app("x-base: 1\nscript: a\n").name, "a");
}

} // namespace
} // namespace pm::config::test
