// SPDX-License-Identifier: Apache-2.0
#include "policy/dependencies.hpp"

#include <gtest/gtest.h>

namespace pm::policy {
namespace {

using Condition = model::DependencyCondition;
using model::ExitInfo;
using model::InstanceSnapshot;
using model::Status;

const InstanceSnapshot kOnline{.status = Status::Online, .pid = 7};
const InstanceSnapshot kStarting{.status = Status::Starting};
const InstanceSnapshot kBackoff{.status = Status::Backoff, .reason = "exit code 1"};
const InstanceSnapshot kErrored{.status = Status::Errored, .reason = "exit code 1"};
const InstanceSnapshot kStopped{.status = Status::Stopped, .reason = "stopped by command",
                                .last_exit = ExitInfo{.kind = ExitInfo::Kind::Signaled, .code = 15}};
const InstanceSnapshot kDone{.status = Status::Stopped, .last_exit = ExitInfo{.kind = ExitInfo::Kind::Exited, .code = 0}};
const InstanceSnapshot kFailed{.status = Status::Stopped, .last_exit = ExitInfo{.kind = ExitInfo::Kind::Exited, .code = 3}};

std::string text(Condition condition, const std::vector<InstanceSnapshot>& instances)
{
    const auto verdict = dependency_verdict("db", condition, instances);
    if (const auto* not_yet = std::get_if<NotYet>(&verdict)) return "not yet: " + not_yet->reason;
    if (const auto* never = std::get_if<Never>(&verdict)) return "never: " + never->reason;
    return "met";
}

TEST(Dependency, ReadyIsAllAtRestAndOneOnline)
{
    EXPECT_EQ(text(Condition::Ready, {kOnline}), "met");
    EXPECT_EQ(text(Condition::Ready, {kOnline, kErrored}), "met");
    EXPECT_EQ(text(Condition::Ready, {kOnline, kStarting}), "not yet: waits for 'db' to be ready: it is starting");
    EXPECT_EQ(text(Condition::Ready, {kBackoff}), "not yet: waits for 'db' to be ready: it is backoff: exit code 1");
    EXPECT_EQ(text(Condition::Ready, {kErrored}), "never: depends on 'db' to be ready, which is errored: exit code 1");
    EXPECT_EQ(text(Condition::Ready, {kStopped}), "never: depends on 'db' to be ready, which is stopped: stopped by command");
    EXPECT_EQ(text(Condition::Ready, {}), "never: depends on 'db', which is not there");
}

TEST(Dependency, StartedIsAProcess)
{
    EXPECT_EQ(text(Condition::Started, {kOnline, kBackoff}), "met");
    EXPECT_EQ(text(Condition::Started, {kStarting}), "not yet: waits for 'db' to be started: it is starting");
    EXPECT_EQ(text(Condition::Started, {kDone}), "never: depends on 'db' to be started, which is stopped");
}

TEST(Dependency, CompletedIsCodeZeroOfAll)
{
    EXPECT_EQ(text(Condition::Completed, {kDone, kDone}), "met");
    EXPECT_EQ(text(Condition::Completed, {kOnline, kDone}), "not yet: waits for 'db' to complete: it is stopped");
    EXPECT_EQ(text(Condition::Completed, {kFailed}), "never: depends on 'db' to complete, which is stopped");
    EXPECT_EQ(text(Condition::Completed, {kStopped, kDone}), "never: depends on 'db' to complete, which is stopped: stopped by command");
}

} // namespace
} // namespace pm::policy
