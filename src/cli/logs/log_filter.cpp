// SPDX-License-Identifier: Apache-2.0
#include "cli/logs/log_filter.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace pm::cli {

void LinePattern::Free::operator()(regex_t* compiled) const noexcept
{
    regfree(compiled);
    delete compiled;
}

Outcome<LinePattern> LinePattern::compile(const std::string& expression)
{
    const bool capitals = std::ranges::any_of(expression, [](char c) { return c >= 'A' && c <= 'Z'; });
    auto fresh = std::make_unique<regex_t>();
    // regcomp(3), not std::regex: that one recurses once per character, and a line may have 48 KiB.
    const int error = regcomp(fresh.get(), expression.c_str(), REG_EXTENDED | REG_NOSUB | (capitals ? 0 : REG_ICASE));
    if (error != 0) {
        std::array<char, 128> why{};
        regerror(error, fresh.get(), why.data(), why.size());
        return failed(kUsage, fmt::format("--grep '{}': {}", expression, why.data()));
    }
    return LinePattern(std::unique_ptr<regex_t, Free>(fresh.release()));
}

bool LinePattern::matches(std::string_view text) const
{
    regmatch_t range{};
    range.rm_eo = static_cast<regoff_t>(text.size()); // REG_STARTEND: a NUL does not end it
    return regexec(compiled_.get(), text.data() != nullptr ? text.data() : "", 1, &range, REG_STARTEND) == 0;
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
