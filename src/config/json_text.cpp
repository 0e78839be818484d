// SPDX-License-Identifier: Apache-2.0
#include "config/json_text.hpp"

#include <charconv>
#include <cstdint>
#include <fmt/format.h>
#include <optional>

namespace pm::config {
namespace {

bool is_json(std::string_view text) noexcept
{
    const auto first = text.find_first_not_of(" \t\r\n");
    if (first == std::string_view::npos) return false;
    text.remove_prefix(first);
    return text.front() == '{' || text.front() == '[' || text.starts_with("//") || text.starts_with("/*");
}

/// Where a comment may begin: after these, so that "http://host" and "a // b" outside quotes stay what they are.
bool may_precede_comment(char c) noexcept
{
    return c == '\0' || c == '\n' || c == ',' || c == '{' || c == '[' || c == '}' || c == ']' || c == '"';
}

std::optional<std::uint32_t> hex_unit(std::string_view text) noexcept
{
    if (text.size() < 6 || !text.starts_with("\\u")) return std::nullopt;
    std::uint32_t unit = 0;
    const char* end = text.data() + 6;
    const auto [stop, error] = std::from_chars(text.data() + 2, end, unit, 16);
    if (error != std::errc{} || stop != end) return std::nullopt;
    return unit;
}

class Adapter {
public:
    explicit Adapter(std::string_view text) : text_(text) { out_.reserve(text.size()); }

    std::string run() &&
    {
        while (at_ < text_.size()) step();
        return std::move(out_);
    }

private:
    void step()
    {
        const char c = text_[at_];
        if (c == '"') return quoted();
        if (c == '/' && may_precede_comment(before_)) {
            if (rest().starts_with("//")) return blank(text_.find('\n', at_));
            if (rest().starts_with("/*")) {
                const auto end = text_.find("*/", at_ + 2);
                return blank(end == std::string_view::npos ? end : end + 2);
            }
        }
        if (c != ' ' && c != '\t' && c != '\r') before_ = c;
        copy(1);
    }

    void quoted()
    {
        copy(1);
        while (at_ < text_.size() && text_[at_] != '"') {
            if (text_[at_] == '\\')
                escape();
            else
                copy(1);
        }
        copy(1);
        before_ = '"';
    }

    /// RFC 8259 section 7: a character beyond U+FFFF is two escapes in JSON; in YAML it is one.
    void escape()
    {
        const auto high = hex_unit(rest());
        const auto low = high && (*high & 0xfc00u) == 0xd800u ? hex_unit(text_.substr(at_ + 6)) : std::nullopt;
        if (!low || (*low & 0xfc00u) != 0xdc00u) return copy(2);
        out_ += fmt::format("\\U{:08x}", 0x10000u + ((*high & 0x3ffu) << 10) + (*low & 0x3ffu));
        at_ += 12;
    }

    void blank(std::size_t end)
    {
        for (; at_ < text_.size() && at_ < end; ++at_) out_ += text_[at_] == '\n' ? '\n' : ' ';
    }

    void copy(std::size_t count)
    {
        const std::string_view piece = rest().substr(0, count);
        out_ += piece;
        at_ += piece.size();
    }

    [[nodiscard]] std::string_view rest() const { return text_.substr(at_); }

    std::string_view text_;
    std::string out_;
    std::size_t at_ = 0;
    char before_ = '\0'; ///< the last character that is no blank
};

} // namespace

std::string json_as_yaml(std::string_view text) { return is_json(text) ? std::move(Adapter(text)).run() : std::string(text); }

} // namespace pm::config
