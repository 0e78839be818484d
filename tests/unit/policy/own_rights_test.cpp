// SPDX-License-Identifier: Apache-2.0
#include "policy/own_rights.hpp"

#include <gtest/gtest.h>

namespace pm::policy {
namespace {

const Loader kLoader{1001, "alice", [](int resource) { return resource == RLIMIT_NOFILE ? rlim_t{1024} : RLIM_INFINITY; }, 5000};

model::AppSpec own(model::AppSpec spec = {})
{
    spec.name = "web";
    make_own(spec, kLoader);
    return spec;
}

std::string asked_by(const model::AppSpec& spec)
{
    std::string text;
    for (const Excess& one : excesses_of(spec, kLoader)) {
        EXPECT_EQ(one.app, "web");
        EXPECT_TRUE(one.what.starts_with(one.key + ": ")) << one.what;
        text += (text.empty() ? "" : ", ") + one.what;
    }
    return text;
}

TEST(OwnRights, AnAppIsItsLoadersUnlessItSaysOtherwise)
{
    EXPECT_EQ(own().user, "alice");
    EXPECT_EQ(own().logs.folder, "1001");
    model::AppSpec spec;
    spec.user = "1001";
    EXPECT_EQ(own(spec).user, "alice"); // somebody else might be called so
    spec.user = "root";
    EXPECT_EQ(own(spec).user, "root");
}

TEST(OwnRights, WhatTheLoaderMayDoAloneIsNothingSpecial)
{
    model::AppSpec spec;
    spec.user = "alice";
    spec.nice = 5;
    spec.oom_score_adj = 0;
    spec.umask = 0;
    spec.rlimits = {{RLIMIT_NOFILE, 10, 1024}, {RLIMIT_CORE, RLIM_INFINITY, RLIM_INFINITY}};
    spec.logs.out_file = "/dev/null";
    spec.limits.cpu_weight = 100;
    spec.limits.memory_max = 1;
    spec.limits.memory_low = 0;
    spec.limits.tasks = 5000;
    spec.pid_file = "/run/web.pid"; // is written as alice
    EXPECT_EQ(asked_by(own(spec)), "");
}

TEST(OwnRights, KeysThatNeedRootAreFound)
{
    const auto with = [](auto&& change) {
        model::AppSpec spec;
        change(spec);
        return asked_by(own(spec));
    };
    EXPECT_EQ(with([](auto& spec) { spec.user = "root"; }), "user: root");
    EXPECT_EQ(with([](auto& spec) { spec.user = "0"; }), "user: 0");
    EXPECT_EQ(with([](auto& spec) { spec.user = "1002"; }), "user: 1002");
    EXPECT_EQ(with([](auto& spec) { spec.group = "shadow"; }), "group: shadow");
    EXPECT_EQ(with([](auto& spec) { spec.nice = -1; }), "nice: -1");
    EXPECT_EQ(with([](auto& spec) { spec.oom_score_adj = -1000; }), "oom_score_adj: -1000");
    EXPECT_EQ(with([](auto& spec) { spec.rlimits = {{RLIMIT_NOFILE, 10, 1025}}; }), "rlimits: nofile");
    EXPECT_EQ(with([](auto& spec) { spec.limits.memory_low = 1; }), "limits.memory_low: 1");
    EXPECT_EQ(with([](auto& spec) { spec.limits.cpu_weight = 101; }), "limits.cpu_weight: 101");
    EXPECT_EQ(with([](auto& spec) { spec.limits.io_weight = 101; }), "limits.io_weight: 101");
    EXPECT_EQ(with([](auto& spec) { spec.limits.tasks = 5001; }), "limits.tasks: 5001");
    EXPECT_EQ(with([](auto& spec) { spec.limits.tasks = model::ResourceControl::kInfinity; }), "limits.tasks: infinity");
    EXPECT_EQ(with([](auto& spec) { spec.logs.out_file = "/dev/stdout"; }), "out_file: /dev/stdout");
    EXPECT_EQ(with([](auto& spec) { spec.logs.error_file = "/dev/stderr"; }), "error_file: /dev/stderr");
    EXPECT_EQ(with([](auto& spec) { spec.logs.log_file = "/dev/stdout"; }), "log_file: /dev/stdout");
    EXPECT_EQ(with([](auto& spec) {
                  spec.user = "root";
                  spec.nice = -5;
              }),
              "user: root, nice: -5");
}

} // namespace
} // namespace pm::policy
