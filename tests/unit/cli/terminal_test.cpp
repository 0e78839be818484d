// SPDX-License-Identifier: Apache-2.0
#include "cli/terminal.hpp"

#include "base/fd.hpp"
#include "scratch.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace pm::cli::testing
{
namespace
{

TEST(DisplayWidth, CountsColumns)
{
    struct Case {
        std::string_view text;
        unsigned width;
    };
    for (const auto& [text, width] : {Case{"", 0},
                                      {"abc", 3},
                                      {"\xc3\xa4", 1},
                                      {"a\xcc\x88", 1},
                                      {"\xe6\x97\xa5\xe6\x9c\xac", 4},
                                      {"\xf0\x9f\x98\x80", 2},
                                      {"\xe2\x80\xa6", 1},
                                      {"\xff\xff", 2},
                                      {"\xe6\x97", 2}})
        EXPECT_EQ(display_width(text), width) << text;
}

TEST(Shorten, EndsInAnEllipsisWithinTheWidth)
{
    struct Case {
        std::string_view text;
        unsigned width;
        std::string_view ascii, unicode;
    };
    for (const auto& [text, width, ascii, unicode] :
         {Case{"abcdef", 6, "abcdef", "abcdef"},
          {"abcdef", 5, "abcd~", "abcd\xe2\x80\xa6"},
          {"abcdef", 1, "~", "\xe2\x80\xa6"},
          {"abcdef", 0, "", ""},
          {"\xe6\x97\xa5\xe6\x9c\xac", 3, "\xe6\x97\xa5~", "\xe6\x97\xa5\xe2\x80\xa6"},
          {"\xe6\x97\xa5\xe6\x9c\xac", 2, "~", "\xe2\x80\xa6"},
          {"", 0, "", ""}}) {
        EXPECT_EQ(shorten(text, width, false), ascii) << text << " " << width;
        EXPECT_EQ(shorten(text, width, true), unicode) << text << " " << width;
    }
}

TEST(Paint, OnlyWhenOn)
{
    EXPECT_EQ(paint("x", Colour::Red, true), "\033[31mx\033[0m");
    EXPECT_EQ(paint("x", Colour::Red, false), "x");
    EXPECT_EQ(paint("x", Colour::None, true), "x");
}

TEST(ColourOfStatus, WarnsOfWhatIsNeitherUpNorDown)
{
    EXPECT_EQ(colour_of_status("online"), Colour::Green);
    EXPECT_EQ(colour_of_status("errored"), Colour::Red);
    EXPECT_EQ(colour_of_status("stopped"), Colour::Dim);
    for (const auto* status : {"starting", "waiting", "stopping", "backoff"})
        EXPECT_EQ(colour_of_status(status), Colour::Yellow) << status;
}

TEST(LookAt, TheCharacterSetIsThatOfTheStrongestVariable)
{
    const base::Fd null(open("/dev/null", O_WRONLY | O_CLOEXEC));
    struct Case {
        std::map<std::string, std::string> variables;
        bool unicode;
    };
    for (const auto& [variables, unicode] : std::vector<Case>{
             {{}, false},
             {{{"LANG", "C"}}, false},
             {{{"LANG", "de_DE.UTF-8"}}, true},
             {{{"LANG", "C.utf8"}}, true},
             {{{"LANG", "de_DE.ISO-8859-1"}}, false},
             {{{"LC_ALL", "C"}, {"LANG", "de_DE.UTF-8"}}, false},
             {{{"LC_CTYPE", "de_DE.UTF-8"}, {"LANG", "C"}}, true},
             {{{"LC_ALL", ""}, {"LANG", "C.UTF-8"}}, true},
         })
        EXPECT_EQ(look_at(null.get(), false, environment(variables)).unicode, unicode)
            << (variables.empty() ? "" : variables.begin()->second);
}

TEST(LookAt, APipeHasNoWidthAndNoColour)
{
    const base::Fd null(open("/dev/null", O_WRONLY | O_CLOEXEC));
    const Terminal pipe = look_at(null.get(), false, environment({{"COLUMNS", "40"}, {"TERM", "xterm"}}));
    EXPECT_FALSE(pipe.is_terminal);
    EXPECT_FALSE(pipe.colour);
    EXPECT_EQ(pipe.width, 0U);
}

TEST(LookAt, ATerminalHasColoursUnlessSomebodyMinds)
{
    const base::Fd terminal(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    ASSERT_TRUE(terminal);
    ASSERT_EQ(isatty(terminal.get()), 1);
    struct Case {
        bool no_colour;
        std::map<std::string, std::string> variables;
        bool colour;
    };
    for (const auto& [no_colour, variables, colour] : std::vector<Case>{
             {false, {{"TERM", "xterm"}}, true},
             {true, {{"TERM", "xterm"}}, false},
             {false, {{"TERM", "dumb"}}, false},
             {false, {{"NO_COLOR", "1"}}, false},
             {false, {{"NO_COLOR", ""}}, true},
         })
        EXPECT_EQ(look_at(terminal.get(), no_colour, environment(variables)).colour, colour);
}

TEST(LookAt, TheWidthIsTheTerminalsThenTheVariables)
{
    const base::Fd terminal(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    ASSERT_TRUE(terminal);
    const auto width = [&](std::map<std::string, std::string> variables) {
        return look_at(terminal.get(), false, environment(std::move(variables))).width;
    };
    EXPECT_EQ(width({}), 80U);
    EXPECT_EQ(width({{"COLUMNS", "40"}}), 40U);
    EXPECT_EQ(width({{"COLUMNS", "wide"}}), 80U);
    winsize size{};
    size.ws_col = 123;
    ASSERT_EQ(ioctl(terminal.get(), TIOCSWINSZ, &size), 0);
    EXPECT_EQ(width({{"COLUMNS", "40"}}), 123U);
}

} // namespace
} // namespace pm::cli::testing
