// SPDX-License-Identifier: Apache-2.0
// Everything that can keep a program from starting is told in words of its own, and the app is errored with it.
#include "fixture.hpp"

#include <sys/stat.h>
#include <unistd.h>

namespace pm::test {
namespace {

struct Case {
    const char* name;
    const char* app;                   ///< flow mapping without name; DIR stands for the test's directory
    std::vector<const char*> expected; ///< all must be in the message
};

class LaunchFailures : public DaemonTest, public ::testing::WithParamInterface<Case> {};

TEST_P(LaunchFailures, AreToldToTheCaller)
{
    dir_.write("not-executable", "#!/bin/sh\n", 0644);
    dir_.write("bad-interpreter", "#!/nope/interpreter\n", 0755);
    mkfifo((dir_.path() + "/fifo").c_str(), 0600);
    dir_.write("data", std::string("\x01\x02\0\x03", 4), 0755);
    std::string app = GetParam().app;
    for (auto at = app.find("DIR"); at != std::string::npos; at = app.find("DIR")) app.replace(at, 3, dir_.path());
    const auto error = error_of([&] { load("name: bad\n" + app); });
    EXPECT_EQ(error.getName(), "org.pmd1.Error.LaunchFailed") << error.getMessage();
    for (const char* part : GetParam().expected)
        EXPECT_NE(error.getMessage().find(part), std::string::npos) << error.getMessage();
    const Instance bad = only("bad");
    EXPECT_EQ(bad.status, "errored");
    EXPECT_EQ(bad.restarts, 0U);
}

INSTANTIATE_TEST_SUITE_P(
    All, LaunchFailures,
    ::testing::Values(Case{"MissingScript", "script: ./no-such.js", {"no-such.js", "No such file or directory"}},
                      Case{"MissingProgram", "script: no-such-program-at-all", {"no-such-program-at-all"}},
                      Case{"NotExecutable", "script: DIR/not-executable", {"not-executable", "not executable"}},
                      Case{"BadInterpreterLine", "script: DIR/bad-interpreter", {"bad-interpreter", "/nope/interpreter"}},
                      Case{"MissingInterpreter", "script: DIR/data\ninterpreter: no-such-interpreter", {"no-such-interpreter"}},
                      Case{"NoProgramFormat", "script: DIR/data", {"data", "Exec format error"}},
                      Case{"MissingDirectory", "script: sleep\ncwd: /nope", {"/nope", "No such file or directory"}},
                      Case{"UnknownUser", "script: sleep\nuser: no-such-user-here", {"no-such-user-here"}},
                      Case{"UnknownGroup", "script: sleep\ngroup: no-such-group-here", {"no-such-group-here"}},
                      Case{"MissingEnvironmentFile", "script: sleep\nenv_file: /nope.env", {"/nope.env"}},
                      Case{"EnvironmentFileThatIsNone", "script: sleep\nenv_file: DIR/fifo", {"/fifo", "Illegal seek"}}),
    [](const auto& one) { return std::string(one.param.name); });

} // namespace
} // namespace pm::test
