// SPDX-License-Identifier: Apache-2.0
#include "config/json5_text.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <fmt/format.h>

namespace pm::config {
namespace {

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool begins_name(char c) noexcept
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' || static_cast<unsigned char>(c) >= 0x80;
}
bool in_word(char c) noexcept { return begins_name(c) || is_digit(c) || c == '+' || c == '-' || c == '.'; }

std::optional<std::uint32_t> hex_unit(std::string_view text) noexcept
{
    if (text.size() < 6 || !text.starts_with("\\u")) return std::nullopt;
    std::uint32_t unit = 0;
    const char* end = text.data() + 6;
    const auto [stop, error] = std::from_chars(text.data() + 2, end, unit, 16);
    return error == std::errc{} && stop == end ? std::optional(unit) : std::nullopt;
}

/// A number as JSON writes it; empty: it is none of JSON5's.
std::string json_number(std::string_view word)
{
    std::string sign;
    if (word.starts_with('+') || word.starts_with('-')) {
        if (word.front() == '-') sign = "-";
        word.remove_prefix(1);
    }
    if (word == "Infinity" || word == "NaN") return "null"; // as JSON.stringify of JavaScript writes them
    if (word.starts_with("0x") || word.starts_with("0X")) {
        std::uint64_t value = 0;
        const auto [stop, error] = std::from_chars(word.data() + 2, word.data() + word.size(), value, 16);
        return word.size() > 2 && error == std::errc{} && stop == word.data() + word.size() ? sign + std::to_string(value) : std::string();
    }
    const auto digits = [&word] {
        const auto end = std::ranges::find_if_not(word, is_digit) - word.begin();
        std::string taken(word.substr(0, static_cast<std::size_t>(end)));
        word.remove_prefix(taken.size());
        return taken;
    };
    const std::string whole = digits();
    if (whole.size() > 1 && whole.front() == '0') return {}; // JavaScript would take it for octal
    std::string number = sign + (whole.empty() ? "0" : whole);
    bool some = !whole.empty();
    if (word.starts_with('.')) {
        word.remove_prefix(1);
        const std::string fraction = digits();
        some = some || !fraction.empty();
        if (!fraction.empty()) number += "." + fraction;
    }
    if (some && (word.starts_with('e') || word.starts_with('E'))) {
        number += 'e';
        word.remove_prefix(1);
        if (word.starts_with('+') || word.starts_with('-')) number += word.front(), word.remove_prefix(1);
        const std::string exponent = digits();
        if (exponent.empty()) return {};
        number += exponent;
    }
    return some && word.empty() ? number : std::string();
}

class Rewriter {
public:
    explicit Rewriter(std::string_view text) : text_(text) { result_.text.reserve(text.size() + 16); }

    std::optional<Rewritten> run()
    {
        if (!skip() || (peek() != '{' && peek() != '[')) return std::nullopt;
        do {
            if (!step() || !skip()) return std::nullopt;
        } while (!open_.empty());
        if (at_ < text_.size()) return std::nullopt;
        return std::move(result_);
    }

private:
    enum class Next { Value, Key, Colon, Comma };

    [[nodiscard]] char peek() const noexcept { return at_ < text_.size() ? text_[at_] : '\0'; }
    [[nodiscard]] std::string_view rest() const { return text_.substr(at_); }

    /// Replaces `count` bytes of the original by `by`.
    void replace(std::size_t count, std::string_view by)
    {
        if (at_ - result_.text.size() != moved_) {
            moved_ = at_ - result_.text.size(); // wraps where the text has become longer, and back
            result_.steps.push_back({result_.text.size(), at_});
        }
        result_.text += by;
        at_ += count;
    }
    void copy(std::size_t count) { replace(std::min(count, text_.size() - at_), rest().substr(0, count)); }

    /// Blanks and comments; false for a comment that does not end.
    bool skip()
    {
        while (at_ < text_.size()) {
            const char c = peek();
            if (c == ' ' || c == '\t' || c == '\r' || c == '\n')
                copy(1);
            else if (rest().starts_with("//"))
                blank(std::min(text_.find('\n', at_), text_.size()));
            else if (rest().starts_with("/*")) {
                const auto end = text_.find("*/", at_ + 2);
                if (end == std::string_view::npos) return false;
                blank(end + 2);
            } else
                break;
        }
        return true;
    }
    void blank(std::size_t end)
    {
        while (at_ < end) replace(1, peek() == '\n' ? "\n" : " ");
    }

