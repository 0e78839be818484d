// SPDX-License-Identifier: Apache-2.0
#include "cli/view/list.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace pm::cli
{
namespace
{

std::vector<Row> rows()
{
    return {{.app = "b",
             .name_space = "x",
             .id = 0,
             .pid = 30,
             .status = "online",
             .uptime_usec = 5'000'000,
             .restarts = 1,
             .cpu_percent = 2.25,
             .memory_bytes = 1536,
             .user = "u2"},
            {.app = "c",
             .name_space = "z",
             .id = 1,
             .pid = 0,
             .status = "stopped",
             .reason = "by hand",
             .uptime_usec = 0,
             .restarts = 3,
             .cpu_percent = 0,
             .memory_bytes = 0,
             .user = "u1"},
            {.app = "a",
             .name_space = "y",
             .id = 2,
             .pid = 20,
             .status = "backoff",
             .uptime_usec = 90'000'000,
             .restarts = 2,
             .cpu_percent = 9,
             .memory_bytes = 9 << 20,
             .user = "u3"}};
}

std::string order(std::string_view by)
{
    auto sorted = rows();
    const auto done = sort_rows(sorted, by);
    if (!done) return done.error().message;
    std::string names;
    for (const Row& row : sorted)
        names += row.app;
    return names;
}

TEST(Sort, ByEachField)
{
    struct Case {
        const char *by, *names;
    };
    for (const auto& [by, names] : {Case{"name", "abc"},
                                    {"namespace", "bac"},
                                    {"id", "bca"},
                                    {"pid", "cab"},
                                    {"uptime", "cba"},
                                    {"restarts", "bac"},
                                    {"status", "abc"},
                                    {"cpu", "cba"},
                                    {"memory", "cba"},
                                    {"user", "cba"},
                                    {"name:asc", "abc"},
                                    {"name:desc", "cba"},
                                    {"memory:desc", "abc"}})
        EXPECT_EQ(order(by), names) << by;
}

TEST(Sort, KeepsTheOrderOfEquals)
{
    std::vector<Row> same{{.app = "x", .id = 2}, {.app = "x", .id = 0}, {.app = "x", .id = 1}};
    ASSERT_TRUE(sort_rows(same, "name:desc"));
    EXPECT_EQ(same[0].id, 2U);
    EXPECT_EQ(same[2].id, 1U);
}

TEST(Sort, OtherWordsAreUsageFaults)
{
    for (const auto* by : {"", "weight", "name:up", "name:", ":desc", "NAME"}) {
        auto sorted = rows();
        const auto done = sort_rows(sorted, by);
        ASSERT_FALSE(done) << by;
        EXPECT_EQ(done.error().status, kUsage);
        EXPECT_NE(done.error().message.find("memory"), std::string::npos) << done.error().message;
    }
}

TEST(ListTable, ShowsNothingForWhatDoesNotRun)
{
    EXPECT_EQ(list_table(rows(), {}), "id  name  namespace  pid  uptime  restarts  status    cpu   mem  user  reason\n"
                                      " 0  b     x           30      5s         1  online   2.2%  1.5K  u2    \n"
                                      " 1  c     z            -       -         3  stopped     -     -  u1    by hand\n"
                                      " 2  a     y           20  1m 30s         2  backoff  9.0%  9.0M  u3    \n");
}

TEST(ListTable, NarrowTerminalsGetFewerColumns)
{
    for (unsigned width = 28; width < 100; ++width) {
        const std::string table = list_table(rows(), {.is_terminal = true, .width = width});
        for (std::size_t at = 0, end = 0; (end = table.find('\n', at)) != std::string::npos; at = end + 1)
            EXPECT_LE(end - at, width) << table;
        for (const auto* always : {"id", "name", "restarts", "status"})
            EXPECT_NE(table.substr(0, table.find('\n')).find(always), std::string::npos) << width;
    }
}

TEST(ListTable, MarksAndColoursAreForTerminals)
{
    const Terminal pipe{.unicode = true};
    EXPECT_EQ(list_table(rows(), pipe).find("\xe2\x97\x8f"), std::string::npos);
    const std::string table = list_table(rows(), {.is_terminal = true, .colour = true, .unicode = true});
    EXPECT_NE(table.find("\033[32m\xe2\x97\x8f online\033[0m"), std::string::npos) << table;
    EXPECT_NE(table.find("\033[33m\xe2\x97\x8f backoff\033[0m"), std::string::npos) << table;
}

TEST(ListTable, TextsOfAppsAreHarmless)
{
    const std::vector<Row> bad{{.app = "a\033[2J", .name_space = "n\n", .status = "online", .reason = "\x07"}};
    const std::string table = list_table(bad, {});
    EXPECT_EQ(table.find('\033'), std::string::npos);
    EXPECT_EQ(std::count(table.begin(), table.end(), '\n'), 2);
}

TEST(ListJson, HasNullWhereThereIsNoProcess)
{
    const auto list = nlohmann::json::parse(list_json(rows()));
    ASSERT_EQ(list.size(), 3U);
    EXPECT_EQ(list[0], nlohmann::json::parse(
                           R"({"id": 0, "name": "b", "namespace": "x", "slot": 0, "pid": 30, "status": "online",
        "reason": "", "uptime_usec": 5000000, "restarts": 1, "unstable_restarts": 0, "cpu_percent": 2.25, "memory_bytes": 1536, "user": "u2"})"));
    EXPECT_TRUE(list[1].at("pid").is_null());
    EXPECT_TRUE(list[1].at("uptime_usec").is_null());
    EXPECT_EQ(list_json({}), "[]\n");
}

TEST(ListJson, IsValidWhateverTheTexts)
{
    const std::vector<Row> bad{{.app = "\"\\\xff", .reason = "\x01"}};
    EXPECT_TRUE(nlohmann::json::accept(list_json(bad)));
}

} // namespace
} // namespace pm::cli
