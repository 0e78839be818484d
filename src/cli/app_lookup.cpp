// SPDX-License-Identifier: Apache-2.0
#include "cli/app_lookup.hpp"

#include "base/path.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace pm::cli {
namespace {

bool is_file(const std::string& path)
{
    struct stat status{};
    return stat(path.c_str(), &status) == 0 && !S_ISDIR(status.st_mode);
}

bool in_path(const std::string& program, std::string_view path)
{
    for (const std::string& directory : base::split(path, ':')) {
        const std::string candidate = (directory.empty() ? "." : directory) + "/" + program;
        if (is_file(candidate) && access(candidate.c_str(), X_OK) == 0) return true;
    }
    return false;
}

constexpr std::array<std::string_view, 6> kPrograms{".config.js", ".config.cjs", ".config.mjs", ".config.ts", ".config.cts", ".config.mts"};
constexpr std::array<std::string_view, 13> kDefaults{
    "ecosystem.config.js",  "ecosystem.config.cjs", "ecosystem.config.mjs", "ecosystem.config.ts", "ecosystem.json",
    "ecosystem.json5",      "ecosystem.yml",        "ecosystem.yaml",       "process.json",        "process.yml",
    "process.yaml",         "pm2.json",             "pm2.config.js"};

} // namespace

bool is_javascript(std::string_view file)
{
    return std::ranges::any_of(kPrograms, [file](std::string_view suffix) { return file.ends_with(suffix); });
}

config::Dialect dialect_of(std::string_view file)
{
    const std::string_view name = file.substr(file.rfind('/') + 1); // npos + 1 is the beginning
    if (name == "package.json") return config::Dialect::Package;
    const std::string_view stem = name.substr(0, name.find('.', 1));
    const auto has = [name](std::string_view part) { return name.find(part) != std::string_view::npos; };
    const bool of_pm2 = is_javascript(name) || has("ecosystem") || has("pm2") || stem == "process" || stem == "processes";
    return of_pm2 ? config::Dialect::Pm2 : config::Dialect::Own;
}

std::span<const std::string_view> default_app_files() { return kDefaults; }

std::string default_app_file(const std::string& directory)
{
    const auto found = std::ranges::find_if(kDefaults, [&](std::string_view name) { return is_file(directory + "/" + std::string(name)); });
    return found == kDefaults.end() ? std::string() : std::string(*found);
}

WordKind kind_of(std::string_view word)
{
    constexpr std::array<std::string_view, 4> kFiles{".yaml", ".yml", ".json", ".json5"};
    const auto ends = [word](std::string_view suffix) { return word.ends_with(suffix); };
    return word == "-" || is_javascript(word) || std::ranges::any_of(kFiles, ends) ? WordKind::AppFile : WordKind::Word;
}

bool selects(std::string_view word, const std::vector<Row>& rows)
{
    if (word.size() > 2 && word.starts_with('/') && word.ends_with('/')) return true; // pmd judges the expression
    if (word == "all") return true;
    const auto id = base::parse_number<std::uint32_t>(word);
    return std::ranges::any_of(rows, [&](const Row& row) {
        return row.app == word || row.name_space == word || (id && row.id == *id);
    });
}

bool names_app_only(const std::string& word, const std::string& cwd, const std::vector<Row>& rows)
{
    return std::ranges::any_of(rows, [&](const Row& row) { return row.app == word; }) && file_path(word, cwd).empty();
}

std::string file_path(const std::string& word, const std::string& cwd)
{
    std::string absolute = base::absolute_path(cwd, word); // ./job.sh is the same script as job.sh
    return is_file(absolute) ? absolute : std::string();
}

std::string find_script(const std::string& word, const std::string& cwd, std::string_view path)
{
    if (std::string absolute = file_path(word, cwd); !absolute.empty()) return absolute;
    if (word.find(' ') != std::string::npos) return word;
    const bool is_name = word.find('/') == std::string::npos;
    return is_name && !word.empty() && in_path(word, path) ? word : std::string();
}

std::string default_name(std::string_view script) { return name_of_file(script.substr(0, script.find(' '))); }

std::string name_of_file(std::string_view path)
{
    if (const auto slash = path.rfind('/'); slash != std::string_view::npos) path = path.substr(slash + 1);
    const auto dot = path.rfind('.');
    if (dot != std::string_view::npos && dot > 0) path = path.substr(0, dot);
    return std::string(path);
}

} // namespace pm::cli
