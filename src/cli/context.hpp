// SPDX-License-Identifier: Apache-2.0
// What every command of pmctl is given: the global options, the caller's surroundings and the way to the daemon.
#pragma once

#include "cli/failure.hpp"
#include "cli/terminal.hpp"
#include "config/settings.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pm::cli {

struct Globals {
    std::optional<std::string> bus; ///< --bus, else PMD_BUS: auto, system, session, embedded or an address
    bool no_colour = false;
    bool silent = false;            ///< say nothing on success
};

struct Context {
    Globals globals;
    config::Environment environment;
    config::Machine machine;
    std::string cwd;                      ///< absolute; as the caller names it ($PWD), where that is the same directory
    std::string home;
    Terminal out;
    Terminal err;
    std::vector<std::string> words;       ///< of the command line, all of them
    std::vector<std::string> given;       ///< the options of the command line, as OptionSet::given()
    std::vector<std::string> script_args; ///< what followed `--`
};

/// The real surroundings of this process; globals and terminals are filled in once the options are known.
[[nodiscard]] Context make_context();

/// Prints "pmctl: message" (if there is one) on standard error and gives the exit status.
int report(const Failure& failure);
void warn(std::string_view message);

/// Writes `text` on standard output and gives the exit status: kDone, or kFailed with why it could not (told already).
[[nodiscard]] int print(std::string_view text);

} // namespace pm::cli
