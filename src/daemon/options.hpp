// SPDX-License-Identifier: Apache-2.0
// The command line of pmd, see pmd(8).
#pragma once

#include "base/error.hpp"
#include "config/settings.hpp"

#include <optional>
#include <string>

namespace pm::daemon {

struct Options {
    std::optional<config::BusKind> bus;
    std::optional<config::LauncherKind> launcher;
    std::optional<config::LogLevel> log_level;
    std::string config_file; ///< empty: the default place, which may not exist
    std::string state_dir;
    std::string runtime_dir;
    std::string pm_exec;
    bool check_config = false;
    bool check_upgrade = false; ///< asked by another pmd, before it executes this one in its place
    bool show_help = false;
    bool show_version = false;
};

/// Error: InvalidArgument with what to do.
[[nodiscard]] base::Result<Options> parse_options(int argc, char** argv);
[[nodiscard]] std::string_view help_text() noexcept;

} // namespace pm::daemon
