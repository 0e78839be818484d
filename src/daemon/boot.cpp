// SPDX-License-Identifier: Apache-2.0
#include "daemon/boot.hpp"

#include "base/file_fact.hpp"
#include "base/text.hpp"
#include "daemon/state_text.hpp"
#include "io/small_file.hpp"
#include "model/dependency_order.hpp"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <optional>
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

constexpr std::string_view kHead = "{\"pmd-saved-apps\":";

std::string head_of_list(std::size_t apps) { return fmt::format("{}{}}}\n", kHead, apps); }

/// Of the line that counts; nothing when it is another one.
std::optional<std::size_t> count_in(std::string_view line)
{
    if (!line.starts_with(kHead) || !line.ends_with('}')) return std::nullopt;
    return base::parse_number<std::size_t>(line.substr(kHead.size(), line.size() - kHead.size() - 1));
}

} // namespace

std::vector<BootApp> read_apps_directory(const std::string& directory, const config::ParseOptions& options, uid_t owner,
                                         io::Log& log)
{
    std::vector<BootApp> apps;
    std::set<std::string> names;
    config::ParseOptions here = options;
    here.base_dir = directory;
    here.look = [](const model::AppSpec& spec, const std::string& path) { // of another user's files it is for the user's rights to tell
        return spec.user.empty() ? base::file_fact(path) : std::nullopt;
    };
    if (!directory.empty())
        for (const std::string& path : app_files_in(directory)) add_file(path, here, owner, log, names, apps);
    return apps;
}

std::string to_list(const std::vector<engine::SavedApp>& apps)
{
    std::string text = head_of_list(apps.size());
    for (const engine::SavedApp& app : apps) text += to_text(app) + "\n";
    return text;
}

SavedList read_list(std::string_view text)
{
    const auto stopped = [](const engine::SavedInstance& instance) {
        return std::holds_alternative<engine::Stopped>(instance.machine.state);
    };
    SavedList list;
    if (text.empty()) list.faults.emplace_back("it is empty");
    std::optional<std::size_t> counted;
    std::size_t number = 0;
    std::size_t lines = 0;
    for (const std::string& line : base::split(text, '\n')) {
        ++number;
        if (number == 1) counted = count_in(line);
        if (line.empty() || (number == 1 && counted)) continue;
        ++lines;
        auto app = saved_app_from(line);
        if (app)
            list.apps.push_back({*app->spec, app->origin, app->owner, !std::ranges::all_of(app->instances, stopped)});
        else
            list.faults.push_back(fmt::format("line {} cannot be read: {}", number, app.error().message));
    }
    if (counted && *counted > lines) list.faults.push_back(fmt::format("it ends after {} of {} apps", lines, *counted));
    return list;
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
    std::optional<std::size_t> counted;
    for (const std::string& line : base::split(text, '\n')) {
        if (line.empty()) continue;
        if (rest.empty() && !counted && (counted = count_in(line))) continue;
        const auto saved = saved_app_from(line);
        if (!saved || saved->spec->name != app)
            rest += line + "\n";
        else if (counted && *counted > 0)
            --*counted;
    }
    return (counted ? head_of_list(*counted) : std::string()) + rest;
}

} // namespace pm::daemon
