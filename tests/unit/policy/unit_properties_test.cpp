// SPDX-License-Identifier: Apache-2.0
#include "policy/unit_properties.hpp"

#include <algorithm>
#include <gtest/gtest.h>

namespace pm::policy {
namespace {

using model::AppSpec;
using model::LimitScope;
using model::ResourceControl;
using model::UnitProperty;

constexpr std::uint64_t kInfinity = ResourceControl::kInfinity;

UnitProperty number(const char* name, std::uint64_t value) { return {name, value}; }

/// What every process has.
Properties common()
{
    return {{"UMask", std::uint32_t{0022}},
            {"KillMode", std::string("control-group")},
            {"KillSignal", std::int32_t{SIGTERM}},
            number("TimeoutStopUSec", 1'600'000)};
}

Properties operator+(Properties left, const Properties& right)
{
    left.insert(left.end(), right.begin(), right.end());
    return left;
}

AppSpec limited(const ResourceControl& limits)
{
    AppSpec spec;
    spec.limits = limits;
    return spec;
}

ResourceControl all(LimitScope scope)
{
    return {.scope = scope, .memory_low = 1, .memory_high = 2, .memory_max = 3, .memory_swap_max = 0,
            .cpu = 150, .cpu_weight = 200, .io_weight = 300, .tasks = 20};
}

const Properties kAll{number("MemoryLow", 1),      number("MemoryHigh", 2), number("MemoryMax", 3),
                      number("MemorySwapMax", 0),  number("CPUQuotaPerSecUSec", 1'500'000),
                      number("CPUWeight", 200),    number("IOWeight", 300), number("TasksMax", 20)};

TEST(UnitProperties, OfAPlainApp)
{
    EXPECT_EQ(instance_properties({}), common());
    EXPECT_TRUE(slice_properties({}).empty());
}

TEST(UnitProperties, LimitsAreOfEachProcessOrOfTheSlice)
{
    EXPECT_EQ(instance_properties(limited(all(LimitScope::Instance))), kAll + common());
    EXPECT_TRUE(slice_properties(limited(all(LimitScope::Instance))).empty());
    EXPECT_EQ(instance_properties(limited(all(LimitScope::App))), common());
    EXPECT_EQ(slice_properties(limited(all(LimitScope::App))), kAll);
}

TEST(UnitProperties, TheRestOfTheProcess)
{
    AppSpec spec;
    spec.rlimits = {{RLIMIT_NOFILE, 10, 20}, {RLIMIT_AS, RLIM_INFINITY, RLIM_INFINITY}};
    spec.umask = 0027;
    spec.nice = -5;
    spec.oom_score_adj = 100;
    spec.kill_mode = model::KillMode::Main;
    spec.kill_signal = SIGINT;
    spec.kill_timeout = model::Milliseconds(5);
    spec.sandbox = {{"PrivateTmp", {"yes"}, {{"PrivateTmp", true}}}};
    EXPECT_EQ(instance_properties(spec),
              (Properties{number("LimitNOFILE", 20), number("LimitNOFILESoft", 10), number("LimitAS", kInfinity),
                          number("LimitASSoft", kInfinity), {"UMask", std::uint32_t{0027}}, {"Nice", std::int32_t{-5}},
                          {"OOMScoreAdjust", std::int32_t{100}}, {"KillMode", std::string("process")},
                          {"KillSignal", std::int32_t{SIGINT}}, number("TimeoutStopUSec", 5'000), {"PrivateTmp", true}}));
}

TEST(InstanceProperties, AFilterOfSystemCallsLetsPmExecInstallItsOwn)
{
    AppSpec spec;
    spec.sandbox = {{"SystemCallFilter", {"@system-service"}, {{"SystemCallFilter", model::NameFilter{true, {"@system-service"}}}}}};
    const model::UnitProperty let{"SystemCallFilter", model::NameFilter{true, {"seccomp"}}};
    EXPECT_EQ(std::ranges::count(instance_properties(spec), let), 0);
    spec.serving.cluster = model::ClusterMode::Transparent;
    EXPECT_EQ(instance_properties(spec).back(), let);
    spec.sandbox.clear();
    EXPECT_EQ(std::ranges::count(instance_properties(spec), let), 0) << "it would be all that is allowed";
}

TEST(LiveChanges, SetWhatDiffersAndTakeAwayWhatFalls)
{
    const AppSpec before = limited({.memory_high = 5, .memory_max = 9, .cpu = 50});
    EXPECT_EQ(live_changes(before, before), LimitChange{});
    EXPECT_EQ(live_changes(before, limited({.memory_low = 1, .memory_max = 7, .cpu = 50})),
              (LimitChange{{number("MemoryLow", 1), number("MemoryHigh", kInfinity), number("MemoryMax", 7)}, {}}));
    EXPECT_EQ(live_changes(before, limited({})),
              (LimitChange{{number("MemoryHigh", kInfinity), number("MemoryMax", kInfinity), number("CPUQuotaPerSecUSec", kInfinity)}, {}}));
}

TEST(LiveChanges, OfTheScopeMoveBetweenProcessAndSlice)
{
    const AppSpec each = limited({.memory_max = 9});
    const AppSpec together = limited({.scope = LimitScope::App, .memory_max = 9});
    EXPECT_EQ(live_changes(each, together), (LimitChange{{number("MemoryMax", kInfinity)}, {number("MemoryMax", 9)}}));
    EXPECT_EQ(live_changes(together, each), (LimitChange{{number("MemoryMax", 9)}, {number("MemoryMax", kInfinity)}}));
}

TEST(LiveChanges, AnythingElseNeedsARestart)
{
    AppSpec after = limited({.memory_max = 9});
    after.instances.number = 4;
    EXPECT_TRUE(live_changes({}, after)) << "the count is no reason";
    after.args = {"x"};
    EXPECT_FALSE(live_changes({}, after));
    EXPECT_TRUE(live_changes(limited({.tasks = 3}), limited({.tasks = 4})));
    EXPECT_FALSE(live_changes(limited({.tasks = 3}), {})) << "systemd's own default comes back with a new unit only";
    AppSpec boxed;
    boxed.sandbox = {{"PrivateTmp", {"yes"}, {{"PrivateTmp", true}}}};
    EXPECT_FALSE(live_changes({}, boxed));
}

} // namespace
} // namespace pm::policy
