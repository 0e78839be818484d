// SPDX-License-Identifier: Apache-2.0
#include "bus_world.hpp"

namespace pm::bus::testing
{
namespace
{

using namespace std::chrono_literals;

class UsageSamplerTest : public ::testing::Test
{
protected:
    double cpu(engine::ProcessKey key, model::Duration uptime)
    {
        return sampler.sample(meter, key, uptime, now).cpu_percent;
    }

    const engine::ProcessKey first{base::InstanceId{0}, base::Generation{1}};
    const engine::ProcessKey second{base::InstanceId{0}, base::Generation{2}};
    model::TimePoint now{1h};
    FakeMeter meter;
    UsageSampler sampler;
};

TEST_F(UsageSamplerTest, TheFirstLookIsSinceTheStartTheNextSinceTheLast)
{
    meter.usages[first] = {.cpu_usec = 500'000, .memory_bytes = 42};
    const Load load = sampler.sample(meter, first, 2s, now);
    EXPECT_DOUBLE_EQ(load.cpu_percent, 25);
    EXPECT_EQ(load.memory_bytes, 42U);
    now += 1s;
    meter.usages[first].cpu_usec = 2'500'000;
    EXPECT_DOUBLE_EQ(cpu(first, 3s), 200); // two processors
    now += 1s;
    EXPECT_DOUBLE_EQ(cpu(first, 4s), 0);
}

TEST_F(UsageSamplerTest, ManyWhoAskInARowGetTheSame)
{
    meter.usages[first] = {.cpu_usec = 0};
    (void)cpu(first, 10s);
    now += 2s;
    meter.usages[first].cpu_usec = 2'000'000;
    for (int i = 0; i < 8; ++i) {
        EXPECT_DOUBLE_EQ(cpu(first, 12s), 100) << i;
        now += 1ms;
        meter.usages[first].cpu_usec += 1000;
    }
}

TEST_F(UsageSamplerTest, AnotherProcessBeginsAnew)
{
    meter.usages[first] = {.cpu_usec = 5'000'000};
    (void)cpu(first, 10s);
    now += 10s;
    meter.usages[second] = {.cpu_usec = 1'000'000};
    EXPECT_DOUBLE_EQ(cpu(second, 4s), 25);
}

TEST_F(UsageSamplerTest, ForgetsWhatIsDeleted)
{
    meter.usages[first] = {.cpu_usec = 1'000'000};
    (void)cpu(first, 1s);
    sampler.forget(first.id);
    now += 1s;
    EXPECT_DOUBLE_EQ(cpu(first, 2s), 50); // since the start again
}

TEST_F(UsageSamplerTest, OddNumbersGiveZero)
{
    EXPECT_DOUBLE_EQ(cpu(first, 1s), 0); // unknown
    meter.usages[first] = {.cpu_usec = 1'000'000};
    EXPECT_DOUBLE_EQ(cpu(first, 0s), 0); // no time has passed
    now += 1s;
    (void)cpu(first, 1s);
    now += 1s;
    meter.usages[first].cpu_usec = 1; // a child that was counted has left the tree
    EXPECT_DOUBLE_EQ(cpu(first, 1s), 0);
}

} // namespace
} // namespace pm::bus::testing
