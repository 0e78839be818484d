// SPDX-License-Identifier: Apache-2.0
#include "launch/pm-exec/environment_file.hpp"

namespace pm::launch::exec {
namespace {

bool is_space(char c) noexcept { return c == ' ' || c == '\t' || c == '\r'; }
bool begins_name(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool in_name(char c) noexcept { return begins_name(c) || (c >= '0' && c <= '9') || c == '.' || c == '-'; }

char unescaped(char c) noexcept
{
    switch (c) {
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    default: return c;
    }
}

bool is_escape(char c) noexcept
{
    return c == 'n' || c == 'r' || c == 't' || c == '"' || c == '\\' || c == '$' || c == '`';
}

} // namespace

void EnvironmentFile::skip_space() noexcept
{
    while (at_ < end_ && is_space(*at_)) ++at_;
}

/// Passes empty lines and comments.
void EnvironmentFile::skip_blank() noexcept
{
    for (;;) {
        skip_space();
        if (at_ < end_ && *at_ == '#')
            while (at_ < end_ && *at_ != '\n') ++at_;
        if (at_ == end_ || *at_ != '\n') return;
        ++at_;
        ++line_;
    }
}

/// Takes "export NAME" or "NAME", with the '='; `out` is where the value is to be written.
bool EnvironmentFile::take_name(char*& out) noexcept
{
    static constexpr char kExport[] = "export";
    std::size_t length = 0;
    while (length < sizeof(kExport) - 1 && at_ + length < end_ && at_[length] == kExport[length]) ++length;
    if (length == sizeof(kExport) - 1 && at_ + length < end_ && (at_[length] == ' ' || at_[length] == '\t')) {
        char* const back = at_;
        at_ += length;
        skip_space();
        if (at_ == end_ || !begins_name(*at_)) at_ = back; // a variable called "export"
    }
    if (at_ == end_ || !begins_name(*at_)) return false;
    current_ = at_;
    while (at_ < end_ && in_name(*at_)) ++at_;
    out = at_;
    skip_space();
    if (at_ == end_ || *at_ != '=') return false;
    ++at_;
    *out++ = '=';
    return true;
}

bool EnvironmentFile::take_quoted(char quote, char*& out) noexcept
{
    ++at_;
    for (; at_ < end_ && *at_ != quote; ++at_) {
        if (*at_ == '\n') ++line_;
        if (*at_ == '\0') return false;
        if (quote == '"' && *at_ == '\\' && at_ + 1 < end_ && is_escape(at_[1])) {
            *out++ = unescaped(*++at_);
            continue;
        }
        *out++ = *at_;
    }
    if (at_ == end_) return false;
    ++at_;
    return finish_line();
}

void EnvironmentFile::take_plain(char*& out) noexcept
{
    char* const begin = out;
    bool after_space = is_space(at_[-1]); // COLOR=#fff is a value, COLOR= # red is a comment
    for (; at_ < end_ && *at_ != '\n' && *at_ != '\0'; ++at_) {
        if (*at_ == '#' && after_space) break;
        after_space = is_space(*at_);
        *out++ = *at_;
    }
    while (out > begin && is_space(out[-1])) --out;
}

/// Nothing but a comment may follow a value.
bool EnvironmentFile::finish_line() noexcept
{
    skip_space();
    if (at_ < end_ && *at_ == '#')
        while (at_ < end_ && *at_ != '\n') ++at_;
    return at_ == end_ || *at_ == '\n';
}

EnvironmentFile::Step EnvironmentFile::next() noexcept
{
    skip_blank();
    begun_ = line_;
    if (at_ == end_) return Step::End;
    char* out = nullptr;
    if (!take_name(out)) return Step::Malformed;
    skip_space();
    bool good = true;
    if (at_ < end_ && (*at_ == '\'' || *at_ == '"'))
        good = take_quoted(*at_, out);
    else
        take_plain(out);
    if (!good || !finish_line()) return Step::Malformed;
    if (at_ < end_) ++at_, ++line_; // past the end of line before the NUL may take its place
    *out = '\0';
    return Step::Assignment;
}

std::size_t name_length(const char* assignment) noexcept
{
    std::size_t length = 0;
    while (assignment[length] != '\0' && assignment[length] != '=') ++length;
    return length;
}

} // namespace pm::launch::exec
