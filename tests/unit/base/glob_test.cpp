// SPDX-License-Identifier: Apache-2.0
#include "base/glob.hpp"

#include <gtest/gtest.h>
#include <regex>

namespace pm::base {
namespace {

bool matches(const char* glob, const char* path)
{
    const auto regex = regex_of_glob(glob);
    if (!regex) {
        ADD_FAILURE() << glob << ": " << regex.error().message;
        return false;
    }
    return std::regex_match(path, std::regex(*regex));
}

TEST(Glob, MatchesAsShellsDo)
{
    struct Row {
        const char* glob;
        const char* path;
        bool matches;
    };
    constexpr Row kRows[] = {
        {"src", "src", true},
        {"src", "srcs", false},
        {"*.js", "a.js", true},
        {"*.js", ".a.js", true},
        {"*.js", "a/b.js", false},
        {"a?c", "abc", true},
        {"a?c", "a/c", false},
        {"**/*.js", "a.js", true},
        {"**/*.js", "a/b/c.js", true},
        {"**/*.js", "a/b/c.jsx", false},
        {"src/**", "src/a/b", true},
        {"src/**/test", "src/test", true},
        {"src/**/test", "src/a/b/test", true},
        {"src/**/test", "srctest", false},
        {"a**b", "a/x/b", true},
        {"[abc].txt", "b.txt", true},
        {"[!abc].txt", "b.txt", false},
        {"[!abc].txt", "/.txt", false},
        {"[a-c]x", "bx", true},
        {"[]a]x", "]x", true},
        {"[a-]x", "-x", true},
        {"*.{js,ts}", "a.ts", true},
        {"*.{js,ts}", "a.tsx", false},
        {"{a,{b,c}d}", "cd", true},
        {"{a,{b}}", "{b}", true},
        {"{ab}", "{ab}", true},
        {"a.{js,*}", "a.b.c", true},
        {"@(a|b).c", "b.c", true},
        {"+(a|b)", "abba", true},
        {"x*(a)", "x", true},
        {"x?(a)", "xaa", false},
        {"a+b.c(d)", "a+b.c(d)", true},
        {"a.c", "abc", false},
        {"\\*.js", "*.js", true},
        {"\\*.js", "a.js", false},
        {"a$^b", "a$^b", true},
    };
    for (const Row& row : kRows) EXPECT_EQ(matches(row.glob, row.path), row.matches) << row.glob << " " << row.path;
}

TEST(Glob, WhatIsNoneSaysWhy)
{
    constexpr std::pair<const char*, const char*> kRows[] = {
        {"a[b", "'[' is not closed"},    {"{a,b", "'{' is not closed"},  {"@(a|b", "'(' is not closed"},
        {"a\\", "ends in '\\'"},         {"!(a)", "'!(...)' is not supported"}, {"[a/b]", "'/' cannot be in '[...]'"},
        {"[z-a]", "the range in '[...]' is the wrong way round"},
    };
    for (const auto& [glob, why] : kRows) {
        const auto regex = regex_of_glob(glob);
        ASSERT_FALSE(regex) << glob;
        EXPECT_EQ(regex.error().message, why) << glob;
    }
}

TEST(Glob, BeginsWhereSomethingIsLeftOpen)
{
    EXPECT_EQ(fixed_part("src/**/*.js"), "src");
    EXPECT_EQ(fixed_part("/srv/a b/{x,y}/z"), "/srv/a b");
    EXPECT_EQ(fixed_part("*.js"), "");
    EXPECT_EQ(fixed_part("/*"), "/");
    EXPECT_EQ(fixed_part("a/b"), "a/b");
    EXPECT_EQ(fixed_part("/"), "/");
    EXPECT_FALSE(is_glob("a(b)"));
    EXPECT_TRUE(is_glob("+(b)"));
}

} // namespace
} // namespace pm::base
