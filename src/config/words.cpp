// SPDX-License-Identifier: Apache-2.0
#include "config/values.hpp"

#include <utility>

namespace pm::config {

std::optional<std::vector<std::string>> words_from(std::string_view text)
{
    std::vector<std::string> words;
    std::string word;
    bool in_word = false;
    char quote = '\0';
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        if (quote != '\0' && c == quote) {
            quote = '\0';
        } else if (quote == '\0' && (c == '"' || c == '\'')) {
            quote = c;
            in_word = true;
        } else if (c == '\\' && quote != '\'' && at + 1 < text.size() &&
                   (quote == '\0' || text[at + 1] == '"' || text[at + 1] == '\\')) {
            word += text[++at];
            in_word = true;
        } else if (quote == '\0' && (c == ' ' || c == '\t' || c == '\n' || c == '\r')) {
            if (in_word) words.push_back(std::exchange(word, {}));
            in_word = false;
        } else {
            word += c;
            in_word = true;
        }
    }
    if (quote != '\0') return std::nullopt;
    if (in_word) words.push_back(std::move(word));
    return words;
}

} // namespace pm::config
