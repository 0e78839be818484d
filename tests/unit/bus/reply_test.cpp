// SPDX-License-Identifier: Apache-2.0
// Answers need a bus to go to: what is sent is tested in tests/integration, here only who may wait for one.
#include "bus_world.hpp"

namespace pm::bus::testing
{
namespace
{

TEST(CallQuota, CountsEachCallerAlone)
{
    CallQuota quota(2);
    auto first = quota.take(":1.1", 7);
    auto second = quota.take(":1.1", 7);
    EXPECT_TRUE(first && second);
    EXPECT_FALSE(quota.take(":1.1", 7));
    EXPECT_TRUE(quota.take(":1.2", 7));
    first.reset();
    EXPECT_TRUE(quota.take(":1.1", 7)); // and is given back at once
    auto third = quota.take(":1.1", 7);
    EXPECT_TRUE(third);
    EXPECT_FALSE(quota.take(":1.1", 7));
}

TEST(CallQuota, ANewLimitIsForNewCalls)
{
    CallQuota quota(3);
    auto first = quota.take("x", 7);
    auto second = quota.take("x", 7);
    quota.set_most(1);
    EXPECT_FALSE(quota.take("x", 7));
    second.reset();
    EXPECT_FALSE(quota.take("x", 7));
    first.reset();
    EXPECT_TRUE(quota.take("x", 7));
}

TEST(CallQuota, AMovedTicketIsReturnedOnce)
{
    CallQuota quota(1);
    {
        auto ticket = quota.take("x", 7);
        ASSERT_TRUE(ticket);
        const CallQuota::Ticket moved(std::move(*ticket));
        ticket.reset();
        EXPECT_FALSE(quota.take("x", 7));
    }
    EXPECT_TRUE(quota.take("x", 7));
}

TEST(CallQuota, TicketsMayOutliveIt)
{
    auto quota = std::make_unique<CallQuota>(1);
    auto ticket = quota->take("x", 7);
    quota.reset();
    ticket.reset(); // a sanitizer would complain here
}

TEST(Reply, FreesItsPlaceWhenForgotten)
{
    CallQuota quota(1);
    {
        const Reply<> reply(sdbus::Result<>{}, quota.take("x", 7));
    }
    EXPECT_TRUE(quota.take("x", 7));
}

TEST_F(BusTest, ACallTakesAPlace)
{
    {
        const auto first = accept_call(context, nullptr, sdbus::Result<>{});
        const auto second = accept_call(context, nullptr, sdbus::Result<>{});
        ASSERT_TRUE(first && second);
        EXPECT_FALSE(first->answered());
        EXPECT_FALSE(quota.take("", 7)); // the test's quota is two
    }
    EXPECT_TRUE(quota.take("", 7));
}

} // namespace
} // namespace pm::bus::testing
