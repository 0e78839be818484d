// SPDX-License-Identifier: Apache-2.0
#include "model/unit_names.hpp"

#include "base/text.hpp"

#include <fmt/format.h>

namespace pm::model {
namespace {

constexpr std::string_view kPrefix = "pm-";
constexpr std::string_view kSuffix = ".service";
constexpr std::size_t kLongest = 186; ///< of 255, one character more; the rest is for slot and generation

std::uint64_t fnv1a(std::string_view text) noexcept
{
    std::uint64_t hash = 0xcbf29ce484222325ULL;
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
    return hash;
}

bool stays(char c, bool first) noexcept
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == ':' ||
           (c == '.' && !first);
}

} // namespace

std::string in_64_characters(std::string_view app)
{
    constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_:";
    std::string text = "\\b";
    unsigned bits = 0;
    unsigned count = 0; ///< of bits that are not written yet
    for (const char c : app.substr(0, kLongestAppName)) {
        bits = (bits << 8U | static_cast<unsigned char>(c)) & 0xfffU;
        for (count += 8; count >= 6; count -= 6) text += kDigits[bits >> (count - 6) & 63U];
    }
    if (count > 0) text += kDigits[bits << (6 - count) & 63U];
    return app.size() <= kLongestAppName ? text : text + fmt::format("_{:016x}", fnv1a(app));
}

std::string escape_for_unit(std::string_view app)
{
    std::string escaped;
    for (const char c : app) {
        if (escaped.size() > kLongest) return in_64_characters(app);
        if (stays(c, escaped.empty()))
            escaped += c;
        else
            escaped += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    }
    return escaped.size() > kLongest ? in_64_characters(app) : escaped;
}

std::string slice_of(std::string_view app) { return fmt::format("pm-{}.slice", escape_for_unit(app)); }

std::string unit_of(std::string_view app, base::Slot slot, base::Generation generation)
{
    return fmt::format("{}{}-{}.{}{}", kPrefix, escape_for_unit(app), slot.value, generation.value, kSuffix);
}

std::optional<UnitName> parse_unit_name(std::string_view unit)
{
    if (!unit.starts_with(kPrefix) || !unit.ends_with(kSuffix)) return std::nullopt;
    unit.remove_prefix(kPrefix.size());
    unit.remove_suffix(kSuffix.size());
    const std::size_t dash = unit.rfind('-'); // those of the app's name are escaped
    const std::size_t dot = unit.rfind('.');
    if (dash == std::string_view::npos || dot == std::string_view::npos || dot < dash || dash == 0) return std::nullopt;
    const auto slot = base::parse_number<std::uint32_t>(unit.substr(dash + 1, dot - dash - 1));
    const auto generation = base::parse_number<decltype(base::Generation::value)>(unit.substr(dot + 1));
    if (!slot || !generation) return std::nullopt;
    return UnitName{std::string(unit.substr(0, dash)), base::Slot{*slot}, base::Generation{*generation}};
}

} // namespace pm::model
