// SPDX-License-Identifier: Apache-2.0
#include "cli/view/log_lines.hpp"

#include <cstdlib>
#include <ctime>
#include <gtest/gtest.h>

namespace pm::cli
{
namespace
{

TEST(WithoutEscapes, LeavesTextAlone)
{
    struct Case {
        std::string_view text, kept;
    };
    using namespace std::string_view_literals;
    for (const auto& [text, kept] : {
             Case{"plain", "plain"},
             {"\033[31mred\033[0m", "red"},
             {"\033[1;38;5;4mx", "x"},
             {"\033]0;title\aafter", "after"},
             {"\033]8;;http://x\033\\link\033]8;;\033\\", "link"},
             {"\033Pq#0\033\\x", "x"},
             {"\033(Bx", "x"},
             {"\033cx", "x"},
             {"a\033", "a"},
             {"a\033[", "a"},
             {"a\033[12", "a"},
             {"a\033]never ended", "a"},
             {"a\033]0;t\033[31mb", "a[31mb"},
             {"tab\tbell\a", "tab\tbell?"},
             {"\033[31ma\rb", "a?b"},
             {"\xc3\xa4 \xff", "\xc3\xa4 ?"},
             {"\033[31m\xc2\x9b"sv, "?"},
             {"", ""},
         })
        EXPECT_EQ(without_escapes(text), kept) << text;
}

TEST(LogFormatter, PutsTheBarsInOneColumn)
{
    const Terminal pipe;
    LogFormatter formatter(pipe, false);
    EXPECT_EQ(formatter.format(R"({"app": "web", "slot": 0, "stream": "out", "line": "one"})"), "web-0 | one\n");
    EXPECT_EQ(formatter.format(R"({"app": "worker", "slot": 12, "stream": "err", "line": "two"})"),
              "worker-12 | two\n");
    EXPECT_EQ(formatter.format(R"({"app": "web", "slot": 0, "stream": "out", "line": ""})"), "web-0     | \n");
}

std::string object(const std::string& app, const std::string& text, const std::string& more)
{
    return R"({"app":")" + app + R"(","id":1,"slot":0,"stream":"out","line":")" + text + "\"" + more + "}";
}

TEST(LogFormatter, PrintsThePiecesOfALineOneBehindTheOther)
{
    const Terminal pipe;
    LogFormatter formatter(pipe, false);
    const std::string partial = R"(,"partial":true)", continued = R"(,"continued":true)";
    EXPECT_EQ(formatter.format(object("web", "Name: ", partial)), "web-0 | Name: ");
    EXPECT_EQ(formatter.format(object("web", "A", continued + partial)), "A");
    EXPECT_EQ(formatter.format(object("web", "da", continued)), "da\n");
    EXPECT_EQ(formatter.format(object("web", "Name: ", partial)), "web-0 | Name: ");
    EXPECT_EQ(formatter.format(object("api", "x", "")), "\napi-0 | x\n"); // another app's line begins on its own
    EXPECT_EQ(formatter.format(object("web", "Ada", continued)), "web-0 | Ada\n");
    EXPECT_EQ(formatter.finish(), "");
    EXPECT_EQ(formatter.format(object("web", "Name: ", partial)), "web-0 | Name: ");
    EXPECT_EQ(formatter.format_lost(R"({"lost":3})"), "\n-- 3 lines lost: read too slowly --\n");
    EXPECT_EQ(formatter.format(object("web", "Name: ", partial)), "web-0 | Name: ");
    EXPECT_EQ(formatter.finish(), "\n");
}

TEST(LogFormatter, RawStreamsMeetAtALineEnd)
{
    const Terminal pipe;
    LogFormatter formatter(pipe, false, LogLook::Raw);
    const int one = 0, two = 0;
    EXPECT_EQ(formatter.format_raw("a\nNa", &one), "a\nNa");
    EXPECT_EQ(formatter.format_raw("me: ", &one), "me: ");
    EXPECT_EQ(formatter.format_raw("x\n", &two), "\nx\n");
    EXPECT_EQ(formatter.format_raw("Ada\n", &one), "Ada\n");
}

TEST(LogFormatter, TerminalsGetColoursAndNoEscapesOfApps)
{
    const Terminal terminal{.is_terminal = true, .colour = true};
    LogFormatter formatter(terminal, false);
    const std::string json = R"({"app": "web", "slot": 0, "stream": "out", "line": "\u001b[2Jx"})";
    EXPECT_EQ(formatter.format(json), "\033[32mweb-0 | \033[0mx\n");
    EXPECT_EQ(formatter.format(R"({"app": "db", "slot": 0, "stream": "out", "line": "x"})"),
              "\033[36mdb-0  | \033[0mx\n");
    EXPECT_EQ(formatter.format(R"({"app": "web", "slot": 0, "stream": "err", "line": "x"})"),
              "\033[31mweb-0 | \033[0mx\n");
    EXPECT_EQ(formatter.format(json), "\033[32mweb-0 | \033[0mx\n"); // its colour stays
    const Terminal pipe;
    EXPECT_EQ(LogFormatter(pipe, false).format(json), "web-0 | \033[2Jx\n");
}

TEST(LogFormatter, ShowsWhenALineCame)
{
    setenv("TZ", "UTC", 1);
    tzset();
    const Terminal pipe;
    LogFormatter formatter(pipe, true);
    EXPECT_EQ(formatter.format(R"({"app": "a", "slot": 0, "line": "x", "time": 1700000007251999})"),
              "22:13:27.251 a-0 | x\n");
    EXPECT_EQ(formatter.format(R"({"app": "a", "slot": 0, "line": "x"})"), "             a-0 | x\n");
}

TEST(LogFormatter, TellsWhatWasLostAndSkipsWhatIsNoObject)
{
    const Terminal pipe;
    LogFormatter formatter(pipe, false);
    EXPECT_EQ(formatter.format(R"({"lost": 12})"), "-- 12 lines lost: read too slowly --\n");
    for (const auto* odd : {"", "{", "[]", "12", "nonsense"})
        EXPECT_EQ(formatter.format(odd), "") << odd;
}

} // namespace
} // namespace pm::cli
