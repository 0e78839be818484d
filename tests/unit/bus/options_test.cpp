// SPDX-License-Identifier: Apache-2.0
#include "bus/options.hpp"

#include <gtest/gtest.h>

namespace pm::bus
{
namespace
{

using Strings = std::vector<std::string>;

/// What a call with options of each type says about `map`; empty: it takes it.
std::string fault(const OptionMap& map)
{
    Options options(map);
    (void)options.get<std::string>("text", "");
    (void)options.get<bool>("flag", false);
    (void)options.get<std::uint32_t>("number", 0);
    (void)options.get<Strings>("list", {});
    const auto good = options.check();
    EXPECT_TRUE(good || good.error().code == base::ErrorCode::InvalidArgument);
    return good ? "" : good.error().message;
}

TEST(Options, GiveTheirValueOrTheFallback)
{
    const OptionMap map{
        {"text", sdbus::Variant(std::string("x"))}, {"flag", sdbus::Variant(true)}, {"number", sdbus::Variant(std::uint32_t{7})}, {"list", sdbus::Variant(Strings{"a", "b"})}};
    Options given(map);
    EXPECT_EQ(given.get<std::string>("text", "y"), "x");
    EXPECT_TRUE(given.get<bool>("flag", false));
    EXPECT_EQ(given.get<std::uint32_t>("number", 1), 7U);
    EXPECT_EQ(given.get<Strings>("list", {}), (Strings{"a", "b"}));
    EXPECT_TRUE(given.check());
    const OptionMap nothing;
    Options empty(nothing);
    EXPECT_EQ(empty.get<std::string>("text", "y"), "y");
    EXPECT_TRUE(empty.get<bool>("flag", true));
    EXPECT_TRUE(empty.check());
}

TEST(Options, AnotherTypeOrKeyIsRefused)
{
    EXPECT_EQ(fault({}), "");
    EXPECT_EQ(fault({{"text", sdbus::Variant(true)}}), "option 'text' must be of type 's', not 'b'");
    EXPECT_EQ(fault({{"flag", sdbus::Variant(std::string("yes"))}}), "option 'flag' must be of type 'b', not 's'");
    EXPECT_EQ(fault({{"number", sdbus::Variant(std::int32_t{7})}}), "option 'number' must be of type 'u', not 'i'");
    EXPECT_EQ(fault({{"list", sdbus::Variant(std::string("a"))}}), "option 'list' must be of type 'as', not 's'");
    EXPECT_EQ(fault({{"other", sdbus::Variant(true)}}), "unknown option 'other', this call knows: flag, list, number, text");
    EXPECT_EQ(fault({{"a\n\033b", sdbus::Variant(true)}}), "unknown option 'a??b', this call knows: flag, list, number, text");
    EXPECT_EQ(fault({{"other", sdbus::Variant(true)}, {"text", sdbus::Variant(true)}}), "option 'text' must be of type 's', not 'b'");
}

TEST(Options, ACallWithoutAnySaysSo)
{
    const OptionMap map{{"wait", sdbus::Variant(false)}};
    EXPECT_EQ(Options(map).check().error().message, "unknown option 'wait', this call knows: none");
}

} // namespace
} // namespace pm::bus
