// SPDX-License-Identifier: Apache-2.0
#include "cli/view/table.hpp"

#include <gtest/gtest.h>

namespace pm::cli
{
namespace
{

const std::vector<Column> kColumns{{"id", true}, {"name", false, 0, 4}, {"note", false, 1, 3}, {"size", true, 2}};
const std::vector<std::vector<Cell>> kRows{{{"1"}, {"web-server"}, {"hello"}, {"10K"}}, {{"12"}, {"db"}, {""}, {"9"}}};

std::string at_width(unsigned width, bool unicode = false)
{
    return render(kColumns, kRows, {.is_terminal = true, .width = width, .unicode = unicode});
}

TEST(Table, AlignsTextLeftAndNumbersRight)
{
    EXPECT_EQ(render(kColumns, kRows, {}), "id  name        note   size\n"
                                           " 1  web-server  hello   10K\n"
                                           "12  db                    9\n");
    EXPECT_EQ(render(kColumns, {}, {}), "id  name  note  size\n");
}

TEST(Table, ShortensBeforeItDrops)
{
    EXPECT_EQ(at_width(27), render(kColumns, kRows, {}));
    EXPECT_EQ(at_width(26), "id  name       note   size\n"
                            " 1  web-serv~  hello   10K\n"
                            "12  db                   9\n");
    EXPECT_EQ(at_width(19, true), "id  name  no…  size\n"
                                  " 1  web…  he…   10K\n"
                                  "12  db            9\n");
}

TEST(Table, DropsTheLeastWantedFirst)
{
    EXPECT_EQ(at_width(18), "id  name      size\n"
                            " 1  web-ser~   10K\n"
                            "12  db           9\n");
    EXPECT_EQ(at_width(13), "id  name\n"
                            " 1  web-serv~\n"
                            "12  db\n");
}

TEST(Table, TheIndispensableStayHoweverNarrow)
{
    EXPECT_EQ(at_width(1), "id  name\n"
                           " 1  web~\n"
                           "12  db\n");
}

TEST(Table, CountsColumnsNotBytes)
{
    const std::vector<Column> columns{{"a"}, {"b"}};
    EXPECT_EQ(render(columns, {{{"\xe6\x97\xa5\xe6\x9c\xac"}, {"x"}}, {{"\xc3\xa4"}, {"y"}}}, {}),
              "a     b\n\xe6\x97\xa5\xe6\x9c\xac  x\n\xc3\xa4     y\n");
}

TEST(Table, ColoursDoNotCountAsWidth)
{
    const std::vector<Column> columns{{"s"}, {"t"}};
    EXPECT_EQ(render(columns, {{{"on", Colour::Green}, {"x"}}}, {.is_terminal = true, .width = 80, .colour = true}),
              "\033[1ms\033[0m   \033[1mt\033[0m\n\033[32mon\033[0m  x\n");
}

} // namespace
} // namespace pm::cli
