// SPDX-License-Identifier: Apache-2.0
#include "config/field.hpp"

#include "base/text.hpp"
#include "config/values.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace pm::config {
namespace {

constexpr std::size_t kMaxShown = 40;

std::string shown(const Node& node)
{
    switch (node.kind) {
    case Node::Kind::Null: return "nothing";
    case Node::Kind::List: return "a list";
    case Node::Kind::Map: return "a map";
    case Node::Kind::Scalar: break;
    }
    if (node.text.size() <= kMaxShown) return fmt::format("'{}'", base::printable(node.text));
    return fmt::format("'{}...'", base::printable(std::string_view(node.text).substr(0, kMaxShown)));
}

bool starts_with_spare_zero(std::string_view text) noexcept
{
    if (text.starts_with('-')) text.remove_prefix(1);
    return text.size() > 1 && text[0] == '0' && text[1] >= '0' && text[1] <= '9';
}

} // namespace

bool Field::asks_for_nothing() const noexcept
{
    switch (node_.kind) {
    case Node::Kind::Null: return true;
    case Node::Kind::List:
    case Node::Kind::Map: return node_.entries.empty();
    case Node::Kind::Scalar: break;
    }
    return node_.text.empty() || bool_from(node_.text) == false || size_from(node_.text) == 0U ||
           duration_from(node_.text) == model::Milliseconds(0);
}

void Field::expected(std::string_view what) const
{
    const bool octal_looking = is(Node::Kind::Scalar) && starts_with_spare_zero(node_.text);
    fault(fmt::format("expected {}, not {}{}", what, shown(node_),
                      octal_looking ? " (numbers are decimal and have no leading zero)" : ""));
}

bool Field::text(std::string& to) const
{
    if (!is(Node::Kind::Scalar)) {
        expected("a text");
        return false;
    }
    to = node_.text;
    return true;
}

bool Field::boolean(bool& to) const
{
    const auto value = is(Node::Kind::Scalar) ? bool_from(node_.text) : std::nullopt;
    if (!value) expected("true or false");
    to = value.value_or(to);
    return value.has_value();
}

bool Field::integer(std::int64_t& to, std::int64_t least, std::int64_t most) const
{
    const auto value = is(Node::Kind::Scalar) ? integer_from(node_.text) : std::nullopt;
    const bool good = value && *value >= least && *value <= most;
    if (good)
        to = *value;
    else if (most == std::numeric_limits<std::uint32_t>::max())
        expected(least == 0 ? "a number that is not negative" : fmt::format("a number of at least {}", least));
    else
        expected(fmt::format("a number from {} to {}", least, most));
    return good;
}

bool Field::duration(model::Milliseconds& to) const
{
    const auto value = is(Node::Kind::Scalar) ? duration_from(node_.text) : std::nullopt;
    if (!value) expected("a time such as 500ms, 5s or 2m");
    to = value.value_or(to);
    return value.has_value();
}

bool Field::size(std::uint64_t& to) const
{
    const auto value = is(Node::Kind::Scalar) ? size_from(node_.text) : std::nullopt;
    if (!value) expected("a size such as 300M or 1.5G");
    to = value.value_or(to);
    return value.has_value();
}

bool Field::word(std::string& to, std::span<const std::string_view> words) const
{
    const bool good = is(Node::Kind::Scalar) && std::find(words.begin(), words.end(), node_.text) != words.end();
    if (good)
        to = node_.text;
    else
        expected(fmt::format("{}", fmt::join(words, ", ")));
    return good;
}

bool Field::texts(std::vector<std::string>& to) const
{
    if (is(Node::Kind::Map)) {
        expected("a text or a list of texts");
        return false;
    }
    std::vector<std::string> all;
    bool good = true;
    each_item([&](const Field& item) { good = item.text(all.emplace_back()) && good; });
    if (good) to = std::move(all);
    return good;
}

bool Field::words(std::vector<std::string>& to) const
{
    if (!is(Node::Kind::Scalar)) return texts(to);
    auto split = words_from(node_.text);
    if (!split) fault("a quote in this line is never closed");
    if (split) to = std::move(*split);
    return split.has_value();
}

} // namespace pm::config
