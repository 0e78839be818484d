// SPDX-License-Identifier: Apache-2.0
#include "model/app_spec.hpp"
#include "model/status.hpp"

#include <gtest/gtest.h>
#include <set>

namespace pm::model {
namespace {

/// Every value from 0 to `last` has a name of its own that leads back to it.
template <typename Value, typename Back>
void expect_round_trip(Value last, Back&& back)
{
    std::set<std::string_view> names;
    for (int i = 0; i <= static_cast<int>(last); ++i) {
        const auto value = static_cast<Value>(i);
        const std::string_view name = to_string(value);
        EXPECT_FALSE(name.empty()) << i;
        EXPECT_TRUE(names.insert(name).second) << name;
        EXPECT_EQ(back(name), value) << name;
    }
    EXPECT_TRUE(to_string(static_cast<Value>(static_cast<int>(last) + 1)).empty()) << "the enum has grown";
    EXPECT_FALSE(back("nonsense"));
    EXPECT_FALSE(back(""));
}

TEST(Names, RoundTrip)
{
    expect_round_trip(Status::Errored, status_from);
    expect_round_trip(LaunchStage::Execute, launch_stage_from);
    expect_round_trip(SocketType::SeqPacket, socket_type_from);
    expect_round_trip(KillMode::Main, kill_mode_from);
    expect_round_trip(LogType::Json, log_type_from);
    expect_round_trip(LogTarget::Files, log_target_from);
    EXPECT_EQ(resource_names().size(), 16U);
    for (const auto name : resource_names()) {
        ASSERT_TRUE(resource_from(name)) << name;
        EXPECT_EQ(resource_name(*resource_from(name)), name);
    }
    std::set<std::string_view> kinds;
    for (int i = 0; i <= static_cast<int>(ExitInfo::Kind::Lost); ++i)
        kinds.insert(to_string(static_cast<ExitInfo::Kind>(i)));
    EXPECT_EQ(kinds.size(), 4U);
    EXPECT_FALSE(kinds.contains(""));
}

TEST(InstanceCounts, AreNeverFewerThanOne)
{
    using Kind = InstanceCount::Kind;
    EXPECT_EQ(resolve({Kind::Exact, 4}, 8), 4U);
    EXPECT_EQ(resolve({Kind::Exact, 0}, 8), 1U);
    EXPECT_EQ(resolve({Kind::Exact, -5}, 8), 1U);
    EXPECT_EQ(resolve({Kind::PerCpu, 0}, 8), 8U);
    EXPECT_EQ(resolve({Kind::PerCpu, -1}, 8), 7U);
    EXPECT_EQ(resolve({Kind::PerCpu, -100}, 8), 1U);
}

TEST(Exits, AreDescribed)
{
    using Kind = ExitInfo::Kind;
    EXPECT_EQ(describe({.kind = Kind::Exited, .code = 3}), "exit code 3");
    EXPECT_EQ(describe({.kind = Kind::Signaled, .code = 9}), "SIGKILL");
    EXPECT_EQ(describe({.kind = Kind::Signaled, .code = 11, .core_dumped = true}), "SIGSEGV (core dumped)");
    EXPECT_EQ(describe({.kind = Kind::LaunchFailed, .detail = "no such file"}), "no such file");
    EXPECT_EQ(describe({}), "ended unseen");
}

} // namespace
} // namespace pm::model
