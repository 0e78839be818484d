// SPDX-License-Identifier: Apache-2.0
#include "config/values.hpp"

#include <array>

namespace pm::config {
namespace {

struct Token {
    std::string_view name; ///< of day.js's format()
    std::string_view strftime;
};

// Longest first: the first that fits is taken. "%-d" and "%P" are glibc's.
constexpr std::array kTokens{
    Token{"YYYY", "%Y"}, Token{"MMMM", "%B"}, Token{"dddd", "%A"}, Token{"MMM", "%b"}, Token{"ddd", "%a"},
    Token{"SSS", ""},    Token{"YY", "%y"},   Token{"MM", "%m"},   Token{"DD", "%d"},  Token{"dd", "%a"},
    Token{"HH", "%H"},   Token{"hh", "%I"},   Token{"mm", "%M"},   Token{"ss", "%S"},  Token{"ZZ", "%z"},
    Token{"M", "%-m"},   Token{"D", "%-d"},   Token{"d", "%w"},    Token{"H", "%-H"},  Token{"h", "%-I"},
    Token{"m", "%-M"},   Token{"s", "%-S"},   Token{"Z", "%z"},    Token{"A", "%p"},   Token{"a", "%P"},
    Token{"X", "%s"},
};

const Token* token_at(std::string_view text)
{
    for (const Token& token : kTokens)
        if (text.starts_with(token.name)) return &token;
    return nullptr;
}

} // namespace

std::string date_format_from(std::string_view text, bool& lost)
{
    if (text.find('%') != std::string_view::npos) return std::string(text);
    std::string format;
    for (std::size_t at = 0; at < text.size();) {
        const std::string_view rest = text.substr(at);
        const auto closing = rest.front() == '[' ? rest.find(']') : std::string_view::npos;
        const Token* token = token_at(rest);
        if (closing != std::string_view::npos) { // "[literal]"
            format += rest.substr(1, closing - 1);
            at += closing + 1;
        } else if (token == nullptr) {
            format += rest.front();
            ++at;
        } else {
            lost = lost || token->strftime.empty();
            if (token->strftime.empty() && !format.empty() && (format.back() == '.' || format.back() == ','))
                format.pop_back();
            format += token->strftime;
            at += token->name.size();
        }
    }
    return format;
}

} // namespace pm::config
