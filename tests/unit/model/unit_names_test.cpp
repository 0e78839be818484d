// SPDX-License-Identifier: Apache-2.0
#include "model/unit_names.hpp"

#include <gtest/gtest.h>
#include <set>
#include <string>

namespace pm::model {
namespace {

TEST(UnitNames, AreThoseSystemdWouldEscape)
{
    EXPECT_EQ(slice_of("web"), "pm-web.slice");
    EXPECT_EQ(slice_of("a-b"), "pm-a\\x2db.slice") << "a dash in the name of a slice means another level";
    EXPECT_EQ(slice_of("a/b c"), "pm-a\\x2fb\\x20c.slice");
    EXPECT_EQ(slice_of(".hidden"), "pm-\\x2ehidden.slice");
    EXPECT_EQ(unit_of("web.js", base::Slot{2}, base::Generation{31}), "pm-web.js-2.31.service");
}

TEST(UnitNames, AreOfTheirAppAlone)
{
    EXPECT_NE(slice_of("a-b"), slice_of("a_b"));
    EXPECT_NE(slice_of("a/b"), slice_of("a-b"));
    std::string name(128, '-'); // too long when escaped
    std::set<std::string> units;
    for (std::size_t at = 0; at < name.size(); ++at)
        for (const char c : {'a', '/', '\xff'}) {
            std::string other = name.substr(0, at + 1);
            other[at] = c;
            if (at + 1 < name.size()) {
                EXPECT_TRUE(units.insert(escape_for_unit(other)).second) << at;
            }
            other = name;
            other[at] = c;
            EXPECT_TRUE(units.insert(escape_for_unit(other)).second) << at;
        }
    for (const std::string& unit : units) {
        EXPECT_LE(unit.size(), 190U);
        EXPECT_EQ(unit.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_:.\\"), std::string::npos) << unit;
    }
    const std::string long_name(300, 'x');
    EXPECT_NE(slice_of(long_name), slice_of(long_name + "y"));
    EXPECT_LE(unit_of(std::string(300, '-'), base::Slot{4'000'000'000}, base::Generation{9'000'000'000'000}).size(), 255U);
}

TEST(UnitNames, ReadBack)
{
    for (const char* app : {"web", "a-b", "x.y", "7"}) {
        const auto read = parse_unit_name(unit_of(app, base::Slot{3}, base::Generation{12}));
        ASSERT_TRUE(read) << app;
        EXPECT_EQ(*read, (UnitName{escape_for_unit(app), base::Slot{3}, base::Generation{12}}));
    }
    for (const char* other : {"pm-web.slice", "pmd.service", "pm-web-0.service", "pm-web-0.1.scope", "pm--0.1.service", "pm-web-x.1.service",
                              "pm-web-0.1x.service", "pm-.service", "ssh.service"})
        EXPECT_FALSE(parse_unit_name(other)) << other;
}

} // namespace
} // namespace pm::model
