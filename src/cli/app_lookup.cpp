// SPDX-License-Identifier: Apache-2.0
#include "cli/app_lookup.hpp"

#include "base/path.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <array>
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

std::string find_script(const std::string& word, const std::string& cwd, std::string_view path)
{
    const std::string absolute = base::absolute_path(cwd, word); // ./job.sh is the same script as job.sh
    if (is_file(absolute)) return absolute;
    if (word.find(' ') != std::string::npos) return word;
    const bool is_name = word.find('/') == std::string::npos;
    return is_name && !word.empty() && in_path(word, path) ? word : std::string();
}

std::string default_name(std::string_view script)
{
    if (const auto space = script.find(' '); space != std::string_view::npos) script = script.substr(0, space);
    if (const auto slash = script.rfind('/'); slash != std::string_view::npos) script = script.substr(slash + 1);
    const auto dot = script.rfind('.');
    if (dot != std::string_view::npos && dot > 0) script = script.substr(0, dot);
    return std::string(script);
}

} // namespace pm::cli
