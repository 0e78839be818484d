// SPDX-License-Identifier: Apache-2.0
#include "config/values.hpp"

#include "model/date_tokens.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace pm::config {
namespace {

struct Token {
    std::string_view name; ///< of day.js's format(), its plugin advancedFormat among it, and moment's that mean the same
    std::string_view strftime;
};

// Longest first: the first that fits is taken. "%-d" and "%P" are glibc's, "%{Do}" is model/date_tokens.hpp.
constexpr std::array kTokens{
    Token{"SSSSSS", "%{SSSSSS}"},
    Token{"SSSSS", "%{SSSSS}"},
    Token{"YYYY", "%Y"},
    Token{"MMMM", "%B"},
    Token{"dddd", "%A"},
    Token{"DDDD", "%j"},
    Token{"SSSS", "%{SSSS}"},
    Token{"GGGG", "%G"},
    Token{"gggg", "%{gggg}"},
    Token{"MMM", "%b"},
    Token{"ddd", "%a"},
    Token{"DDD", "%{DDD}"},
    Token{"SSS", "%{SSS}"},
    Token{"YY", "%y"},
    Token{"MM", "%m"},
    Token{"Mo", "%{Mo}"},
    Token{"DD", "%d"},
    Token{"Do", "%{Do}"},
    Token{"dd", "%{dd}"},
    Token{"do", "%{do}"},
    Token{"HH", "%H"},
    Token{"hh", "%I"},
    Token{"mm", "%M"},
    Token{"ss", "%S"},
    Token{"SS", "%{SS}"},
    Token{"ZZ", "%z"},
    Token{"kk", "%{kk}"},
    Token{"Qo", "%{Qo}"},
    Token{"Wo", "%{Wo}"},
    Token{"wo", "%{wo}"},
    Token{"WW", "%V"},
    Token{"ww", "%{ww}"},
    Token{"M", "%-m"},
    Token{"D", "%-d"},
    Token{"d", "%w"},
    Token{"H", "%-H"},
    Token{"h", "%-I"},
    Token{"m", "%-M"},
    Token{"s", "%-S"},
    Token{"S", "%{S}"},
    Token{"Z", "%{Z}"},
    Token{"A", "%p"},
    Token{"a", "%P"},
    Token{"X", "%s"},
    Token{"x", "%{x}"},
    Token{"Q", "%{Q}"},
    Token{"k", "%{k}"},
    Token{"w", "%{w}"},
    Token{"W", "%-V"},
    Token{"z", "%Z"},
};

/// Letters that day.js's documentation or moment's has in tokens: one that is none of the above would be printed as it is.
constexpr std::string_view kTokenLetters = "YyMDdHhmsSZzAaXxQkwWGgELlN";

const Token* token_at(std::string_view text)
{
    for (const Token& token : kTokens)
        if (text.starts_with(token.name)) return &token;
    return nullptr;
}

base::Unexpected unknown(std::string_view token)
{
    return base::fail(
        base::ErrorCode::InvalidSpec,
        fmt::format("'{}' is no token of day.js that pmd knows; put literal text into brackets: '[{}]'", token, token));
}

/// One of strftime(3): what it does not know it leaves to us.
base::Result<std::string> checked(std::string_view format)
{
    for (auto at = format.find("%{"); at != std::string_view::npos; at = format.find("%{", at + 2)) {
        if (at > 0 && format[at - 1] == '%' && (at < 2 || format[at - 2] != '%')) continue; // "%%{"
        if (!model::date_token_at(format.substr(at))) return unknown(format.substr(at, format.find('}', at) - at));
    }
    return std::string(format);
}

} // namespace

base::Result<std::string> date_format_from(std::string_view text)
{
    if (text.find('%') != std::string_view::npos) return checked(text);
    std::string format;
    for (std::size_t at = 0; at < text.size();) {
        const std::string_view rest = text.substr(at);
        const auto closing = rest.front() == '[' ? rest.find(']') : std::string_view::npos;
        const Token* token = token_at(rest);
        if (closing != std::string_view::npos) { // "[literal]"
            format += rest.substr(1, closing - 1);
            at += closing + 1;
            continue;
        }
        const std::string_view run = rest.substr(0, std::min(rest.find_first_not_of(rest.front()), rest.size()));
        const bool is_longer = token != nullptr && run.size() > token->name.size() && run.starts_with(token->name); // "YYYYY"
        if (is_longer || (token == nullptr && kTokenLetters.find(rest.front()) != std::string_view::npos)) return unknown(run);
        if (token == nullptr)
            format += rest.front();
        else
            format += token->strftime;
        at += token == nullptr ? 1 : token->name.size();
    }
    return format;
}

} // namespace pm::config
