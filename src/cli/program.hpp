// SPDX-License-Identifier: Apache-2.0
// From the words of the command line to the command that runs.
#pragma once

#include "cli/command.hpp"

#include <string>
#include <vector>

namespace pm::cli {

/// The words of a command line, taken apart: "pmctl --bus session start a.js -n web -- --port 1".
struct CommandLine {
    std::string verb;                     ///< empty: none
    std::vector<std::string> words;       ///< everything but the verb and what follows `--`
    std::vector<std::string> script_args; ///< what follows `--` of `start`
};
[[nodiscard]] CommandLine split_command_line(const std::vector<std::string>& words);

/// "unknown command 'strat', did you mean 'start'?"
[[nodiscard]] std::string unknown_verb(std::string_view word);
/// What `pmctl --help` prints.
[[nodiscard]] std::string overview();
/// What `pmctl VERB --help` prints.
[[nodiscard]] std::string help_of(const Verb& verb);

/// Runs pmctl; gives its exit status.
int run(const std::vector<std::string>& words);

} // namespace pm::cli
