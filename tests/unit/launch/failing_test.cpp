// SPDX-License-Identifier: Apache-2.0
// Each way a launch can fail, and the sentence it is told by.
#include "world.hpp"

#include <cerrno>
#include <sys/resource.h>
#include <unistd.h>

namespace pm::launch::test {
namespace {

using model::LaunchStage;
using Kind = model::ExitInfo::Kind;

class Failing : public Launching {
protected:
    void expect(const model::AppSpec& spec, LaunchStage stage, int error, const std::string& sentence)
    {
        const auto key = world.launch(spec);
        EXPECT_FALSE(world.told(key).gone); // told later, by the loop
        ASSERT_TRUE(world.until_gone(key));
        const auto& exit = *world.told(key).gone;
        EXPECT_EQ(exit.kind, Kind::LaunchFailed);
        EXPECT_EQ(exit.stage, stage) << to_string(exit.stage);
        EXPECT_EQ(exit.code, error);
        EXPECT_EQ(exit.detail, sentence);
        EXPECT_EQ(world.told(key).running, 0);
        EXPECT_EQ(world.told(key).gone_count, 1);
    }
    model::AppSpec interpreted(const std::string& interpreter, const std::string& script)
    {
        auto spec = spec_of(script);
        spec.interpreter = interpreter;
        return spec;
    }
};

TEST_P(Failing, missing_directory)
{
    auto spec = spec_of("true");
    spec.cwd = "/nope";
    expect(spec, LaunchStage::WorkingDirectory, ENOENT, "changing to directory '/nope': No such file or directory");
}

TEST_P(Failing, unknown_user_and_group)
{
    auto spec = spec_of("true");
    spec.user = "no-such-user";
    expect(spec, LaunchStage::User, ENOENT, "user 'no-such-user' does not exist");
    spec.user.clear();
    spec.group = "no-such-group";
    expect(spec, LaunchStage::Group, ENOENT, "group 'no-such-group' does not exist");
}

TEST_P(Failing, directory_that_the_user_may_not_enter)
{
    if (::geteuid() != 0) GTEST_SKIP() << "only root can change users";
    auto spec = spec_of("true");
    spec.user = "nobody";
    spec.cwd = world.path("private");
    std::filesystem::create_directory(spec.cwd);
    std::filesystem::permissions(spec.cwd, std::filesystem::perms::owner_all);
    expect(spec, LaunchStage::WorkingDirectory, EACCES, "changing to directory '" + spec.cwd + "': Permission denied");
}

TEST_P(Failing, missing_script)
{
    expect(spec_of("/x/y"), LaunchStage::FindScript, ENOENT, "finding script '/x/y': No such file or directory");
    expect(interpreted("sh", "/x/y.js"), LaunchStage::FindScript, ENOENT,
           "finding script '/x/y.js': No such file or directory");
}

TEST_P(Failing, missing_program)
{
    expect(spec_of("no-such-program"), LaunchStage::FindProgram, ENOENT,
           "finding program 'no-such-program' in PATH: No such file or directory");
}

TEST_P(Failing, missing_interpreter)
{
    expect(interpreted("nodee", world.write("a.js", "")), LaunchStage::FindInterpreter, ENOENT,
           "finding interpreter 'nodee' in PATH: No such file or directory");
    expect(interpreted("/nope/node", world.path("a.js")), LaunchStage::FindInterpreter, ENOENT,
           "finding interpreter '/nope/node': No such file or directory");
}

TEST_P(Failing, script_that_asks_for_a_missing_interpreter)
{
    const auto script = world.write("a", "#! /nope -x\n");
    expect(spec_of(script), LaunchStage::FindInterpreter, ENOENT,
           "script '" + script + "' asks for interpreter '/nope': No such file or directory");
}

TEST_P(Failing, script_that_is_not_executable)
{
    const auto script = world.write("a", "#!/bin/sh\n", 0644);
    expect(spec_of(script), LaunchStage::Execute, EACCES, "'" + script + "' is not executable (chmod +x)");
}

TEST_P(Failing, directory_as_script)
{
    expect(spec_of("/usr/"), LaunchStage::Execute, EISDIR, "'/usr/' is a directory");
}

TEST_P(Failing, neither_program_nor_script)
{
    const auto script = world.write("a.bin", std::string("\x01\x02\0\x03", 4));
    expect(spec_of(script), LaunchStage::Execute, ENOEXEC,
           "executing '" + script +
               "': Exec format error (no program for this machine, and no script with a '#!' line; name an "
               "interpreter)");
}

TEST_P(Failing, environment_files)
{
    auto spec = spec_of("true");
    spec.env_files = {"/nope/.env"};
    expect(spec, LaunchStage::EnvironmentFile, ENOENT,
           "reading environment file '/nope/.env': No such file or directory");
    spec.env_files = {world.write(".env", "A=1\n\n# x\nnonsense\n")};
    expect(spec, LaunchStage::EnvironmentFile, EINVAL,
           "reading environment file '" + spec.env_files[0] + "': line 4 is not NAME=value");
}

TEST_P(Failing, limit_the_kernel_refuses)
{
    auto spec = spec_of("true");
    spec.rlimits = {{RLIMIT_NOFILE, 2, 1}};
    expect(spec, LaunchStage::Limits, EINVAL, "setting limit 'nofile': Invalid argument");
}

TEST_P(Failing, text_without_interpreter_is_run_by_node)
{
    const auto node = world.write("node", "#!/bin/sh\necho node runs \"$@\"\n");
    auto spec = spec_of(world.write("tool", "console.log(1)\n", 0644), {"one", "two"});
    spec.env = {{"PATH", world.path("") + ":/usr/bin:/bin"}};
    std::string text;
    EXPECT_EQ(world.run(spec, &text).kind, Kind::Exited);
    EXPECT_EQ(text, "node runs " + spec.script + " one two\n");
    world.write("tool", "console.log(1)\n", 0755);
    EXPECT_EQ(world.run(spec, &text).kind, Kind::Exited);
    EXPECT_EQ(text, "node runs " + spec.script + " one two\n");
    spec.env = {{"PATH", "/nope"}};
    expect(spec, LaunchStage::FindInterpreter, ENOENT,
           "finding interpreter 'node' in PATH: No such file or directory");
}

TEST_P(Failing, helper_that_is_not_installed)
{
    DirectOptions options;
    options.pm_exec = "/nope/pm-exec";
    options.cgroups = GetParam();
    world.launcher.reset();
    world.launcher = std::make_unique<DirectLauncher>(world.loop, world, world, world.channels, options, [](const std::string&) {});
    world.launcher->set_events(world);
    expect(spec_of("true"), LaunchStage::Execute, ENOENT, "executing '/nope/pm-exec': No such file or directory");
}

TEST_P(Failing, here_comes_before_path)
{
    auto spec = spec_of("true");
    spec.cwd = world.path("");
    world.write("true", "#!/bin/sh\necho mine\n");
    std::string text;
    world.run(spec, &text);
    EXPECT_EQ(text, "mine\n");
}

INSTANTIATE_TEST_SUITE_P(Trees, Failing, testing::Bool(),
                         [](const auto& row) { return row.param ? "cgroups" : "process_trees"; });

} // namespace
} // namespace pm::launch::test
