// SPDX-License-Identifier: Apache-2.0
#include "cli/bus_choice.hpp"

#include "scratch.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

namespace pm::cli::testing
{
namespace
{

/// The choices as text, joined by ", "; the message of a failure.
std::string choices(std::optional<std::string> option, std::map<std::string, std::string> variables)
{
    if (!variables.contains("XDG_RUNTIME_DIR")) variables.emplace("PMD_RUNTIME_DIR", "/run/x");
    variables.emplace("PMD_STATE_DIR", "/state/x");
    Context context;
    context.machine = {"/run/user/1", "box"};
    context.globals.bus = std::move(option);
    context.environment = environment(std::move(variables));
    context.home = "/home/x";
    const auto found = bus_choices(context);
    if (!found) return std::to_string(found.error().status) + ": " + found.error().message;
    std::string text;
    for (const BusChoice& choice : *found)
        text += (text.empty() ? "" : ", ") + to_string(choice);
    return text;
}

TEST(BusChoice, IsTheOptionThenTheVariable)
{
    EXPECT_EQ(choices("system", {{"PMD_BUS", "session"}}), "system bus");
    EXPECT_EQ(choices({}, {{"PMD_BUS", "session"}}), "session bus");
    EXPECT_EQ(choices("embedded", {}), "bus embedded at /run/x");
    EXPECT_EQ(choices("unix:path=/b", {}), "bus at unix:path=/b");
    EXPECT_EQ(choices("nonsense", {}),
              "2: bus 'nonsense': expected auto, system, session, embedded or a D-Bus address");
    EXPECT_EQ(choices("", {}), "2: bus '': expected auto, system, session, embedded or a D-Bus address");
}

TEST(BusChoice, AutoTriesWhatThereIsASignOf)
{
    const std::map<std::string, std::string> both{{"DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/s"},
                                                  {"DBUS_SESSION_BUS_ADDRESS", "unix:path=/u"}};
    for (const auto& wish : {std::optional<std::string>(), std::optional<std::string>("auto")})
        EXPECT_EQ(choices(wish, both), geteuid() == 0 ? "system bus, session bus, bus embedded at /run/x"
                                                      : "bus embedded at /run/x, session bus, bus embedded at /run/x");
    auto empty = both;
    empty["PMD_BUS"] = empty["DBUS_SESSION_BUS_ADDRESS"] = "";
    EXPECT_EQ(choices({}, empty), geteuid() == 0 ? "system bus, bus embedded at /run/x"
                                                 : "bus embedded at /run/x, bus embedded at /run/x");
}

/// As a login shell has XDG_RUNTIME_DIR and cron has not, the pmd of one is to be found by the other.
TEST(BusChoice, LooksWhereOneOfOtherSurroundingsMayRun)
{
    const std::string own = "bus embedded at /x/pmd";
    EXPECT_EQ(choices("embedded", {{"XDG_RUNTIME_DIR", "/x"}}),
              geteuid() == 0 ? own + ", bus embedded at /run/pmd, bus embedded at /run/user/1/pmd, " + own
                             : own + ", bus embedded at /run/user/1/pmd, bus embedded at /state/x/run-box, bus embedded at /tmp/pmd-" +
                                   std::to_string(geteuid()) + ", " + own);
}

TEST(BusChoice, RefusesDirectoriesThatWouldBeIgnored)
{
    EXPECT_EQ(choices({}, {{"PMD_RUNTIME_DIR", "run"}}),
              "2: PMD_RUNTIME_DIR is 'run': it must be an absolute path, or unset");
}

TEST(BusChoice, TheSocketIsInTheRuntimeDirectory)
{
    EXPECT_EQ(socket_of({BusChoice::Kind::Embedded, "", "/run/x", ""}), "/run/x/bus");
}

TEST(PrivateDirectory, IsOursAlone)
{
    const Scratch here;
    mkdir((here / "good").c_str(), 0700);
    EXPECT_TRUE(check_private(here / "good"));
    for (const mode_t mode : {0710, 0701, 0770, 0755}) {
        chmod((here / "good").c_str(), mode);
        EXPECT_FALSE(check_private(here / "good")) << std::oct << mode;
    }
    chmod((here / "good").c_str(), 0700);
    ASSERT_EQ(symlink((here / "good").c_str(), (here / "link").c_str()), 0);
    EXPECT_FALSE(check_private(here / "link"));
    here.write("file", "", 0600);
    EXPECT_FALSE(check_private(here / "file"));
    EXPECT_FALSE(check_private(here / "nowhere"));
    if (geteuid() == 0) {
        ASSERT_EQ(chown((here / "good").c_str(), 1, 1), 0);
        EXPECT_FALSE(check_private(here / "good"));
    }
}

TEST(PrivateDirectory, OfTheSystemsPmdIsNotToBeRemoved)
{
    const Scratch here;
    mkdir((here / "run").c_str(), 0755);
    const auto other = check_private(here / "run");
    ASSERT_FALSE(other);
    EXPECT_NE(other.error().message.find("Remove it"), std::string::npos) << other.error().message;
    const auto of_system = check_private(here / "run", here / "run");
    ASSERT_FALSE(of_system);
    EXPECT_EQ(of_system.error().message,
              "'" + (here / "run") +
                  "' belongs to the system's pmd, which is on the system bus: for another one, "
                  "set PMD_RUNTIME_DIR to another place");
}

} // namespace
} // namespace pm::cli::testing
