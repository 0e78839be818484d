// SPDX-License-Identifier: Apache-2.0
#include "cli/utf8_check.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace pm::cli {
namespace {

constexpr std::size_t kMostShown = 200;

Failure refused(const std::string& what, std::string_view advice)
{
    return {kUsage, fmt::format("{} is not UTF-8, and app files and D-Bus carry nothing else; {}", what, advice)};
}

} // namespace

std::string shown_bytes(std::string_view text)
{
    std::string shown;
    while (!text.empty() && shown.size() < kMostShown) {
        std::size_t length = 1;
        while (length < 4 && length < text.size() && !base::is_valid_utf8(text.substr(0, length))) ++length;
        if (base::is_valid_utf8(text.substr(0, length))) {
            shown += text.substr(0, length);
        } else {
            length = 1;
            shown += fmt::format("\\x{:02x}", static_cast<unsigned char>(text.front()));
        }
        text.remove_prefix(length);
    }
    return base::printable(shown) + (text.empty() ? "" : "...");
}

Outcome<void> check_words(const std::vector<std::string>& words)
{
    const auto bad = std::ranges::find_if(words, [](const std::string& word) { return !base::is_valid_utf8(word); });
    if (bad == words.end()) return {};
    return failed(refused(fmt::format("argument {}, '{}',", bad - words.begin() + 1, shown_bytes(*bad)),
                          "name a file by a link or a path that is UTF-8, and let a program read other bytes from a file"));
}

Outcome<void> check_path(std::string_view what, const std::string& path)
{
    if (base::is_valid_utf8(path)) return {};
    return failed(refused(fmt::format("the {} '{}'", what, shown_bytes(path)), "rename it, or go by a link whose path is UTF-8"));
}

Outcome<void> check_environment(const std::vector<std::string>& environment, const std::vector<std::string>& filter)
{
    for (const std::string& entry : environment) {
        if (base::is_valid_utf8(entry)) continue;
        const std::string name = entry.substr(0, entry.find('='));
        if (std::ranges::any_of(filter, [&](const std::string& part) { return name.find(part) != std::string::npos; })) continue;
        return failed(refused(fmt::format("the variable {}", shown_bytes(name)), // its value may be a secret
                              fmt::format("leave it out ('env -u {0} pmctl start ...', --filter-env {0}), or put it into a file "
                                          "for env_file, which may hold "
                                          "any bytes",
                                          shown_bytes(name))));
    }
    return {};
}

} // namespace pm::cli
