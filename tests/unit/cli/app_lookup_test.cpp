// SPDX-License-Identifier: Apache-2.0
#include "cli/app_lookup.hpp"
#include "cli/utf8_check.hpp"

#include "base/file_fact.hpp"
#include "scratch.hpp"

#include <gtest/gtest.h>

namespace pm::cli::testing
{
namespace
{

TEST(AppLookup, FilesAreKnownByTheirEnding)
{
    for (const auto* file : {"-", "app.yaml", "a/b.yml", "ecosystem.json", ".yaml", "apps.json5", "ecosystem.config.js", "x.config.cjs", "/srv/pm2.config.mjs", "a.config.ts"})
        EXPECT_EQ(kind_of(file), WordKind::AppFile) << file;
    for (const auto* word : {"", "web", "server.js", "config.js", "--", "app.yaml.bak", "/x/", "yaml"})
        EXPECT_EQ(kind_of(word), WordKind::Word) << word;
}

TEST(AppLookup, AFileIsKnownByWhatItBeginsWith)
{
    const Scratch here;
    here.write("node", "#!/usr/bin/env node\nx\n");
    here.write("text", "echo hello\n");
    here.write("binary", std::string("\x7f" "ELF\0\1", 6));
    here.write("empty", "");
    here.write("long", "#!" + std::string(2000, 'x'));
    ASSERT_EQ(mkfifo((here / "fifo").c_str(), 0600), 0);
    EXPECT_EQ(base::file_fact(here / "node"), "#!/usr/bin/env node");
    EXPECT_EQ(base::file_fact(here / "text"), base::kText);
    for (const auto* name : {"binary", "empty", "fifo"}) EXPECT_EQ(base::file_fact(here / name), base::kBinary) << name;
    EXPECT_EQ(base::file_fact(here.path()), base::kDirectory);
    EXPECT_EQ(base::file_fact(here / "nowhere"), std::nullopt);
    EXPECT_EQ(base::file_fact(here / "long").value_or("").size(), 255U);
}

TEST(AppLookup, NamesOfFilesThatArePm2s)
{
    for (const auto* file : {"ecosystem.config.js", "/srv/x.config.cjs", "ecosystem.json", "a/my-ecosystem.prod.yml", "pm2.json", "shop.pm2.yaml",
                             "process.yml", "processes.json", "/a/process.prod.json"})
        EXPECT_EQ(dialect_of(file), config::Dialect::Pm2) << file;
    for (const auto* file : {"-", "app.yaml", "apps.json", "/pm2/app.yaml", "/ecosystem/app.yml", "processor.json", "x.json5"})
        EXPECT_EQ(dialect_of(file), config::Dialect::Own) << file;
    EXPECT_EQ(dialect_of("/srv/shop/package.json"), config::Dialect::Package);
}

TEST(AppLookup, WordsSelectRowsAsTargetsDo)
{
    const std::vector<Row> rows{{.app = "web", .name_space = "front", .id = 3},
                                {.app = "7", .name_space = "back", .id = 4}};
    for (const auto* word : {"web", "front", "3", "7", "all", "/x/", "/srv/"})
        EXPECT_TRUE(selects(word, rows)) << word;
    for (const auto* word : {"", "we", "5", "-3", "03x", "//", "/", "/srv"})
        EXPECT_FALSE(selects(word, rows)) << word;
    EXPECT_FALSE(selects("web", {}));
}

TEST(AppLookup, FindsAScriptHereThenACommandLineThenAProgram)
{
    const Scratch here;
    here.write("server.js", "");
    here.write("with space", "");
    here.write("sub/sleep", "");
    here.write("bin/tool", "", 0755);
    here.write("bin/data", "", 0644);
    const std::string path = "/nowhere:" + here / "bin";
    struct Case {
        std::string word, expected;
    };
    for (const auto& [word, expected] : std::vector<Case>{
             {"server.js", here / "server.js"},
             {"sub/.././server.js", here / "server.js"},
             {here / "server.js", here / "server.js"},
             {"with space", here / "with space"},
             {"tool --fast", "tool --fast"},
             {"tool", "tool"},
             {"data", ""},
             {"bin/tool", here / "bin/tool"},
             {"bin/none", ""},
             {"sub", ""},
             {"none", ""},
             {"", ""},
         })
        EXPECT_EQ(find_script(word, here.path(), path), expected) << word;
}

TEST(AppLookup, NamesAnAppByItsScript)
{
    struct Case {
        const char *script, *name;
    };
    for (const auto& [script, name] : {Case{"/srv/server.js", "server"},
                                       {"sleep", "sleep"},
                                       {"/srv/my.app.py", "my.app"},
                                       {"/srv/.hidden", ".hidden"},
                                       {"python3 -m http.server", "python3"},
                                       {"/opt/run.sh --now x.js", "run"}})
        EXPECT_EQ(default_name(script), name) << script;
}

TEST(AppLookup, ANameThatLooksLikeAFileIsTheAppWhereThereIsNoFile)
{
    const Scratch scratch;
    Row row;
    row.app = "app.yaml";
    EXPECT_TRUE(names_app_only("app.yaml", scratch.path(), {row}));
    EXPECT_FALSE(names_app_only("other.yaml", scratch.path(), {row}));
    scratch.write("app.yaml", "apps: []");
    EXPECT_FALSE(names_app_only("app.yaml", scratch.path(), {row}));
}

TEST(Utf8Check, NamesThePlace)
{
    EXPECT_TRUE(check_words({"start", "café"}));
    const auto word = check_words({"start", "caf\xe9.js"});
    ASSERT_FALSE(word);
    EXPECT_EQ(word.error().status, kUsage);
    EXPECT_NE(word.error().message.find("argument 2, 'caf\\xe9.js', is not UTF-8"), std::string::npos) << word.error().message;
    EXPECT_FALSE(check_path("directory", "/srv/\xff"));
    const auto variable = check_environment({"A=b", "LEGACY=\xe9t\xe9"}, {});
    ASSERT_FALSE(variable);
    EXPECT_NE(variable.error().message.find("the variable LEGACY"), std::string::npos);
    EXPECT_TRUE(check_environment({"LEGACY=\xe9"}, {"LEG"}));
    EXPECT_EQ(shown_bytes("é\xc3|\xe2\x82"), "é\\xc3|\\xe2\\x82");
}

} // namespace
} // namespace pm::cli::testing
