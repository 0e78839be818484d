// SPDX-License-Identifier: Apache-2.0
#include "base/path.hpp"

#include <gtest/gtest.h>
#include <vector>

namespace pm::base {
namespace {

TEST(Path, AFileHasOneNameHoweverItIsWritten)
{
    struct Row {
        const char *base, *path, *whole;
    };
    const std::vector<Row> rows{
        {"/srv/shop", "app.yaml", "/srv/shop/app.yaml"},    {"/srv/shop", "./app.yaml", "/srv/shop/app.yaml"},
        {"/srv/shop", "../shop//app.yaml", "/srv/shop/app.yaml"}, {"/srv/shop", "/a/./b/../app.yaml", "/a/app.yaml"},
        {"/srv/shop", "//a/app.yaml", "/a/app.yaml"},       {"/", "app.yaml", "/app.yaml"},
        {"/srv", "../../..", "/"},                          {"/srv/", ".", "/srv"},
        {"/srv", "sub/", "/srv/sub"},
    };
    for (const Row& row : rows) EXPECT_EQ(absolute_path(row.base, row.path), row.whole) << row.path;
}

TEST(Path, DirectoryOf)
{
    EXPECT_EQ(directory_of("/srv/app.yaml"), "/srv");
    EXPECT_EQ(directory_of("/app.yaml"), "/");
    EXPECT_EQ(directory_of("stdin"), "/");
    EXPECT_EQ(directory_of("no/absolute.yaml"), "/");
}

} // namespace
} // namespace pm::base
