// SPDX-License-Identifier: Apache-2.0
// What executes an app, by whatever spelling it is named.
#include "config/values.hpp"
#include "model/program.hpp"
#include "parse_helpers.hpp"

#include <csignal>
#include <map>

namespace pm::config::test {
namespace {

using Strings = std::vector<std::string>;

const std::map<std::string, std::string> kFiles{
    {"/srv/www", "#!/usr/bin/env node"},          {"/srv/bin/www", "#!/usr/bin/node"},      {"/srv/flags", "#!/usr/bin/env -S node --no-warnings"},
    {"/srv/My App/app.js", "text"},               {"/srv/My App/run", "#!/usr/bin/env node"}, {"/srv/My App/job.py", "text"},
    {"/srv/plain", "text"},                       {"/srv/tool.bin", "binary"},              {"/srv/dist", "directory"},
    {"/srv/server.js", "text"},                   {"/srv/run", "#!/bin/bash"},              {"/usr/bin/npm", "#!/usr/bin/env node"},
    {"/usr/bin/python3", "binary"},               {"/opt/bin/tsx", "#!/usr/bin/env node"},  {"/srv/node_modules/.bin/next", "#!/usr/bin/env node"},
    {"/usr/bin/make", "binary"},                  {"/srv/odd.name", "#!/usr/bin/env node"}, {"/srv/serve.sh", "#!/usr/bin/env node"},
};

AppFile look_and_parse(const std::string& text)
{
    ParseOptions given = options();
    given.look = [](const model::AppSpec&, const std::string& path) {
        const auto found = kFiles.find(path);
        return found == kFiles.end() ? std::nullopt : std::optional(found->second);
    };
    return parse_app_file(text, given);
}

struct Row {
    std::string keys;
    std::string interpreter; ///< empty: none
    Strings interpreter_args;
    std::string script;
    Strings args;
    bool node = true;        ///< its signal is SIGINT, and it has a channel
};

TEST(Program, WhatNodeExecutesIsFoundByWhateverSpelling)
{
    const std::vector<Row> rows{
        {"script: www", "node", {}, "www", {}},
        {"script: ./www, node_args: --inspect", "node", {"--inspect"}, "./www", {}},
        {"script: bin/www", "/usr/bin/node", {}, "bin/www", {}},
        {"script: flags, node_args: -x", "node", {"--no-warnings", "-x"}, "flags", {}},
        {"script: My App/app.js", "node", {}, "My App/app.js", {}},
        {"script: My App/run, args: a b", "node", {}, "My App/run", {"a", "b"}},
        {"script: plain", "node", {}, "plain", {}},
        {"script: dist", "node", {}, "dist", {}},
        {"script: ., cwd: dist", "node", {}, ".", {}},
        {"script: odd.name", "node", {}, "odd.name", {}},
        {"script: serve.sh", "", {}, "serve.sh", {}, false},
        {"script: node www --port 1, args: last", "node", {}, "www", {"--port", "1", "last"}},
        {"script: /usr/bin/node -r dotenv/config --x=1 server, node_args: --y", "/usr/bin/node", {"-r", "dotenv/config", "--x=1", "--y"}, "server.js", {}},
        {"script: server.js", "", {}, "server.js", {}},
        {"script: npm, args: start", "", {}, "npm", {"start"}},
        {"script: npm start", "", {}, "npm start", {}},
        {"script: node missing.js", "", {}, "node missing.js", {}},
        {"script: node -e 1", "", {}, "node -e 1", {}},
        {"script: cd sub && exec node server.js", "", {}, "cd sub && exec node server.js", {}},
        {"script: PORT=1 NODE_ENV=x node www, instances: 1", "", {}, "PORT=1 NODE_ENV=x node www", {}},
        {"script: node_modules/.bin/next start", "", {}, "node_modules/.bin/next start", {}},
        {"script: server.ts, interpreter: /opt/bin/tsx", "/opt/bin/tsx", {}, "server.ts", {}},
        {"script: ./www, interpreter: none", "none", {}, "./www", {}},
        {"script: run", "", {}, "run", {}, false},
        {"script: My App/job.py", "", {}, "My App/job.py", {}, false},
        {"script: tool.bin", "", {}, "tool.bin", {}, false},
        {"script: make serve", "", {}, "make serve", {}, false},
        {"script: a.py, interpreter: python3", "python3", {}, "a.py", {}, false},
        {"script: nowhere", "", {}, "nowhere", {}, false},
    };
    for (const Row& row : rows) {
        const AppFile file = look_and_parse("{name: a, " + row.keys + "}");
        ASSERT_EQ(file.apps.size(), 1u) << row.keys << ": " << (said(file).empty() ? "" : said(file)[0]);
        const model::AppSpec& spec = file.apps[0];
        EXPECT_EQ(spec.interpreter.value_or(""), row.interpreter) << row.keys;
        EXPECT_EQ(spec.script, row.script);
        EXPECT_EQ(spec.interpreter_args, row.interpreter_args) << row.keys;
        EXPECT_EQ(spec.args, row.args) << row.keys;
        EXPECT_EQ(spec.kill_signal, row.node ? SIGINT : SIGTERM) << row.keys;
        EXPECT_EQ(model::runs_on_node(spec.interpreter, spec.script) || spec.serving.channel, row.node) << row.keys;
        // What is decided stays decided when the spec is kept and read again.
        EXPECT_EQ(app(to_yaml(spec, false)), spec) << row.keys;
    }
}

TEST(Program, TheNameIsThatOfWhatWasWritten)
{
    EXPECT_EQ(look_and_parse("script: bin/www").apps.at(0).name, "www");
    EXPECT_EQ(look_and_parse("script: ./dist").apps.at(0).name, "dist");
    EXPECT_EQ(look_and_parse("{script: ., cwd: dist}").apps.at(0).name, "dist");
}

TEST(Program, ClusterOfNodeFollows)
{
    for (const char* script : {"www", "My App/app.js", "node www", "bin/www"})
        EXPECT_TRUE(said(look_and_parse(std::string("{cluster: shared, name: a, script: ") + script + "}")).empty()) << script;
    EXPECT_FALSE(look_and_parse("{cluster: shared, script: run}").ok());
}

TEST(Program, ArgumentsOfAnInterpreterThatNobodyTakesAreTold)
{
    for (const char* script : {"run", "tool.bin", "npm", "make serve", "npm start"}) {
        const Strings all = said(look_and_parse(std::string("{node_args: -x, name: a, script: ") + script + "}"));
        ASSERT_EQ(all.size(), 1u) << script;
        EXPECT_NE(all[0].find("warning: node_args: has no effect"), std::string::npos) << all[0];
    }
    for (const char* script : {"www", "server.js", "job.py", "dist", "node www"})
        EXPECT_TRUE(said(look_and_parse(std::string("{node_args: -x, name: a, script: ") + script + "}")).empty()) << script;
}

} // namespace
} // namespace pm::config::test
