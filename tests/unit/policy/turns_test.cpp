// SPDX-License-Identifier: Apache-2.0
#include "policy/turns.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <map>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>
#include <vector>

namespace pm::policy {
namespace {

const auto everybody = [](uid_t) { return true; };

/// The items of all turns, in their order.
std::string rest_of(Turns<char>& turns)
{
    std::string items;
    while (const auto turn = turns.next(everybody)) items += turn->item;
    return items;
}

TEST(Turns, UsersTakeTurnsHoweverMuchTheyHave)
{
    Turns<char> turns;
    for (const char item : {'a', 'b', 'c', 'd'}) turns.add(1001, false, ":1.1", item, 1);
    turns.add(1002, false, ":1.2", 'X', 1);
    turns.add(1002, false, ":1.2", 'Y', 1);
    EXPECT_EQ(rest_of(turns), "aXbYcd");
    EXPECT_TRUE(turns.empty());
}

TEST(Turns, ManyConnectionsMakeNoMoreTurns)
{
    Turns<char> turns;
    turns.add(1001, false, ":1.1", 'a', 1);
    turns.add(1001, false, ":1.1", 'b', 1);
    turns.add(1001, false, ":1.2", 'c', 1);
    turns.add(1002, false, ":1.3", 'X', 1);
    turns.add(1002, false, ":1.3", 'Y', 1);
    EXPECT_EQ(rest_of(turns), "aXcYb");
}

TEST(Turns, MastersComeFirst)
{
    Turns<char> turns;
    turns.add(1001, false, ":1.1", 'a', 1);
    turns.add(0, true, ":1.2", 'R', 1);
    EXPECT_EQ(turns.next(everybody)->item, 'R');
    turns.add(0, true, ":1.2", 'S', 1);
    EXPECT_EQ(rest_of(turns), "Sa");
}

TEST(Turns, WhoMayNotIsPassedOverAndKeepsWhatTheyHave)
{
    Turns<char> turns;
    turns.add(1001, false, ":1.1", 'a', 5);
    turns.add(1002, false, ":1.2", 'X', 7);
    const auto not_1001 = [](uid_t uid) { return uid != 1001; };
    EXPECT_EQ(turns.next(not_1001)->item, 'X');
    EXPECT_FALSE(turns.next(not_1001));
    EXPECT_EQ(turns.of(1001).items, 1U);
    EXPECT_EQ(turns.of(1001).bytes, 5U);
    EXPECT_EQ(turns.of(1002).items, 0U);
    EXPECT_EQ(rest_of(turns), "a");
}

RC_GTEST_PROP(TurnsProperty, NothingIsLostAndWhoWaitsIsOvertakenByNobodyTwice, ())
{
    Turns<int> turns;
    std::map<std::string, std::vector<int>> in, out;
    std::map<uid_t, std::map<uid_t, int>> overtaken; ///< while the first one waits, the second one's turns
    int last = 0;
    const auto take = [&] {
        const auto turn = turns.next(everybody);
        if (!turn) return;
        out[turn->connection].push_back(turn->item);
        overtaken.erase(turn->uid);
        for (const uid_t other : {1U, 2U, 3U})
            if (other != turn->uid && turn->uid != 0 && turns.of(other).items > 0) RC_ASSERT(++overtaken[other][turn->uid] <= 1);
    };
    for (int step = *rc::gen::inRange(0, 200); step > 0; --step) {
        if (*rc::gen::inRange(0, 3) == 0) {
            take();
            continue;
        }
        const uid_t uid = *rc::gen::inRange<uid_t>(0, 4);
        const std::string connection = std::to_string(uid) + "." + std::to_string(*rc::gen::inRange(0, 3));
        turns.add(uid, uid == 0, connection, ++last, 1);
        in[connection].push_back(last);
    }
    while (!turns.empty()) take();
    RC_ASSERT(in == out);
}

} // namespace
} // namespace pm::policy
