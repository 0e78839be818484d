// SPDX-License-Identifier: Apache-2.0
#include "cli/logs/log_filter.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <re2/re2.h>
#include <string>

namespace pm::cli {

namespace {

struct Replacement {
    std::string_view from;
    std::string_view to;
};
/// What RE2 has for ASCII alone, and what others write differently. Outside of brackets ...
constexpr std::array kEscapes{Replacement{"\\w", "[\\pL\\pM\\p{Nd}_]"},
                              Replacement{"\\W", "[^\\pL\\pM\\p{Nd}_]"},
                              Replacement{"\\d", "\\p{Nd}"},
                              Replacement{"\\D", "\\P{Nd}"},
                              Replacement{"\\<", "\\b"},
                              Replacement{"\\>", "\\b"}};
/// ... and within.
constexpr std::array kClasses{Replacement{"[:alpha:]", "\\pL\\pM"}, Replacement{"[:alnum:]", "\\pL\\pM\\p{Nd}"},
                              Replacement{"[:upper:]", "\\p{Lu}"},  Replacement{"[:lower:]", "\\p{Ll}"},
                              Replacement{"[:punct:]", "\\pP\\pS"}, Replacement{"\\w", "\\pL\\pM\\p{Nd}_"},
                              Replacement{"\\d", "\\p{Nd}"},        Replacement{"\\D", "\\P{Nd}"}};

template <std::size_t Count>
const Replacement* replacement_at(std::string_view text, const std::array<Replacement, Count>& all)
{
    const auto found = std::ranges::find_if(all, [&](const Replacement& one) { return text.starts_with(one.from); });
    return found == all.end() ? nullptr : &*found;
}

struct Expression {
    std::string text;
    bool has_capitals = false; ///< as letters that are meant
};

Expression for_re2(std::string_view given)
{
    Expression made;
    std::string letters;
    bool in_brackets = false;
    for (std::size_t at = 0; at < given.size();) {
        const std::string_view rest = given.substr(at);
        if (const Replacement* other = in_brackets ? replacement_at(rest, kClasses) : replacement_at(rest, kEscapes)) {
            made.text += other->to;
            at += other->from.size();
            continue;
        }
        std::size_t size = rest.front() == '\\' && rest.size() > 1 ? 2 : 1;
        if (in_brackets && rest.starts_with("[:")) size = std::min(rest.find(":]"), rest.size() - 2) + 2;
        if (!in_brackets && rest.front() == '[') {
            in_brackets = true; // a ']' at its start is a character of it
            if (rest.substr(size).starts_with('^')) ++size;
            if (rest.substr(size).starts_with(']')) ++size;
        } else if (in_brackets && rest.front() == ']') {
            in_brackets = false;
        } else if (size == 1) {
            letters += rest.front();
        }
        made.text += rest.substr(0, size);
        at += size;
    }
    made.has_capitals = RE2::PartialMatch(letters, "\\p{Lu}");
    return made;
}

} // namespace

Outcome<LinePattern> LinePattern::compile(const std::string& expression)
{
    const Expression read = for_re2(expression);
    RE2::Options options;
    options.set_log_errors(false);
    options.set_case_sensitive(read.has_capitals);
    auto compiled = std::make_shared<const RE2>(read.text, options);
    if (!compiled->ok()) return failed(kUsage, fmt::format("--grep '{}': {}", base::printable(expression), compiled->error()));
    return LinePattern(std::move(compiled));
}

bool LinePattern::matches(std::string_view text) const
{
    return RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *compiled_);
}

LogFilter::Verdict LogFilter::judge(const LogLine& line) const
{
    if (!stream.empty() && line.stream != stream) return Verdict::LeftOut;
    if (priority && line.priority.value_or(priority_of(line.text, line.stream)) > *priority) return Verdict::LeftOut;
    if (pattern && !pattern->matches(line.text)) return Verdict::LeftOut;
    if (!has_times()) return Verdict::Shown;
    if (!line.time) return Verdict::UnknownTime;
    if ((since && *line.time < *since) || (until && *line.time > *until)) return Verdict::LeftOut;
    return Verdict::Shown;
}

} // namespace pm::cli
