// SPDX-License-Identifier: Apache-2.0
#include "policy/serving.hpp"

#include <gtest/gtest.h>

namespace pm::policy {
namespace {

model::AppSpec checked(const char* url)
{
    model::AppSpec spec;
    spec.name = "web";
    spec.health.emplace().target = model::http_target_from(url).value();
    return spec;
}

constexpr Identity kThird{base::InstanceId{7}, base::Slot{2}, base::Generation{5}};

TEST(HealthTarget, APortOfItsOwnIsThatOfTheInstance)
{
    model::AppSpec spec = checked("http://[::1]:$PORT/up");
    spec.env["PORT"] = "8000";
    EXPECT_EQ(model::to_string(health_target(spec, kThird).value()), "http://[::1]:8000/up");
    spec.increment_var = "PORT";
    EXPECT_EQ(model::to_string(health_target(spec, kThird).value()), "http://[::1]:8002/up");
    EXPECT_EQ(model::to_string(health_target(checked("http://localhost:80/"), kThird).value()), "http://localhost:80/");
}

TEST(HealthTarget, WhatIsNoPortIsAnError)
{
    model::AppSpec spec = checked("http://127.0.0.1:$PORT/");
    for (const char* value : {"", "0", "65536", "-1", "80 ", "x"}) {
        spec.env["PORT"] = value;
        EXPECT_EQ(health_target(spec, kThird).error().message, "asking http://127.0.0.1:$PORT/: the variable 'PORT' is no port") << value;
    }
    spec.env.clear();
    EXPECT_FALSE(health_target(spec, kThird));
    spec.env["PORT"] = "65534";
    spec.increment_var = "PORT";
    EXPECT_FALSE(health_target(spec, kThird)) << "counted up beyond the last port";
}

} // namespace
} // namespace pm::policy
