// SPDX-License-Identifier: Apache-2.0
// Which lines `pmctl logs` shows: the same rules for what comes from files and from the journal. Pure.
#pragma once

#include "cli/failure.hpp"
#include "cli/logs/log_line.hpp"

#include <memory>
#include <optional>
#include <regex.h>
#include <string>
#include <string_view>

namespace pm::cli {

/// A POSIX extended regular expression, found anywhere in a line; without capitals it ignores case, as journalctl(1).
class LinePattern {
public:
    /// Status 2 with what is wrong with it.
    static Outcome<LinePattern> compile(const std::string& expression);
    [[nodiscard]] bool matches(std::string_view text) const;

private:
    struct Free {
        void operator()(regex_t* compiled) const noexcept;
    };
    explicit LinePattern(std::unique_ptr<regex_t, Free> compiled) : compiled_(std::move(compiled)) {}
    std::unique_ptr<regex_t, Free> compiled_;
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
