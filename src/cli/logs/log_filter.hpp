// SPDX-License-Identifier: Apache-2.0
// Which lines `pmctl logs` shows: the same rules for what comes from files and from the journal. Pure.
#pragma once

#include "cli/failure.hpp"
#include "cli/logs/log_line.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace re2 {
class RE2;
}

namespace pm::cli {

/// A regular expression of RE2 in UTF-8, found anywhere in a line, in time proportional to it; \w and classes as [[:alpha:]]
/// mean the letters of all languages, and \< \> the edges of words. Without capitals it ignores case, as journalctl(1).
class LinePattern {
public:
    /// Status 2 with what is wrong with it.
    static Outcome<LinePattern> compile(const std::string& expression);
    [[nodiscard]] bool matches(std::string_view text) const;

private:
    explicit LinePattern(std::shared_ptr<const re2::RE2> compiled) : compiled_(std::move(compiled)) {}
    std::shared_ptr<const re2::RE2> compiled_;
};

struct LogFilter {
    std::optional<std::uint64_t> since; ///< microseconds since 1970, inclusive
    std::optional<std::uint64_t> until; ///< likewise
    std::optional<int> priority;        ///< this one and what is more important (smaller)
    std::optional<LinePattern> pattern;
    std::string stream; ///< "out" or "err" only; empty: all

    /// Whether lines may be left out for what they say, not for whose they are.
    [[nodiscard]] bool is_active() const noexcept { return has_times() || priority || pattern; }
    [[nodiscard]] bool has_times() const noexcept { return since || until; }
    enum class Verdict { Shown, LeftOut, UnknownTime };
    [[nodiscard]] Verdict judge(const LogLine& line) const;
};

} // namespace pm::cli
