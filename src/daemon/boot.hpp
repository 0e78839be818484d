// SPDX-License-Identifier: Apache-2.0
// The apps that start with pmd: those of the files in apps.d, and those of the saved list.
#pragma once

#include "config/app_file.hpp"
#include "engine/saved.hpp"
#include "io/log.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace pm::daemon {

/// An app to be started, or registered as stopped.
struct BootApp {
    model::AppSpec spec;
    std::string origin;
    uid_t owner = 0;
    bool start = true;
};

/// The apps of all *.yaml, *.yml and *.json in `directory`, in the order of the files' names, for `owner`. A file with faults,
/// and a name that came before, is told to `log`, and the others are taken. A directory that is not there has none.
[[nodiscard]] std::vector<BootApp> read_apps_directory(const std::string& directory, const config::ParseOptions& options,
                                                       uid_t owner, io::Log& log);

/// The saved list as text: a line that counts the apps, so that a list that was cut is known for what it is, then one app a line, as
/// state_text.hpp writes it.
[[nodiscard]] std::string to_list(const std::vector<engine::SavedApp>& apps);
struct SavedList {
    std::vector<BootApp> apps;
    std::vector<std::string> faults; ///< what of it cannot be read, for people; empty: it is whole
};
/// A list of an earlier pmd has no line that counts.
[[nodiscard]] SavedList read_list(std::string_view text);

/// Those that others depend on come before them; otherwise in the order given.
[[nodiscard]] std::vector<BootApp> dependencies_first(std::vector<BootApp> apps);

/// The list without the app of this name.
[[nodiscard]] std::string without(std::string_view text, const std::string& app);

} // namespace pm::daemon
