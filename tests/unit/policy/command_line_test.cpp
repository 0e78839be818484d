// SPDX-License-Identifier: Apache-2.0
#include "policy/command_line.hpp"

#include "base/text.hpp"

#include <gtest/gtest.h>

namespace pm::policy {
namespace {

using Kind = LaunchCommand::Kind;
using Strings = std::vector<std::string>;

struct Row {
    std::string script;
    std::optional<std::string> interpreter;
    Strings interpreter_args;
    Strings args;
    Kind kind;
    const char* argv; ///< joined with '|'
    bool search_path = false;
    bool node = false;
    const char* file_head = "";
};

TEST(CommandLine, FollowsTheTable)
{
    const Row rows[] = {
        {"./a.py", {}, {"-u"}, {"x y"}, Kind::Interpreted, "python3|-u|./a.py|x y"},
        {"a.js", {}, {}, {}, Kind::Interpreted, "node|a.js"},
        {"a.cjs", {}, {}, {}, Kind::Interpreted, "node|a.cjs"},
        {"a.tsx", {}, {}, {}, Kind::Interpreted, "bun|a.tsx"},
        {"a.ls", {}, {}, {}, Kind::Interpreted, "lsc|a.ls"},
        {"a.sh", {}, {}, {"1"}, Kind::Interpreted, "bash|a.sh|1"},
        {"a.js", "none", {}, {"1"}, Kind::Direct, "a.js|1", true},
        {"a b.js", "node", {}, {}, Kind::Interpreted, "node|a b.js"},
        {"a b", "none", {}, {}, Kind::Direct, "a b", true},
        {"echo $1; sleep 1", {}, {}, {"x"}, Kind::Shell, "/bin/bash|-c|echo $1; sleep 1|bash|x", false, true,
         "echo $1; sleep 1"},
        {"my app.py", {}, {"-u"}, {"x"}, Kind::Shell, "/bin/bash|-c|my app.py|bash|x", false, false, "python3|-u|my app.py"},
        {"sleep", {}, {}, {"9"}, Kind::Direct, "sleep|9", true, true},
        {"./server", {}, {}, {}, Kind::Direct, "./server", false, true},
        {"/opt/v1.2/server", {}, {}, {}, Kind::Direct, "/opt/v1.2/server", false, true},
        {"./server.bin", {}, {}, {}, Kind::Direct, "./server.bin", false, false},
        {"/x/.js", {}, {}, {}, Kind::Direct, "/x/.js", false, true},
    };
    for (const Row& row : rows) {
        model::AppSpec spec;
        spec.script = row.script;
        spec.interpreter = row.interpreter;
        spec.interpreter_args = row.interpreter_args;
        spec.args = row.args;
        const auto command = command_line(spec);
        EXPECT_EQ(command.kind, row.kind) << row.script;
        EXPECT_EQ(base::join(command.argv, "|"), row.argv);
        EXPECT_EQ(base::join(command.file_head, "|"), row.file_head) << row.script;
        EXPECT_EQ(command.search_path, row.search_path) << row.script;
        EXPECT_EQ(command.may_fall_back_to_node, row.node) << row.script;
        EXPECT_EQ(command.script, row.script);
    }
}

} // namespace
} // namespace pm::policy
