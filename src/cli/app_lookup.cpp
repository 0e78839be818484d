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

/// What require() of Node takes for a file: a path that begins with '/' or '.', else it looks for a package.
std::string module_of(const std::string& file)
{
    return file.starts_with('/') || file.starts_with("./") || file.starts_with("../") ? file : "./" + file;
}

} // namespace

WordKind kind_of(std::string_view word)
{
    constexpr std::array<std::string_view, 3> kFiles{".yaml", ".yml", ".json"};
    constexpr std::array<std::string_view, 3> kNode{".config.js", ".config.cjs", ".config.mjs"};
    const auto ends = [word](std::string_view suffix) { return word.ends_with(suffix); };
    if (word == "-" || std::ranges::any_of(kFiles, ends)) return WordKind::AppFile;
    return std::ranges::any_of(kNode, ends) ? WordKind::NodeConfig : WordKind::Word;
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

Failure refuse_node_config(const std::string& word)
{
    return {kUsage, fmt::format("'{}' is JavaScript, which pmd does not run; make it an app file once:\n"
                                "  node -p 'JSON.stringify(require(\"{}\"), null, 2)' > apps.json",
                                word, module_of(word))};
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
