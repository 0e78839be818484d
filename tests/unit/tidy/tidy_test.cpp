// SPDX-License-Identifier: Apache-2.0
// What becomes of log files that were put aside.
#include "tidy/work.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <set>
#include <unistd.h>

namespace pm::tidy {
namespace {

namespace fs = std::filesystem;
using Names = std::set<std::string>;

class TidyTest : public testing::Test {
protected:
    void SetUp() override
    {
        char directory[] = "/tmp/pm-tidy-test-XXXXXX";
        ASSERT_NE(::mkdtemp(directory), nullptr);
        root_ = directory;
    }
    void TearDown() override { fs::remove_all(root_); }
    void put(const std::string& name, std::size_t size = 10) const { std::ofstream(root_ + "/" + name) << std::string(size, 'x'); }
    static std::string at(int second) { return name_aside("out.log", std::chrono::seconds(1'700'000'000 + second)); }
    [[nodiscard]] Orders orders(std::uint32_t keep, bool compress = false, std::uint64_t budget = 0) const { return {{}, root_ + "/out.log", keep, compress, budget}; }
    [[nodiscard]] Names names() const
    {
        Names all;
        for (const auto& entry : fs::directory_iterator(root_)) all.insert(entry.path().filename().string());
        return all;
    }
    std::string root_;
};

TEST_F(TidyTest, TheNewestAreKeptAndNothingElseIsTouched)
{
    for (int second = 0; second < 5; ++second) put(at(second));
    const Names others{"out.log", "out.log.1", "out.log.bak", "out.log.20261201T080412.123456Zx", "out-1.log.20261201T080412.123456Z", "aout.log.20261201T080412.123456Z"};
    for (const std::string& other : others) put(other);
    fs::create_directory(root_ + "/" + at(9));
    EXPECT_EQ(carry_out(orders(2)), "");
    Names expected = others;
    expected.insert({at(3), at(4), at(9)});
    EXPECT_EQ(names(), expected);
}

TEST_F(TidyTest, TheyAreCompressedAndWhatWasBegunIsDoneAgain)
{
    for (int second = 0; second < 3; ++second) put(at(second), 100'000);
    put(at(1) + ".gz", 5); // half done
    EXPECT_EQ(carry_out(orders(2, true)), "");
    EXPECT_EQ(names(), (Names{at(1) + ".gz", at(2) + ".gz"}));
    EXPECT_GT(fs::file_size(root_ + "/" + at(1) + ".gz"), 50U);
    EXPECT_EQ(std::system(("gzip -t " + root_ + "/*.gz").c_str()), 0);
    EXPECT_EQ(carry_out(orders(1, true)), "");
    EXPECT_EQ(names(), Names{at(2) + ".gz"});
}

TEST_F(TidyTest, TheOldestGoWhenAllTakeTooMuch)
{
    for (int second = 0; second < 5; ++second) put(at(second), 1000);
    EXPECT_EQ(carry_out(orders(10, false, 3500)), "");
    EXPECT_EQ(names(), (Names{at(2), at(3), at(4)}));
    EXPECT_NE(carry_out({{}, root_ + "/none/out.log", 1, false, 0}), "");
}

TEST(TidyOrders, ComeThroughWhateverBytesThePathHas)
{
    const Orders orders{model::Identity{1000, 100, {4}, ""}, "/srv/caf\xff\n\"", 3, true, 1u << 30};
    const auto read = orders_from(to_line(orders));
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(*read, orders);
    EXPECT_EQ(name_aside("/a", std::chrono::microseconds(1'764'576'252'000'042)), "/a.20251201T080412.000042Z");
    EXPECT_TRUE(is_aside("a", "a.20251201T080412.000042Z.gz"));
    for (const char* other : {"a", "a.", "b.20251201T080412.000042Z", "a.20251201T080412.000042", "a.20251201T080412.000042Z.bz2"}) EXPECT_FALSE(is_aside("a", other)) << other;
}

} // namespace
} // namespace pm::tidy
