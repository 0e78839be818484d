// SPDX-License-Identifier: Apache-2.0
#include "bus/usage_sampler.hpp"

#include <gtest/gtest.h>

namespace pm::bus {
namespace {

using namespace std::chrono_literals;

/// A launcher that knows one thing: how much CPU time was used.
class Meter final : public engine::Launcher {
public:
    std::optional<model::Usage> usage(engine::ProcessKey) override { return model::Usage{cpu_usec, 4096}; }
    void launch(const engine::LaunchRequest&) override {}
    void terminate(engine::ProcessKey, int) override {}
    void kill(engine::ProcessKey) override {}
    base::Result<void> signal(engine::ProcessKey, int) override { return {}; }
    base::Result<std::vector<std::string>> environment(engine::ProcessKey) override { return std::vector<std::string>{}; }
    std::uint64_t cpu_usec = 0;
};

class Sampling : public testing::Test {
protected:
    double percent(std::uint64_t generation = 1)
    {
        return sampler.sample(meter, {base::InstanceId{7}, base::Generation{generation}},
                              std::chrono::duration_cast<model::Duration>(now - started), now)
            .cpu_percent;
    }
    void pass(std::chrono::milliseconds time, double load)
    {
        now += time;
        meter.cpu_usec += static_cast<std::uint64_t>(static_cast<double>(time.count()) * 1000 * load);
    }
    Meter meter;
    UsageSampler sampler;
    model::TimePoint now{1000s};
    model::TimePoint started = now;
};

TEST_F(Sampling, CountsFromTheStartAtFirst)
{
    pass(10s, 0.5);
    EXPECT_DOUBLE_EQ(percent(), 50);
}

TEST_F(Sampling, ManyWhoAskInARowGetTheSame)
{
    pass(10s, 0.0);
    (void)percent();
    pass(2s, 1.0);
    for (int i = 0; i < 8; ++i) {
        EXPECT_DOUBLE_EQ(percent(), 100) << i;
        pass(1ms, 1.0);
    }
}

TEST_F(Sampling, ComparesWithALookThatIsOldEnoughAndNoOlder)
{
    pass(10s, 1.0);
    (void)percent();
    pass(1s, 1.0);
    (void)percent();
    pass(1s, 0.0);
    EXPECT_DOUBLE_EQ(percent(), 0);
}

TEST_F(Sampling, ANewProcessBeginsAnew)
{
    pass(10s, 1.0);
    (void)percent();
    started = now;
    meter.cpu_usec = 0;
    pass(1s, 0.25);
    EXPECT_DOUBLE_EQ(percent(2), 25);
}

} // namespace
} // namespace pm::bus
