// SPDX-License-Identifier: Apache-2.0
// How the script of a spec becomes an argument vector: run as it is, by an interpreter, or as a line of shell.
//
// Pure: it looks at names only. Whether the files are there is the launcher's to find out, and to tell (pm2: script,
// exec_interpreter).
#pragma once

#include "model/app_spec.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace pm::policy {

struct LaunchCommand {
    enum class Kind {
        Direct,      ///< argv[0] is the script itself
        Interpreted, ///< argv[0] is an interpreter, looked up in PATH unless it has a '/'
        Shell,       ///< argv[0] is kShell; where that is missing, "/bin/sh" understands the same arguments
    };
    Kind kind = Kind::Direct;
    std::vector<std::string> argv;
    std::string script;        ///< the file to check and to name in messages; for Shell the whole line
    /// Shell: what argv begins with, instead of its first four, when the whole line is the path of a file: that is run.
    std::vector<std::string> file_head;
    /// Direct, and no '/' in the script: a file of that name in cwd comes first, then PATH.
    bool search_path = false;
    /// No interpreter asked for, and no extension: when the file is a text without "#!", "node" runs it (pm2).
    bool may_fall_back_to_node = false;
};

inline constexpr std::string_view kShell = "/bin/bash";

[[nodiscard]] LaunchCommand command_line(const model::AppSpec& spec);

} // namespace pm::policy
