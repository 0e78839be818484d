// SPDX-License-Identifier: Apache-2.0
// What the calls of the D-Bus objects work on, without a bus: a Supervisor in a fake world, a launcher that knows
// usage.
#pragma once

#include "bus/context.hpp"

#include "../engine/fake_world.hpp"

#include <cstdlib>
#include <filesystem>
#include <stdexcept>

namespace pm::bus::testing
{

/// Stands beside the fake world's launcher for the calls that only ask.
class FakeMeter final : public engine::Launcher
{
public:
    std::map<engine::ProcessKey, model::Usage> usages;
    base::Result<std::vector<std::string>> lines = std::vector<std::string>{};
    int asked = 0; ///< how often usage was

    void launch(const engine::LaunchRequest&) override { ADD_FAILURE(); }
    void adopt(const engine::LaunchRequest&) override { ADD_FAILURE(); }
    void terminate(engine::ProcessKey, int) override { ADD_FAILURE(); }
    void kill(engine::ProcessKey) override { ADD_FAILURE(); }
    base::Result<void> signal(engine::ProcessKey, int) override { return {}; }
    std::optional<model::Usage> usage(engine::ProcessKey key) override
    {
        ++asked;
        const auto found = usages.find(key);
        return found == usages.end() ? std::nullopt : std::optional(found->second);
    }
    base::Result<std::vector<std::string>> environment(engine::ProcessKey) override { return lines; }
    void adjust(const engine::Adjustment&) override { ADD_FAILURE(); }
    [[nodiscard]] std::string not_enforced(const model::AppSpec&) const override { return warning; }
    std::string warning;
    void forget(base::InstanceId, const std::string&, bool) override { ADD_FAILURE(); }
};

class BusTest : public ::testing::Test
{
protected:
    BusTest()
    {
        std::string pattern = "/tmp/pmd-test-XXXXXX";
        if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
        directory = pattern;
    }
    ~BusTest() override
    {
        std::error_code ignored;
        std::filesystem::remove_all(directory, ignored);
    }
    void online(std::vector<model::AppSpec> specs)
    {
        ASSERT_TRUE(world.supervisor.apply(std::move(specs), {}, [](const engine::Outcome&) {}));
        world.deliver();
    }

    std::string directory;
    engine::testing::FakeWorld world;
    FakeMeter meter;
    io::EventLoop loop;
    logs::LogStore logs{loop, {}, [](const std::string&) {}};
    config::Settings settings;
    CallQuota quota{2};
    UsageSampler sampler;
    Context context{.supervisor = world.supervisor,
                    .launcher = meter,
                    .logs = logs,
                    .clock = world,
                    .settings = settings,
                    .quota = quota,
                    .sampler = sampler,
                    .scope = config::BusKind::Embedded,
                    .launcher_name = {},
                    .state_dir = "/state",
                    .log_dir = "/state/logs",
                    .home = "/home/x",
                    .user = "me",
                    .exit = {},
                    .freed_memory = [this] { ++freed_memory; }};
    int freed_memory = 0;
};

} // namespace pm::bus::testing
