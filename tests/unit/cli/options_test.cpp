// SPDX-License-Identifier: Apache-2.0
#include "cli/options.hpp"

#include <gtest/gtest.h>

namespace pm::cli
{
namespace
{

using Words = std::vector<std::string>;

struct Given {
    bool flag = false;
    std::optional<std::string> text, choice;
    std::optional<std::uint32_t> number;
    Words list, rest;
    std::string first;
};

/// Parses `words` with one option of each kind; "run", "help", or the status and the message.
std::string parse(const Words& words, Given& given)
{
    OptionSet options("test", "do things");
    options.flag("-f,--flag", given.flag, "");
    options.text("-t,--text", given.text, "TEXT", "");
    options.one_of("--choice", given.choice, {"red", "green"}, "");
    options.number("-n,--number", given.number, "N", "");
    options.list("--list", given.list, "LIST", "");
    options.argument("FIRST", given.first, "");
    options.arguments("REST", given.rest, false, "");
    const auto parsed = options.parse(words);
    if (!parsed) return std::to_string(parsed.error().status) + " " + parsed.error().message;
    return *parsed == OptionSet::Parsed::Help ? "help" : "run";
}

TEST(Options, FillWhatTheyAreBoundTo)
{
    Given given;
    ASSERT_EQ(
        parse({"a", "-f", "-t", "x", "b", "--number=7", "--list", "1,2", "--choice", "green", "--list=3", "c"}, given),
        "run");
    EXPECT_TRUE(given.flag);
    EXPECT_EQ(given.text, "x");
    EXPECT_EQ(given.choice, "green");
    EXPECT_EQ(given.number, 7U);
    EXPECT_EQ(given.list, (Words{"1", "2", "3"}));
    EXPECT_EQ(given.first, "a");
    EXPECT_EQ(given.rest, (Words{"b", "c"}));
}

TEST(Options, TheLastOneCounts)
{
    Given given;
    ASSERT_EQ(parse({"a", "--text", "x", "--text", "y", "-n", "1", "-n", "2"}, given), "run");
    EXPECT_EQ(given.text, "y");
    EXPECT_EQ(given.number, 2U);
}

TEST(Options, WhatLooksLikeAFlagMayBeAValueOrAnArgument)
{
    Given given;
    ASSERT_EQ(parse({"a", "--text", "--flag=3", "--", "--flag=4"}, given), "run");
    EXPECT_EQ(given.text, "--flag=3");
    EXPECT_FALSE(given.flag);
    EXPECT_EQ(given.rest, Words{"--flag=4"});
}

TEST(Options, ListsIgnoreSpacesAndEmptyParts)
{
    Given given;
    ASSERT_EQ(parse({"a", "--list", " x , ,y,", "b"}, given), "run");
    EXPECT_EQ(given.list, (Words{"x", "y"}));
    EXPECT_EQ(given.rest, Words{"b"});
}

TEST(Options, AfterTheMarkThereAreNone)
{
    Given given;
    ASSERT_EQ(parse({"a", "--", "-f", "--", "-1"}, given), "run");
    EXPECT_FALSE(given.flag);
    EXPECT_EQ(given.rest, (Words{"-f", "--", "-1"}));
}

TEST(Options, HelpComesFirst)
{
    Given given;
    EXPECT_EQ(parse({"--help"}, given), "help");
    EXPECT_EQ(parse({"-f", "-h"}, given), "help");
}

TEST(Options, FaultsAreToldWithWhatToDo)
{
    struct Case {
        Words words;
        const char* said;
    };
    for (const auto& [words, said] : std::vector<Case>{
             {{}, "2 FIRST is required; see 'pmctl test --help'"},
             {{"a", "--txet", "x"}, "2 unknown option '--txet', did you mean '--text'?; see 'pmctl test --help'"},
             {{"a", "--frobnicate"}, "2 unknown option '--frobnicate'; see 'pmctl test --help'"},
             {{"a", "--chioce=red"},
              "2 unknown option '--chioce=red', did you mean '--choice'?; see 'pmctl test --help'"},
             {{"a", "-x"}, "2 unknown option '-x'; see 'pmctl test --help'"},
             {{"a", "-n", "many"}, "2 -n,--number: 'many' is not a whole number; see 'pmctl test --help'"},
             {{"a", "-n", "-1"}, "2 -n,--number: '-1' is not a whole number; see 'pmctl test --help'"},
             {{"a", "-n", "4294967296"}, "2 -n,--number: '4294967296' is not a whole number; see 'pmctl test --help'"},
             {{"a", "--flag=3"}, "2 '--flag=3': --flag takes no value; see 'pmctl test --help'"},
             {{"--flag=false", "a"}, "2 '--flag=false': --flag takes no value; see 'pmctl test --help'"},
             {{"a", "--flag=true"}, "2 '--flag=true': --flag takes no value; see 'pmctl test --help'"},
             {{"a", "--flag="}, "2 '--flag=': --flag takes no value; see 'pmctl test --help'"},
             {{"--help=no"}, "2 '--help=no': --help takes no value; see 'pmctl test --help'"},
             {{"a", "--choice", "blue"}, "2 --choice: 'blue' is none of red, green; see 'pmctl test --help'"},
         }) {
        Given given;
        EXPECT_EQ(parse(words, given), said);
    }
}

TEST(Options, WhatHasNoPlaceIsAFault)
{
    OptionSet options("none", "takes nothing");
    EXPECT_EQ(options.parse({"x"}).error().message, "unexpected argument 'x'; see 'pmctl none --help'");
    EXPECT_EQ(options.parse({"--", "-x"}).error().status, kUsage);
    EXPECT_TRUE(options.parse({"--"}));
}

TEST(Options, HelpHasEverything)
{
    Given given;
    OptionSet options("test", "do things");
    options.text("-t,--text", given.text, "NAME", "what it means");
    options.notes("the notes");
    const std::string help = options.help();
    for (const auto* part : {"do things", "pmctl test", "-t,--text NAME", "what it means", "-h,--help", "the notes"})
        EXPECT_NE(help.find(part), std::string::npos) << part << "\n" << help;
}

} // namespace
} // namespace pm::cli
