// SPDX-License-Identifier: Apache-2.0
// The dotenv format: NAME=value lines, optional "export ", quotes, comments; a value is never expanded.
//
//     # comment              NAME=plain text # comment       export NAME=value
//     NAME='as it is'        NAME="with \n, \t, \", \\ and \$"        (quoted values may span lines)
#pragma once

#include <cstddef>

namespace pm::launch::exec {

/// Parses `text` (NUL after its `size` bytes) in place, one assignment at a time.
class EnvironmentFile {
public:
    EnvironmentFile(char* text, std::size_t size) noexcept : at_(text), end_(text + size) {}

    enum class Step { Assignment, End, Malformed };
    /// Assignment: current() is "NAME=value" in the parsed text. Malformed: line() tells where.
    [[nodiscard]] Step next() noexcept;
    [[nodiscard]] char* current() const noexcept { return current_; }
    /// The line the last step began on, counted from 1.
    [[nodiscard]] int line() const noexcept { return begun_; }

private:
    char* at_;
    char* end_;
    char* current_ = nullptr;
    int line_ = 1;
    int begun_ = 1;

    void skip_blank() noexcept;
    void skip_space() noexcept;
    bool take_name(char*& out) noexcept;
    bool take_quoted(char quote, char*& out) noexcept;
    void take_plain(char*& out) noexcept;
    bool finish_line() noexcept;
};

/// Bytes before the '=' of "NAME=value"; the whole length when there is none.
[[nodiscard]] std::size_t name_length(const char* assignment) noexcept;

} // namespace pm::launch::exec
