// SPDX-License-Identifier: Apache-2.0
#include "policy/target.hpp"

#include "base/text.hpp"

#include <fmt/format.h>
#include <re2/re2.h>

namespace pm::policy {
namespace {

constexpr std::size_t kMaxPattern = 256;
constexpr std::size_t kMaxName = 256;
constexpr std::size_t kMaxTarget = 4096;
/// Instructions of a compiled pattern: a name is matched in at most so many steps for each of its bytes.
constexpr int kMaxProgram = 1024;
constexpr std::int64_t kMaxMemory = 2 << 20; ///< bytes of one pattern, of which RE2 keeps most for its automaton

constexpr const char* kTooLarge = "it is too large once its repetitions and character classes are written out";

using base::ErrorCode;
using base::fail;

re2::RE2::Options options()
{
    re2::RE2::Options options;
    options.set_log_errors(false);
    options.set_never_capture(true);
    options.set_max_mem(kMaxMemory);
    return options;
}

/// What RE2 says of a pattern, and what to write where it is about a feature that no linear-time matcher has.
std::string fault_of(const re2::RE2& regex)
{
    const std::string text = base::printable(regex.error());
    const auto code = regex.error_code();
    if (code == re2::RE2::ErrorPatternTooLarge) return kTooLarge;
    if (code == re2::RE2::ErrorBadEscape) return text + " (back-references are not supported)";
    if (text.find("(?") != std::string::npos) return text + " (look-ahead and look-behind are not supported)";
    return text;
}

} // namespace

struct NamePattern::Compiled {
    explicit Compiled(std::string_view pattern) : regex(re2::StringPiece(pattern.data(), pattern.size()), options()) {}
    re2::RE2 regex;
};

base::Result<NamePattern> NamePattern::compile(std::string_view pattern)
{
    if (pattern.size() > kMaxPattern)
        return fail(ErrorCode::InvalidArgument, fmt::format("a pattern is longer than {} characters", kMaxPattern));
    const auto refuse = [&](const std::string& why) {
        return fail(ErrorCode::InvalidArgument, fmt::format("pattern '/{}/': {}", base::printable(pattern), why));
    };
    auto compiled = std::make_shared<const Compiled>(pattern);
    if (!compiled->regex.ok()) return refuse(fault_of(compiled->regex));
    if (compiled->regex.ProgramSize() > kMaxProgram) return refuse(kTooLarge);
    NamePattern result;
    result.compiled_ = std::move(compiled);
    return result;
}

bool NamePattern::matches(std::string_view name) const
{
    if (!compiled_ || name.size() > kMaxName) return false;
    return re2::RE2::PartialMatch(re2::StringPiece(name.data(), name.size()), compiled_->regex);
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
