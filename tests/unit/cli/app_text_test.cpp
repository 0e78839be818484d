// SPDX-License-Identifier: Apache-2.0
#include "cli/app_text.hpp"

#include "config/app_file.hpp"
#include "scratch.hpp"

#include <unistd.h>
#include <csignal>
#include <gtest/gtest.h>

namespace pm::cli::testing
{
namespace
{

using namespace std::chrono_literals;

/// The app that the text means; fails the test when it has faults.
model::AppSpec spec_of(const AppText& text)
{
    config::ParseOptions options;
    options.base_dir = text.directory;
    options.home = "/home/x";
    auto file = config::parse_app_file(text.text, options);
    for (const auto& fault : file.diagnostics)
        ADD_FAILURE() << config::to_string(fault, text.text);
    return file.apps.size() == 1 ? file.apps.front() : model::AppSpec{};
}

TEST(ScriptText, IsAnAppFileOfTheOptions)
{
    ScriptOptions options;
    options.name_space = "team";
    options.instances = "2";
    options.cwd = "sub";
    options.kill_timeout = "500";
    options.min_uptime = "2s";
    options.kill_signal = "HUP";
    options.max_restarts = "3";
    options.stop_exit_codes = {"0", "3"};
    options.args = {"--port", "80 80"};
    options.no_autorestart = options.no_treekill = options.merge_logs = true;
    const AppText text = script_text("/srv/server.py", "/srv", options, {"MODE=x=y"});
    EXPECT_TRUE(text.caller_environment);
    const auto spec = spec_of(text);
    EXPECT_EQ(spec.name, "server");
    EXPECT_EQ(spec.name_space, "team");
    EXPECT_EQ(spec.script, "/srv/server.py");
    EXPECT_EQ(spec.cwd, "/srv/sub");
    EXPECT_EQ(spec.instances.number, 2);
    EXPECT_EQ(spec.kill_timeout, 500ms);
    EXPECT_EQ(spec.restart.min_uptime, 2s);
    EXPECT_EQ(spec.kill_signal, SIGHUP);
    EXPECT_EQ(spec.restart.max_restarts, 3U);
    EXPECT_EQ(spec.restart.stop_exit_codes.size(), 2U);
    EXPECT_EQ(spec.args, (std::vector<std::string>{"--port", "80 80"}));
    EXPECT_FALSE(spec.restart.autorestart);
    EXPECT_EQ(spec.kill_mode, model::KillMode::Main);
    EXPECT_TRUE(spec.logs.merge_logs);
    EXPECT_EQ(spec.env.at("MODE"), "x=y");
}

TEST(ScriptText, TakesTheVariablesOfTheCallerWhateverTheirNames)
{
    ScriptOptions options;
    options.filter_env = {"SECRET", "AWS_"};
    const auto spec = spec_of(script_text("/srv/a", "/srv", options,
                                          {"GOOD=1", "_=/bin/pmctl", "BASH_FUNC_x%%=() { :; }", "1ST=x", "=x",
                                           "NOTHING", "PWD=/caller", "server.port=8080", "npm_config_//host/:_authToken=t", "MY_SECRET_KEY=x", "AWS_ID=x", "aws_id=y", "_X=z", "EMPTY="}));
    EXPECT_EQ(spec.env,
              (std::map<std::string, std::string>{{"GOOD", "1"}, {"aws_id", "y"}, {"_X", "z"}, {"EMPTY", ""}, {"BASH_FUNC_x%%", "() { :; }"},
                                                  {"1ST", "x"}, {"server.port", "8080"}, {"npm_config_//host/:_authToken", "t"}}));
}

TEST(ScriptText, AnotherUserHasAnotherHome)
{
    const auto names = [](const std::optional<std::string>& user) {
        ScriptOptions options;
        options.user = user;
        return spec_of(script_text("/srv/a", "/srv", options, {"HOME=/me", "USER=me", "LOGNAME=me", "SHELL=/bin/me", "XDG_RUNTIME_DIR=/run/user/7", "A=b"})).env.size();
    };
    EXPECT_EQ(names({}), 6U);
    EXPECT_EQ(names(std::to_string(getuid())), 6U);
    EXPECT_EQ(names(std::to_string(getuid() + 1)), 1U);
}

TEST(ScriptText, OddBytesStayText)
{
    const auto spec = spec_of(script_text("/srv/a \"b\" c", "/srv", {}, {"ODD=\xff\"\\"}));
    EXPECT_EQ(spec.script, "/srv/a \"b\" c");
    EXPECT_EQ(spec.env.at("ODD"), "\xef\xbf\xbd\"\\"); // what is no UTF-8 cannot be in an app file
}

TEST(AppFileText, KnowsWhereItCameFrom)
{
    const Scratch here;
    here.write("sub/app.yaml", "name: web\nscript: sleep\n");
    Context context;
    context.cwd = here.path();
    const auto absolute = read_app_text(context, here / "sub/app.yaml");
    ASSERT_TRUE(absolute);
    EXPECT_EQ(absolute->origin, here / "sub/app.yaml");
    EXPECT_EQ(absolute->directory, here / "sub");
    EXPECT_EQ(absolute->text, "name: web\nscript: sleep\n");
    EXPECT_FALSE(absolute->caller_environment);
    for (const auto* bad : {"none.yaml", "sub"}) {
        const auto text = read_app_text(context, here / bad);
        ASSERT_FALSE(text) << bad;
        EXPECT_EQ(text.error().status, kUsage);
        EXPECT_NE(text.error().message.find(here / bad), std::string::npos) << text.error().message;
    }
}

TEST(AppFileText, IsBounded)
{
    const Scratch here;
    here.write("big.yaml", std::string((4u << 20) + 1, '#'));
    here.write("full.yaml", std::string(4u << 20, '#'));
    EXPECT_TRUE(read_app_text({}, here / "full.yaml"));
    const auto text = read_app_text({}, here / "big.yaml");
    ASSERT_FALSE(text);
    EXPECT_EQ(text.error().status, kUsage);
}

/// What check_app_text() says on standard error.
std::string said_about(AppText text, const Selection& selection, bool good)
{
    ::testing::internal::CaptureStderr();
    EXPECT_EQ(check_app_text({}, text, selection), good);
    return ::testing::internal::GetCapturedStderr();
}

TEST(AppFileText, FaultsAreToldWithTheirPlace)
{
    AppText text{
        .text = "apps:\n  - name: a\n    script: x\n    frobnicate: 1\n", .shown = "app.yaml", .directory = "/srv"};
    EXPECT_EQ(said_about(text, {}, false), "app.yaml:4:5: apps[0].frobnicate: unknown key\n");
    text.caller_environment = true; // nobody wrote that file
    text.shown = "command line";
    EXPECT_EQ(said_about(text, {}, false), "command line: frobnicate: unknown key\n");
    text.text = "name: \"a\\e[31m\"\nscript: x\n";
    EXPECT_EQ(said_about(text, {}, false).find('\033'), std::string::npos);
}

TEST(AppFileText, AWarningIsNoFault)
{
    AppText text{.text = "apps:\n  - {name: a, script: x}\n  - {name: b, script: x}\n",
                 .shown = "app.yaml",
                 .directory = "/srv"};
    EXPECT_EQ(said_about(text, {.profile = "test"}, true), "app.yaml: warning: no app has 'env_test'\n");
    EXPECT_EQ(said_about(text, {}, true), "");
    ASSERT_TRUE(check_app_text({}, text, {.only = {"b"}}));
    EXPECT_EQ(text.names, std::vector<std::string>{"b"});
}

} // namespace
} // namespace pm::cli::testing
