// SPDX-License-Identifier: Apache-2.0
#include "config/values.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace pm::config {
namespace {

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

/// The number that begins `text` (digits, perhaps a fraction), which is cut off; no sign, exponent or leading zero.
std::optional<double> take_number(std::string_view& text) noexcept
{
    std::size_t length = 0;
    while (length < text.size() && is_digit(text[length])) ++length;
    if (length == 0 || (length > 1 && text.front() == '0')) return std::nullopt;
    if (length < text.size() && text[length] == '.') {
        const std::size_t fraction = ++length;
        while (length < text.size() && is_digit(text[length])) ++length;
        if (length == fraction) return std::nullopt;
    }
    const auto number = base::parse_number<double>(text.substr(0, length));
    text = base::trim(text.substr(length));
    return number;
}

struct Unit {
    std::string_view name;
    double factor;
};

constexpr std::array kTimeUnits{Unit{"", 1},          Unit{"ms", 1},        Unit{"s", 1e3},
                                Unit{"m", 60e3},      Unit{"h", 3'600e3},   Unit{"d", 86'400e3}};

std::optional<double> size_factor(std::string_view unit) noexcept
{
    if (unit.empty() || unit == "B" || unit == "b") return 1;
    constexpr std::string_view kLetters = "KMGT";
    const char letter = unit.front() >= 'a' ? static_cast<char>(unit.front() - 'a' + 'A') : unit.front();
    const auto power = kLetters.find(letter);
    if (power == std::string_view::npos) return std::nullopt;
    const std::string_view ending = unit.substr(1);
    if (!ending.empty() && ending != "B" && ending != "b" && ending != "iB" && ending != "ib") return std::nullopt;
    return std::ldexp(1.0, static_cast<int>(10 * (power + 1)));
}

} // namespace

std::optional<bool> bool_from(std::string_view text) noexcept
{
    if (text == "true" || text == "True" || text == "TRUE") return true;
    if (text == "false" || text == "False" || text == "FALSE") return false;
    return std::nullopt;
}

std::optional<std::int64_t> integer_from(std::string_view text) noexcept
{
    const std::string_view digits = text.starts_with('-') ? text.substr(1) : text;
    if (digits.size() > 1 && digits.front() == '0') return std::nullopt;
    return base::parse_number<std::int64_t>(text);
}

std::optional<std::uint64_t> size_from(std::string_view text) noexcept
{
    if (const auto whole = integer_from(text)) // exact beyond 2^53
        return *whole >= 0 ? std::optional(static_cast<std::uint64_t>(*whole)) : std::nullopt;
    const auto number = take_number(text);
    const auto factor = size_factor(text);
    if (!number || !factor) return std::nullopt;
    const double bytes = std::round(*number * *factor);
    if (bytes > 0x1p62) return std::nullopt;
    return static_cast<std::uint64_t>(bytes);
}

std::optional<model::Milliseconds> duration_from(std::string_view text) noexcept
{
    const auto number = take_number(text);
    if (!number) return std::nullopt;
    for (const Unit& unit : kTimeUnits) {
        if (unit.name != text) continue;
        const double milliseconds = std::round(*number * unit.factor);
        if (milliseconds > static_cast<double>(kMaxDuration.count())) return std::nullopt;
        return model::Milliseconds(static_cast<model::Milliseconds::rep>(milliseconds));
    }
    return std::nullopt;
}

std::optional<std::uint32_t> umask_from(std::string_view text) noexcept
{
    if (text.starts_with("0o")) text.remove_prefix(2);
    if (text.empty() || text.size() > 4) return std::nullopt;
    std::uint32_t mask = 0;
    for (char c : text) {
        if (c < '0' || c > '7') return std::nullopt;
        mask = mask * 8 + static_cast<std::uint32_t>(c - '0');
    }
    return mask <= 0777 ? std::optional(mask) : std::nullopt;
}

std::optional<model::InstanceCount> instances_from(std::string_view text) noexcept
{
    using Kind = model::InstanceCount::Kind;
    if (text == "max") return model::InstanceCount{Kind::PerCpu, 0};
    const auto number = integer_from(text);
    if (!number || std::abs(*number) > kMaxInstances) return std::nullopt;
    return model::InstanceCount{*number > 0 ? Kind::Exact : Kind::PerCpu, static_cast<std::int32_t>(*number)};
}

bool counts_bytes(int resource) noexcept
{
    constexpr std::array kBytes{RLIMIT_AS,      RLIMIT_CORE,     RLIMIT_DATA, RLIMIT_FSIZE,
                                RLIMIT_MEMLOCK, RLIMIT_MSGQUEUE, RLIMIT_RSS,  RLIMIT_STACK};
    return std::any_of(kBytes.begin(), kBytes.end(), [&](auto known) { return static_cast<int>(known) == resource; });
}

std::optional<rlim_t> limit_from(int resource, std::string_view text) noexcept
{
    if (text == "unlimited" || text == "infinity") return RLIM_INFINITY;
    if (counts_bytes(resource)) return size_from(text);
    const auto number = integer_from(text);
    return number && *number >= 0 ? std::optional(static_cast<rlim_t>(*number)) : std::nullopt;
}

bool is_printable(std::string_view text)
{
    return text.find('\t') == std::string_view::npos && base::printable(text) == text;
}

std::string_view fault_of_name(std::string_view name)
{
    if (name.empty()) return "the name is empty";
    if (name == "all") return "an app cannot be named 'all', which means all apps";
    if (name.size() > kMaxName) return "the name is longer than 128 bytes";
    if (name.starts_with('/')) return "a '/' at the start of the name, as of a path";
    if (base::trim(name) != name) return "spaces around the name";
    if (!is_printable(name)) return "a control character in the name"; // of a script of several lines
    return {};
}

} // namespace pm::config
