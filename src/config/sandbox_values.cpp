// SPDX-License-Identifier: Apache-2.0
#include "config/sandbox_readers.hpp"

#include "base/text.hpp"
#include "config/values.hpp"
#include "model/app_spec.hpp"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>
#include <limits>

namespace pm::config::sandbox {
namespace {

using model::UnitProperty;

constexpr std::uint64_t kNanosecondsPerSecond = 1'000'000'000;
constexpr std::int32_t kKillOnCall = std::numeric_limits<std::int32_t>::max() - 1; ///< SystemCallErrorNumber=kill

std::vector<std::string> words_of(std::string_view detail) { return base::split(detail, ' '); }

/// The number of `word` in "name=n name=n".
std::optional<std::uint64_t> number_of(std::string_view detail, std::string_view word)
{
    for (const std::string& entry : words_of(detail)) {
        const auto equals = entry.find('=');
        if (entry.substr(0, equals) == word) return base::parse_number<std::uint64_t>(std::string_view(entry).substr(equals + 1));
    }
    return std::nullopt;
}

std::string names_of(std::string_view detail)
{
    std::vector<std::string> names = words_of(detail);
    for (std::string& name : names) name.resize(std::min(name.size(), name.find('=')));
    return base::join(names, ", ");
}

/// The words of `text`, or'ed; nothing when there is none or one is unknown.
std::optional<std::uint64_t> flags_of(std::string_view detail, std::string_view text)
{
    const auto words = words_from(text).value_or(std::vector<std::string>{});
    std::uint64_t flags = 0;
    for (const std::string& name : words) {
        const auto flag = number_of(detail, name);
        if (!flag) return std::nullopt;
        flags |= *flag;
    }
    return words.empty() ? std::nullopt : std::optional(flags);
}

std::optional<std::int64_t> number_within(const SandboxKey& key, std::string_view text)
{
    const auto value = integer_from(text);
    return value && *value >= key.least && *value <= key.most ? value : std::nullopt;
}

std::optional<std::uint64_t> size_or_infinity(std::string_view text) noexcept
{
    return text == "infinity" ? std::optional(model::ResourceControl::kInfinity) : size_from(text);
}

/// A part of the whole, as systemd writes it.
std::uint32_t scale(std::uint64_t permyriad)
{
    return static_cast<std::uint32_t>(permyriad * std::numeric_limits<std::uint32_t>::max() / 10'000);
}

std::optional<std::uint64_t> weight_from(std::string_view text)
{
    const auto value = integer_from(text);
    return value && *value >= 1 && *value <= 10'000 ? std::optional(static_cast<std::uint64_t>(*value)) : std::nullopt;
}

} // namespace

SandboxProperties boolean(const SandboxKey& key, std::string_view text)
{
    const auto value = unit_bool(text);
    if (!value) return wrong("yes or no");
    return just(property_name(key), *value);
}

SandboxProperties boolean_or_word(const SandboxKey& key, std::string_view text)
{
    if (const auto value = unit_bool(text)) return just(property_name(key), *value);
    const std::vector<std::string> words = words_of(key.detail);
    if (std::find(words.begin(), words.end(), text) != words.end())
        return just(property_name(key) + "Ex", std::string(text));
    return wrong("yes, no, " + base::join(words, ", "));
}

SandboxProperties word(const SandboxKey& key, std::string_view text)
{
    const std::vector<std::string> words = words_of(key.detail);
    const auto has = [&](std::string_view wanted) { return std::find(words.begin(), words.end(), wanted) != words.end(); };
    if (has(text)) return just(property_name(key), std::string(text));
    const auto flag = unit_bool(text);
    if (flag && has(*flag ? "yes" : "no")) return just(property_name(key), std::string(*flag ? "yes" : "no"));
    return wrong(base::join(words, ", "));
}

SandboxProperties named_number(const SandboxKey& key, std::string_view text)
{
    const auto number = number_of(key.detail, text);
    if (!number) return wrong(names_of(key.detail));
    return just(property_name(key), static_cast<std::int32_t>(*number));
}

SandboxProperties named_flags(const SandboxKey& key, std::string_view text)
{
    const auto flags = flags_of(key.detail, text);
    if (!flags) return wrong("some of " + names_of(key.detail));
    return just(property_name(key), *flags);
}

SandboxProperties secure_bits(const SandboxKey& key, std::string_view text)
{
    const auto flags = flags_of(key.detail, text);
    if (!flags) return wrong("some of " + names_of(key.detail));
    return just(property_name(key), static_cast<std::int32_t>(*flags));
}

SandboxProperties number(const SandboxKey& key, std::string_view text)
{
    const auto value = number_within(key, text);
    if (!value) return wrong(fmt::format("a number from {} to {}", key.least, key.most));
    return just(property_name(key), static_cast<std::int32_t>(*value));
}

SandboxProperties count(const SandboxKey& key, std::string_view text)
{
    const auto value = number_within(key, text);
    if (!value) return wrong(fmt::format("a number from {} to {}", key.least, key.most));
    return just(property_name(key), static_cast<std::uint32_t>(*value));
}

SandboxProperties mode(const SandboxKey& key, std::string_view text)
{
    const auto value = umask_from(text);
    if (!value) return wrong("an octal mode such as 0750");
    return just(property_name(key), *value);
}

/// Names may be given with their SIG, and as numbers.
SandboxProperties signal(const SandboxKey& key, std::string_view text)
{
    const auto value = base::signal_number(text);
    if (!value) return wrong("a signal such as SIGTERM");
    return just(property_name(key), std::int32_t{*value});
}

SandboxProperties error_number(const SandboxKey& key, std::string_view text)
{
    if (text == "kill") return just(property_name(key), kKillOnCall);
    constexpr int kLargest = 4095;
    const auto value = integer_from(text);
    if (value && *value > 0 && *value <= kLargest) return just(property_name(key), static_cast<std::int32_t>(*value));
    for (int error = 1; error < 200; ++error) {
        const char* name = ::strerrorname_np(error);
        if (name != nullptr && text == name) return just(property_name(key), std::int32_t{error});
    }
    return wrong("an error such as EPERM, or kill");
}

SandboxProperties memory(const SandboxKey& key, std::string_view text)
{
    if (const auto part = unit_permyriad(text, 10'000)) return just(property_name(key) + "Scale", scale(*part));
    const auto bytes = size_or_infinity(text);
    if (!bytes) return wrong("a size such as 512M, a percentage or infinity");
    return just(property_name(key), *bytes);
}

SandboxProperties tasks(const SandboxKey& key, std::string_view text)
{
    if (const auto part = unit_permyriad(text, 10'000)) return just(property_name(key) + "Scale", scale(*part));
    const auto number = text == "infinity" ? std::optional(model::ResourceControl::kInfinity) : base::parse_number<std::uint64_t>(text);
    if (!number || *number == 0) return wrong("a number of 1 or more, a percentage or infinity");
    return just(property_name(key), *number);
}

SandboxProperties quota(const SandboxKey& key, std::string_view text)
{
    const auto part = unit_permyriad(text, 100'000'000);
    if (!part || *part == 0) return wrong("a share of one CPU such as 150%");
    return just(property_name(key), *part * 100);
}

SandboxProperties weight(const SandboxKey& key, std::string_view text)
{
    const auto value = weight_from(text);
    if (!value) return wrong("a weight from 1 to 10000");
    return just(property_name(key), *value);
}

SandboxProperties cpu_weight(const SandboxKey& key, std::string_view text)
{
    const auto value = text == "idle" ? std::optional<std::uint64_t>(0) : weight_from(text);
    if (!value) return wrong("a weight from 1 to 10000, or idle");
    return just(property_name(key), *value);
}

SandboxProperties span(const SandboxKey& key, std::string_view text)
{
    const auto time = unit_nanoseconds(text, kNanosecondsPerSecond);
    if (!time) return wrong("a time such as 30s or 1min 30s");
    return just(property_name(key), *time == model::ResourceControl::kInfinity ? model::ResourceControl::kInfinity : *time / 1000);
}

SandboxProperties nanoseconds(const SandboxKey& key, std::string_view text)
{
    const auto time = unit_nanoseconds(text, 1);
    if (!time) return wrong("a time such as 50us");
    return just(property_name(key), *time);
}

SandboxProperties rlimit(const SandboxKey& key, std::string_view text)
{
    const int resource = model::resource_from(key.detail).value_or(-1);
    const auto side = [&](std::string_view part) { return limit_from(resource, base::trim(part)); };
    const auto colon = text.find(':');
    const auto soft = side(text.substr(0, colon));
    const auto hard = colon == std::string_view::npos ? soft : side(text.substr(colon + 1));
    if (!soft || !hard || *soft > *hard)
        return wrong(fmt::format("{}, soft:hard or infinity", counts_bytes(resource) ? "a size" : "a number"));
    return std::vector<UnitProperty>{{property_name(key), std::uint64_t{*hard}}, {property_name(key) + "Soft", std::uint64_t{*soft}}};
}

SandboxProperties lenient(const SandboxKey& key, std::string_view text)
{
    const bool optional = text.starts_with('-');
    if (optional) text.remove_prefix(1);
    if (text.empty()) return wrong("a name, behind a '-' when it need not be had");
    return just(property_name(key), model::LenientText{optional, std::string(text)});
}

SandboxProperties path(const SandboxKey& key, std::string_view text)
{
    if (!is_unit_path(text)) return wrong("an absolute path without '..'");
    return just(property_name(key), std::string(text));
}

SandboxProperties percent(const SandboxKey& key, std::string_view text)
{
    const auto part = unit_permyriad(text, 10'000);
    if (!part) return wrong("a percentage such as 60%");
    return just(property_name(key), scale(*part));
}

SandboxProperties text(const SandboxKey& key, std::string_view given)
{
    if (given.empty()) return wrong("a text");
    return just(property_name(key), std::string(given));
}

} // namespace pm::config::sandbox
