// SPDX-License-Identifier: Apache-2.0
#include "cli/program.hpp"

#include <gtest/gtest.h>
#include <set>

namespace pm::cli
{
namespace
{

using Words = std::vector<std::string>;

TEST(CommandLine, TheVerbIsTheFirstWordThatIsNoOption)
{
    struct Case {
        Words given;
        std::string verb;
        Words words, script_args;
    };
    for (const auto& [given, verb, words, script_args] : std::vector<Case>{
             {{}, "", {}, {}},
             {{"list"}, "list", {}, {}},
             {{"-s", "list", "--json"}, "list", {"-s", "--json"}, {}},
             {{"--bus", "session", "list"}, "list", {"--bus", "session"}, {}},
             {{"--bus=session", "list", "x"}, "list", {"--bus=session", "x"}, {}},
             {{"--bus"}, "", {"--bus"}, {}},
             {{"start", "a.js", "-n", "web", "--", "--port", "1", "--"},
              "start",
              {"a.js", "-n", "web"},
              {"--port", "1", "--"}},
             {{"start", "a.js", "--"}, "start", {"a.js"}, {}},
             {{"stop", "--", "-x"}, "stop", {"--", "-x"}, {}},
             {{"scale", "web", "-1"}, "scale", {"web", "-1"}, {}},
         }) {
        const CommandLine line = split_command_line(given);
        EXPECT_EQ(line.verb, verb);
        EXPECT_EQ(line.words, words) << verb;
        EXPECT_EQ(line.script_args, script_args) << verb;
    }
}

TEST(Verbs, HaveNamesOfTheirOwn)
{
    std::set<std::string_view> seen;
    for (const Verb& verb : verbs()) {
        EXPECT_TRUE(seen.insert(verb.name).second) << verb.name;
        EXPECT_EQ(find_verb(verb.name), &verb);
        for (const std::string_view alias : verb.aliases) {
            EXPECT_TRUE(seen.insert(alias).second) << alias;
            EXPECT_EQ(find_verb(alias), &verb);
        }
    }
    for (const auto* word : {"", "sto", "Start", "start "})
        EXPECT_EQ(find_verb(word), nullptr) << word;
}

TEST(Verbs, AreExplained)
{
    for (const Verb& verb : verbs()) {
        const std::string name(verb.name);
        EXPECT_NE(overview().find("\n  " + name), std::string::npos) << name;
        const std::string help = help_of(verb);
        for (const std::string& part : {std::string(verb.summary), "pmctl " + name, std::string("--bus"),
                                        std::string("--silent"), std::string("example")})
            EXPECT_NE(help.find(part), std::string::npos) << name << ": " << part;
    }
}

TEST(UnknownVerb, SuggestsWhatIsNear)
{
    EXPECT_EQ(unknown_verb("strat"), "unknown command 'strat', did you mean 'start'?; see 'pmctl --help'");
    EXPECT_EQ(unknown_verb("sendsignal"),
              "unknown command 'sendsignal', did you mean 'sendSignal'?; see 'pmctl --help'");
    EXPECT_EQ(unknown_verb("frobnicate"), "unknown command 'frobnicate'; see 'pmctl --help'");
}

} // namespace
} // namespace pm::cli
