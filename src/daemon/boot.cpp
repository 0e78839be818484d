// SPDX-License-Identifier: Apache-2.0
#include "daemon/boot.hpp"

#include "base/text.hpp"
#include "daemon/state_text.hpp"
#include "io/small_file.hpp"
#include "model/dependency_order.hpp"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <set>

namespace pm::daemon {
namespace {

std::vector<std::string> app_files_in(const std::string& directory)
{
    std::vector<std::string> paths;
    std::error_code none; // not there: nothing starts with pmd
    for (const auto& entry : std::filesystem::directory_iterator(directory, none)) {
        const auto extension = entry.path().extension();
        if (extension == ".yaml" || extension == ".yml" || extension == ".json") paths.push_back(entry.path());
    }
    std::ranges::sort(paths);
    return paths;
}

void add_file(const std::string& path, const config::ParseOptions& options, uid_t owner, io::Log& log,
              std::set<std::string>& names, std::vector<BootApp>& apps)
{
    const auto text = io::read_small_file(path, options.max_bytes);
    if (!text) return log.error(text.error().message);
    config::AppFile file = config::parse_app_file(*text, options);
    for (const config::Diagnostic& diagnostic : file.diagnostics) {
        const bool fault = diagnostic.severity == config::Severity::Error;
        log.write(fault ? io::Severity::Error : io::Severity::Warning, config::to_string(diagnostic, path));
    }
    if (!file.ok()) return log.error(fmt::format("'{}' has faults: none of its apps is started", path));
    for (model::AppSpec& spec : file.apps) {
        if (names.insert(spec.name).second)
            apps.push_back({std::move(spec), path, owner, true});
        else
            log.error(fmt::format("'{}': app '{}' is in an earlier file already", path, spec.name));
    }
}

} // namespace

std::vector<BootApp> read_apps_directory(const std::string& directory, const config::ParseOptions& options, uid_t owner,
                                         io::Log& log)
{
    std::vector<BootApp> apps;
    std::set<std::string> names;
    config::ParseOptions here = options;
    here.base_dir = directory;
    if (!directory.empty())
        for (const std::string& path : app_files_in(directory)) add_file(path, here, owner, log, names, apps);
    return apps;
}

std::string to_list(const std::vector<engine::SavedApp>& apps)
{
    std::string text;
    for (const engine::SavedApp& app : apps) text += to_text(app) + "\n";
    return text;
}

std::vector<BootApp> read_list(std::string_view text, io::Log& log)
{
    const auto stopped = [](const engine::SavedInstance& instance) {
        return std::holds_alternative<engine::Stopped>(instance.machine.state);
    };
    std::vector<BootApp> apps;
    for (const std::string& line : base::split(text, '\n')) {
        if (line.empty()) continue;
        auto app = saved_app_from(line);
        if (app)
            apps.push_back({*app->spec, app->origin, app->owner, !std::ranges::all_of(app->instances, stopped)});
        else
            log.error("an app of the saved list cannot be read: " + app.error().message);
    }
    return apps;
}

std::vector<BootApp> dependencies_first(std::vector<BootApp> apps)
{
    std::vector<model::DependencyNode> nodes;
    for (const BootApp& app : apps) nodes.push_back({app.spec.name, &app.spec.depends_on});
    std::vector<BootApp> ordered;
    for (const std::size_t at : model::dependencies_first(nodes)) ordered.push_back(std::move(apps[at]));
    return ordered;
}

std::string without(std::string_view text, const std::string& app)
{
    std::string rest;
    for (const std::string& line : base::split(text, '\n')) {
        const auto saved = saved_app_from(line);
        if (!line.empty() && !(saved && saved->spec->name == app)) rest += line + "\n";
    }
    return rest;
}

} // namespace pm::daemon