    bool step()
    {
        const char c = peek();
        if (c == '}' || c == ']') return close(c);
        switch (next_) {
        case Next::Key:
            next_ = Next::Colon;
            return c == '"' || c == '\'' ? quoted(c) : name();
        case Next::Colon:
            if (c != ':') return false;
            copy(1);
            next_ = Next::Value;
            return true;
        case Next::Comma:
            if (c != ',') return false;
            copy(1);
            next_ = open_.back() == '{' ? Next::Key : Next::Value;
            return true;
        case Next::Value: break;
        }
        return value(c);
    }

    bool value(char c)
    {
        next_ = Next::Comma;
        if (c == '{' || c == '[') {
            open_ += c;
            copy(1);
            next_ = c == '{' ? Next::Key : Next::Value;
            return true;
        }
        return c == '"' || c == '\'' ? quoted(c) : word();
    }

    bool close(char c)
    {
        const bool closes = !open_.empty() && open_.back() == (c == '}' ? '{' : '[');
        // Behind a comma a value may be missing; behind a key it may not.
        if (!closes || next_ == Next::Colon || (next_ == Next::Value && c == '}')) return false;
        open_.pop_back();
        copy(1);
        next_ = Next::Comma;
        return true;
    }

    bool name()
    {
        if (!begins_name(peek())) return false;
        std::size_t length = 0;
        while (at_ + length < text_.size() && (begins_name(text_[at_ + length]) || is_digit(text_[at_ + length]))) ++length;
        replace(0, "\"");
        copy(length);
        replace(0, "\"");
        return true;
    }

    bool word()
    {
        std::size_t length = 0;
        while (at_ + length < text_.size() && in_word(text_[at_ + length])) ++length;
        const std::string_view word = rest().substr(0, length);
        if (word == "true" || word == "false" || word == "null") return copy(length), true;
        if (word == "undefined") return replace(length, "null"), true;
        const std::string number = json_number(word);
        if (number.empty()) return false;
        if (number == word)
            copy(length);
        else
            replace(length, number);
        return true;
    }

    bool quoted(char quote)
    {
        replace(1, "\"");
        while (at_ < text_.size() && peek() != quote) {
            const char c = peek();
            if (c == '\n') return false;
            if (c == '"')
                replace(1, "\\\"");
            else if (c != '\\')
                copy(1);
            else if (!escape())
                return false;
        }
        if (at_ == text_.size()) return false;
        replace(1, "\"");
        return true;
    }

    bool escape()
    {
        constexpr std::string_view kSame = "bfnrtv0\\\"/";
        const char escaped = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
        if (escaped == '\0') return false;
        if (rest().starts_with("\\\r\n")) return replace(3, ""), true;
        if (escaped == '\n') return replace(2, ""), true;
        if (escaped == 'u') return unicode();
        if (escaped == 'x') return copy(2), true;
        if (kSame.find(escaped) != std::string_view::npos) return copy(2), true;
        if (escaped != '\'') return false; // not worth a guess: in YAML '\d' is what it looks like, in JavaScript it is d
        replace(1, "");
        copy(1);
        return true;
    }

    /// RFC 8259 section 7: a character beyond U+FFFF is two escapes in JSON; in YAML it is one.
    bool unicode()
    {
        const auto high = hex_unit(rest());
        if (!high) return false;
        const auto low = (*high & 0xfc00u) == 0xd800u ? hex_unit(text_.substr(std::min(at_ + 6, text_.size()))) : std::nullopt;
        if (low && (*low & 0xfc00u) == 0xdc00u)
            replace(12, fmt::format("\\U{:08x}", 0x10000u + ((*high & 0x3ffu) << 10) + (*low & 0x3ffu)));
        else
            copy(6);
        return true;
    }

    std::string_view text_;
    Rewritten result_;
    std::size_t at_ = 0;
    std::size_t moved_ = 0; ///< at_ less the size of the result, at the last step
    std::string open_;      ///< the brackets that are open
    Next next_ = Next::Value;
};

} // namespace

std::size_t Rewritten::origin(std::size_t offset) const noexcept
{
    const auto after = std::ranges::upper_bound(steps, offset, {}, &Step::offset);
    if (after == steps.begin()) return offset;
    const Step& step = *std::prev(after);
    return step.origin + (offset - step.offset);
}

std::optional<Rewritten> json5_as_json(std::string_view text) { return Rewriter(text).run(); }

} // namespace pm::config
