// SPDX-License-Identifier: Apache-2.0
#include "bus/load_request.hpp"

#include "bus_world.hpp"

#include <fstream>
#include <map>
#include <sys/stat.h>

namespace pm::bus::testing
{
namespace
{

using base::ErrorCode;
using Strings = std::vector<std::string>;

constexpr const char* kTwo = "apps:\n  - {name: a, script: x, env_test: {A: one}}\n  - {name: b, script: x}\n";

class LoadRequestTest : public BusTest
{
protected:
    LoadRequest read(const std::string& text, const std::string& origin, const OptionMap& options)
    {
        auto request = read_load_request(context, text, origin, options);
        EXPECT_TRUE(request) << (request ? "" : request.error().message);
        return request ? std::move(*request) : LoadRequest{};
    }
    base::Error refused(const std::string& text, const std::string& origin, const OptionMap& options)
    {
        const auto request = read_load_request(context, text, origin, options);
        EXPECT_FALSE(request);
        return request ? base::Error{} : request.error();
    }
};

TEST_F(LoadRequestTest, TheJournalNeedsUnitsOfSystemd)
{
    const std::string text = "{name: a, script: x, logs: {to: journal}}";
    EXPECT_FALSE(read(text, "/a.yaml", {}).file.ok());
    context.launcher_name = "systemd";
    EXPECT_TRUE(read(text, "/a.yaml", {}).file.ok());
}

TEST_F(LoadRequestTest, OptionsHaveTheirEffect)
{
    const auto plain = read(kTwo, "/srv/app.yaml", {});
    ASSERT_EQ(plain.file.apps.size(), 2U);
    EXPECT_EQ(plain.file.apps[0].cwd, "/srv");
    EXPECT_TRUE(plain.apply.start);
    EXPECT_FALSE(plain.apply.prune);
    EXPECT_TRUE(plain.wait);
    EXPECT_EQ(plain.apply.origin, "/srv/app.yaml");
    EXPECT_EQ(plain.apply.owner, getuid());
    const auto chosen = read(kTwo, "stdin",
                             {{"profile", sdbus::Variant(std::string("test"))},
                              {"only", sdbus::Variant(Strings{"a"})},
                              {"namespace", sdbus::Variant(std::string("n"))},
                              {"directory", sdbus::Variant(std::string("/opt"))},
                              {"start", sdbus::Variant(false)},
                              {"prune", sdbus::Variant(true)},
                              {"wait", sdbus::Variant(false)},
                              {"caller-environment", sdbus::Variant(true)}});
    ASSERT_EQ(chosen.file.apps.size(), 1U);
    EXPECT_EQ(chosen.file.apps[0].env.at("A"), "one");
    EXPECT_EQ(chosen.file.apps[0].name_space, "n");
    EXPECT_EQ(chosen.file.apps[0].cwd, "/opt");
    EXPECT_FALSE(chosen.apply.start);
    EXPECT_TRUE(chosen.apply.prune);
    EXPECT_FALSE(chosen.wait);
}

TEST_F(LoadRequestTest, AFileIsOneOriginHoweverItsPathIsWritten)
{
    for (const auto& [origin, one] : std::map<std::string, std::string>{
             {"/a/b.yaml", "/a/b.yaml"}, {"/a/./c//../b.yaml", "/a/b.yaml"}, {"stdin", "stdin"}, {"a/../b", "a/../b"}, {"", ""}})
        EXPECT_EQ(read("{name: a, script: x}", origin, {}).apply.origin, one) << origin;
}

TEST_F(LoadRequestTest, OnlyTheAppOfACommandLineRespectsNamesAndEnvironments)
{
    const auto effect = [this](const OptionMap& options) {
        const auto apply = read(kTwo, "/srv/app.yaml", options).apply;
        return std::pair(apply.take_over, apply.update_env);
    };
    EXPECT_EQ(effect({}), std::pair(true, true));
    EXPECT_EQ(effect({{"caller-environment", sdbus::Variant(true)}}), std::pair(false, false));
    EXPECT_EQ(effect({{"caller-environment", sdbus::Variant(true)}, {"force", sdbus::Variant(true)}}), std::pair(true, false));
    EXPECT_EQ(effect({{"caller-environment", sdbus::Variant(true)}, {"update-env", sdbus::Variant(true)}}), std::pair(false, true));
}

TEST_F(LoadRequestTest, TheCallerTellsWhoseNameTheFileHasAndWhatItsFilesAre)
{
    const std::string text = "- {script: www, nobody: 1}";
    EXPECT_FALSE(read(text, "/srv/app.yaml", {}).file.ok());
    EXPECT_TRUE(read(text, "/srv/app.yaml", {{"dialect", sdbus::Variant(std::string("pm2"))}}).file.ok());
    EXPECT_EQ(refused(text, "/srv/app.yaml", {{"dialect", sdbus::Variant(std::string("PM3"))}}).code, ErrorCode::InvalidArgument);
    const auto told = [this](const std::string& path) {
        const std::map<std::string, std::string> files{{path, "#!/usr/bin/env node"}};
        return read("- script: www", "/srv/app.yaml", {{"files", sdbus::Variant(files)}}).file.apps.at(0);
    };
    EXPECT_EQ(told("/srv/www").interpreter, "node");
    EXPECT_FALSE(told("/elsewhere/www").interpreter);
    EXPECT_EQ(read("- {script: a, nice: 99}", "/a", {{"evaluated", sdbus::Variant(true)}}).file.diagnostics.at(0).line, 0U);
}

TEST_F(LoadRequestTest, TheDirectoryIsThatOfTheOrigin)
{
    for (const auto& [origin, cwd] : std::map<std::string, std::string>{
             {"/a/b.yaml", "/a"}, {"/b.yaml", "/"}, {"stdin", "/"}, {"", "/"}, {"a/b", "/"}})
        EXPECT_EQ(read("{name: a, script: x}", origin, {}).file.apps.at(0).cwd, cwd) << origin;
}

TEST_F(LoadRequestTest, BadArgumentsAreRefused)
{
    EXPECT_EQ(refused("", "", {{"prune", sdbus::Variant(std::string("yes"))}}).code, ErrorCode::InvalidArgument);
    EXPECT_EQ(refused("", "", {{"purge", sdbus::Variant(true)}}).code, ErrorCode::InvalidArgument);
    EXPECT_EQ(refused("", "", {{"directory", sdbus::Variant(std::string("srv"))}}).message,
              "option 'directory' must be an absolute path, not 'srv'");
    EXPECT_EQ(refused("", std::string(4097, 'x'), {}).code, ErrorCode::InvalidArgument);
    read("{name: a, script: x}", std::string(4096, 'x'), {});
    settings.max_file_bytes = 20;
    const auto error = refused("{name: a, script: xx}", "app.yaml", {});
    EXPECT_EQ(error.code, ErrorCode::LimitExceeded);
    EXPECT_EQ(error.message, "app.yaml: the file has 21 bytes, more than the 20 allowed (max_file_bytes in pmd.yaml)");
    read("{name: a, script: x}", "", {});
}

TEST_F(LoadRequestTest, FaultsOfTheFileComeWithIt)
{
    const auto request = read("name: a\nfrobnicate: 1\n", "/srv/app.yaml", {});
    const auto faults = faults_of(request.file, "/srv/app.yaml");
    ASSERT_FALSE(faults);
    EXPECT_EQ(faults.error().code, ErrorCode::InvalidSpec);
    EXPECT_EQ(faults.error().message,
              "/srv/app.yaml:1:1: 'script' is missing\n/srv/app.yaml:2:1: frobnicate: unknown key");
    EXPECT_TRUE(faults_of(read(kTwo, "x", {{"profile", sdbus::Variant(std::string("none"))}}).file, "x")); // a warning only
    settings.max_apps = 1;
    EXPECT_FALSE(faults_of(read(kTwo, "x", {}).file, "x"));
}

TEST_F(LoadRequestTest, FiftyFaultsAreTold)
{
    config::AppFile file;
    for (std::uint32_t i = 1; i <= 53; ++i)
        file.diagnostics.push_back({config::Severity::Error, i, 1, "", "bad"});
    file.diagnostics.push_back({config::Severity::Warning, 54, 1, "", "odd"});
    const std::string message = faults_of(file, "f").error().message;
    EXPECT_EQ(std::count(message.begin(), message.end(), '\n'), 50);
    EXPECT_TRUE(message.ends_with("\nf:50:1: bad\nand 3 more")) << message;
}

TEST_F(LoadRequestTest, SandboxIsRefusedByTheDirectLauncher)
{
    const std::string text = "script: x\nsandbox: {PrivateTmp: true}\n";
    context.launcher_name = "direct";
    const auto refused = faults_of(read(text, "f", {}).file, "f");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().message, "f:2:1: sandbox: needs the systemd launcher: this pmd starts processes by itself (direct)");
    context.launcher_name = "systemd";
    EXPECT_TRUE(faults_of(read(text, "f", {}).file, "f"));
}

TEST_F(LoadRequestTest, ReadsRegularFilesWithinTheBound)
{
    const std::string file = directory + "/app.yaml";
    std::ofstream(file) << std::string(100'000, '#');
    EXPECT_EQ(read_app_file(file, 100'000).value().size(), 100'000U);
    EXPECT_EQ(read_app_file(file, 99'999).error().code, ErrorCode::LimitExceeded);
    EXPECT_EQ(read_app_file("app.yaml", 100).error().message, "opening 'app.yaml': the path must be absolute");
    EXPECT_EQ(read_app_file(directory + "/none", 100).error().message,
              "opening '" + directory + "/none': No such file or directory");
    EXPECT_EQ(read_app_file(directory, 100).error().message, "opening '" + directory + "': not a regular file");
    ASSERT_EQ(mkfifo((directory + "/fifo").c_str(), 0600), 0);
    EXPECT_EQ(read_app_file(directory + "/fifo", 100).error().code,
              ErrorCode::InvalidArgument); // nobody writes: must not wait
}

} // namespace
} // namespace pm::bus::testing
