// SPDX-License-Identifier: Apache-2.0
#include "policy/target.hpp"

#include "base/text.hpp"

#include <fmt/format.h>
#include <regex>

namespace pm::policy {
namespace {

constexpr std::size_t kMaxPattern = 256;
constexpr std::size_t kMaxName = 256;
constexpr std::size_t kMaxTarget = 4096;

using base::ErrorCode;
using base::fail;

/// A "{" that is neither escaped nor in a bracket expression starts a counted repetition.
bool counts_repetition(std::string_view pattern)
{
    bool in_bracket = false;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        if (pattern[i] == '\\')
            ++i;
        else if (pattern[i] == '[')
            in_bracket = true;
        else if (pattern[i] == ']')
            in_bracket = false;
        else if (pattern[i] == '{' && !in_bracket)
            return true;
    }
    return false;
}

} // namespace

struct NamePattern::Compiled {
    std::regex regex;
};

base::Result<NamePattern> NamePattern::compile(std::string_view pattern)
{
    if (pattern.size() > kMaxPattern)
        return fail(ErrorCode::InvalidArgument, fmt::format("a pattern is longer than {} characters", kMaxPattern));
    // A few characters of it could ask for thousands of states.
    if (counts_repetition(pattern))
        return fail(ErrorCode::InvalidArgument,
                    fmt::format("pattern '/{}/': '{{n}}' is not supported in a target", base::printable(pattern)));
    try {
        // libstdc++'s default matcher recurses per character and can take exponential time; this one walks all states
        // at once, and refuses back-references. Matching whole names (not searching) keeps it to one walk.
        constexpr auto kFlags = std::regex_constants::ECMAScript | std::regex_constants::__polynomial;
        const std::regex alone{std::string(pattern), kFlags}; // "a)|(b" must not pass because of what we put around it
        NamePattern result;
        result.compiled_ = std::make_shared<const Compiled>(
            Compiled{std::regex(fmt::format("[\\s\\S]*(?:{})[\\s\\S]*", pattern), kFlags)});
        return result;
    } catch (const std::regex_error& fault) {
        return fail(ErrorCode::InvalidArgument,
                    fmt::format("pattern '/{}/': {}", base::printable(pattern), fault.what()));
    }
}

bool NamePattern::matches(std::string_view name) const
{
    if (!compiled_ || name.size() > kMaxName) return false;
    try {
        return std::regex_match(name.begin(), name.end(), compiled_->regex);
    } catch (const std::regex_error&) { // too complex after all: matches nothing
        return false;
    }
}

base::Result<Target> parse_target(std::string_view text)
{
    if (text.empty()) return fail(ErrorCode::InvalidArgument, "the target is empty");
    if (text.size() > kMaxTarget) return fail(ErrorCode::InvalidArgument, "the target is too long");
    if (text == "all") return Target{.kind = Target::Kind::All};
    if (text.size() > 2 && text.front() == '/' && text.back() == '/') {
        auto pattern = NamePattern::compile(text.substr(1, text.size() - 2));
        if (!pattern) return base::Unexpected(std::move(pattern).error());
        return Target{.kind = Target::Kind::Pattern, .pattern = *std::move(pattern)};
    }
    Target target{.kind = Target::Kind::Word, .word = std::string(text)};
    if (const auto number = base::parse_number<std::uint32_t>(text)) target.id = base::InstanceId{*number};
    return target;
}

} // namespace pm::policy
