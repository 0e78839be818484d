// SPDX-License-Identifier: Apache-2.0
#include "policy/environment.hpp"

#include <gtest/gtest.h>

namespace pm::policy {
namespace {

const Identity kIdentity{base::InstanceId{7}, base::Slot{2}, base::Generation{3}};

TEST(EnvironmentOf, TellsTheProcessWhoItIsAndNothingElse)
{
    model::AppSpec spec;
    spec.name = "web";
    spec.script = "./server";
    EXPECT_EQ(environment(spec, kIdentity, {}),
              (Environment{{"NODE_APP_INSTANCE", "2"},
                           {"PM_NAME", "web"},
                           {"PM_ID", "7"},
                           {"PM_INSTANCE", "2"},
                           {"PM_NAMESPACE", "default"},
                           {"PM_GENERATION", "3"},
                           {"name", "web"},
                           {"pm_id", "7"}}));
}

TEST(EnvironmentOf, PutsTheBaseUnderWhatIsDeclared)
{
    model::AppSpec spec;
    spec.env = {{"PATH", "/mine"}, {"PM_NAME", "forged"}};
    const Environment base{{"PATH", "/usr/bin"}, {"HOME", "/root"}};
    auto env = environment(spec, kIdentity, base);
    EXPECT_EQ(env.at("PATH"), "/mine");
    EXPECT_EQ(env.at("HOME"), "/root");
    EXPECT_EQ(env.at("PM_NAME"), "");
    spec.env_from_caller = true;
    EXPECT_FALSE(environment(spec, kIdentity, base).contains("HOME"));
}

TEST(EnvironmentOf, TellsTheWorkingDirectoryAsAShellDoes)
{
    model::AppSpec spec;
    spec.cwd = "/srv/current";
    EXPECT_EQ(environment(spec, kIdentity, {}).at("PWD"), "/srv/current");
    spec.env = {{"PWD", "/elsewhere"}};
    EXPECT_EQ(environment(spec, kIdentity, {}).at("PWD"), "/elsewhere");
}

TEST(EnvironmentOf, CountsTheIncrementVariableUp)
{
    const auto port = [](std::map<std::string, std::string> declared) {
        model::AppSpec spec;
        spec.increment_var = "PORT";
        spec.env = std::move(declared);
        return environment(spec, kIdentity, {}).at("PORT");
    };
    EXPECT_EQ(port({{"PORT", "3000"}}), "3002");
    EXPECT_EQ(port({}), "2");
    EXPECT_EQ(port({{"PORT", "http"}}), "http");
    EXPECT_EQ(port({{"PORT", "9223372036854775807"}}), "9223372036854775807");
}

TEST(EnvironmentOf, RenamesTheInstanceVariable)
{
    model::AppSpec spec;
    spec.instance_var = "WORKER";
    const auto env = environment(spec, kIdentity, {});
    EXPECT_EQ(env.at("WORKER"), "2");
    EXPECT_FALSE(env.contains("NODE_APP_INSTANCE"));
}

TEST(EnvironmentOf, HasPythonWriteAtOnce)
{
    model::AppSpec spec;
    spec.script = "a.py";
    EXPECT_EQ(environment(spec, kIdentity, {}).at("PYTHONUNBUFFERED"), "1");
    spec.env["PYTHONUNBUFFERED"] = "";
    EXPECT_EQ(environment(spec, kIdentity, {}).at("PYTHONUNBUFFERED"), "");
    spec.env.clear();
    spec.interpreter = "/opt/bin/python3.11";
    EXPECT_TRUE(environment(spec, kIdentity, {}).contains("PYTHONUNBUFFERED"));
    spec.interpreter = "/opt/python/ruby";
    EXPECT_FALSE(environment(spec, kIdentity, {}).contains("PYTHONUNBUFFERED"));
}

} // namespace
} // namespace pm::policy
