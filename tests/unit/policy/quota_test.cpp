// SPDX-License-Identifier: Apache-2.0
#include "policy/quota.hpp"

#include <gtest/gtest.h>

namespace pm::policy {
namespace {

constexpr uid_t kAlice = 1001;
const QuotaBounds kBounds{.of_user = {10, 20, 100'000}, .of_all = {40, 80, 0}};

std::string checked(const QuotaUsage& present, const Usage& more, bool master = false)
{
    const auto result = check_quota(kBounds, present, more, kAlice, master);
    if (result) return {};
    EXPECT_EQ(result.error().code, base::ErrorCode::LimitExceeded);
    return result.error().message;
}

TEST(Quota, AUserHasWhatOneUserMayHave)
{
    const QuotaUsage present{.user = {9, 19, 99'000}, .users = {9, 19, 99'000}, .all = {9, 19, 99'000}};
    EXPECT_EQ(checked(present, {1, 1, 1'000}), "");
    EXPECT_EQ(checked(present, {2, 0, 0}), "user 1001 would have 11 apps, more than the 10 that one user may have (max_apps_per_user in pmd.yaml); delete some first, "
                                           "or ask root to raise it");
    EXPECT_NE(checked(present, {0, 2, 0}).find("21 instances, more than the 20 that one user may have (max_instances_per_user"), std::string::npos);
    EXPECT_NE(checked(present, {0, 0, 1'001}).find("max_state_per_user"), std::string::npos);
    EXPECT_EQ(checked(present, {2, 2, 10'000}, true), "") << "a master is not bound so";
}

TEST(Quota, OrdinaryUsersDoNotReachTheShareOfMasters)
{
    const QuotaUsage present{.user = {}, .users = {30, 60, 0}, .all = {30, 60, 0}};
    EXPECT_NE(checked(present, {1, 0, 0}).find("31 apps, more than the 30 that they may have together (three quarters of max_apps"), std::string::npos);
    EXPECT_NE(checked(present, {0, 1, 0}).find("three quarters of max_instances"), std::string::npos);
    EXPECT_EQ(checked(present, {10, 20, 0}, true), "");
    EXPECT_NE(check_quota({}, {}, {1, 1, 10, 257}, 1001, false).error().message.find("257 held sockets, more than the 256 that one user may have (max_sockets_per_user"), std::string::npos);
    EXPECT_TRUE(check_quota({}, {}, {1, 1, 10, 257}, 0, true));
    EXPECT_NE(checked(present, {11, 20, 0}, true).find("41 apps would be more than the 40 that are allowed (max_apps"), std::string::npos);
}

TEST(Quota, WhoHasMoreThanABoundThatWasLoweredKeepsIt)
{
    const QuotaUsage present{.user = {15, 25, 200'000}, .users = {50, 90, 0}, .all = {50, 90, 0}};
    EXPECT_EQ(checked(present, {}), "");
}

TEST(Quota, ASpecIsWhatItComesToWhereItIsKept)
{
    model::AppSpec spec;
    const std::uint64_t empty = bytes_of(spec);
    spec.env = {{"KEY", std::string(1000, 'x')}};
    EXPECT_GT(bytes_of(spec), empty + 1000);
    EXPECT_LT(bytes_of(spec), empty + 1100);
    spec.env = {{"KEY", std::string(1000, '\x01')}};
    EXPECT_GT(bytes_of(spec), empty + 6000) << "control characters are escaped";
    spec.env.clear();
    spec.args = std::vector<std::string>(100, "x");
    EXPECT_GT(bytes_of(spec), empty + 100);
}

} // namespace
} // namespace pm::policy
