// SPDX-License-Identifier: Apache-2.0
#include "base/text.hpp"
#include "config/sandbox_readers.hpp"
#include "config/values.hpp"

#include <algorithm>
#include <array>

namespace pm::config::sandbox {
namespace {

using model::UnitProperty;
using Words = std::vector<std::string>;

/// Reads the words of all lines; `good` says of each whether it is right, and may store it.
template <typename Good>
std::optional<SandboxFault> each_word(const Lines& lines, const std::string& expected, Good&& good)
{
    bool any = false;
    for (std::size_t line = 0; line < lines.size(); ++line) {
        const auto words = words_from(lines[line]);
        if (!words) return SandboxFault{line, expected};
        for (const std::string& word : *words) {
            if (!good(word)) return SandboxFault{line, expected};
            any = true;
        }
    }
    return any ? std::nullopt : std::optional(SandboxFault{0, expected});
}

bool is_name(std::string_view word, std::string_view others)
{
    return !word.empty() && std::all_of(word.begin(), word.end(), [&](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || others.find(c) != std::string_view::npos;
    });
}

/// A line without its '~', which is taken note of.
std::string_view without_tilde(std::string_view line, bool& inverted)
{
    line = base::trim(line);
    inverted = line.starts_with('~');
    if (inverted) line.remove_prefix(1);
    return line;
}

/// One property a line, which systemd applies one after the other.
template <typename Good>
SandboxProperties filters(const SandboxKey& key, const Lines& lines, const std::string& expected, Good&& good)
{
    std::vector<UnitProperty> properties;
    for (std::size_t line = 0; line < lines.size(); ++line) {
        bool inverted = false;
        auto names = words_from(without_tilde(lines[line], inverted));
        if (!names || names->empty() || !std::all_of(names->begin(), names->end(), good)) return wrong(expected, line);
        properties.push_back({property_name(key), model::NameFilter{!inverted, *std::move(names)}});
    }
    return properties;
}

/// A set of bits as unit files build it: the first line begins with nothing, or with everything when it is inverted.
template <typename BitOf>
tl::expected<std::uint64_t, SandboxFault> folded(const Lines& lines, const std::string& expected, BitOf&& bit_of)
{
    std::uint64_t set = 0;
    for (std::size_t line = 0; line < lines.size(); ++line) {
        bool inverted = false;
        const auto names = words_from(without_tilde(lines[line], inverted));
        if (!names) return wrong(expected, line);
        std::uint64_t sum = 0;
        for (const std::string& name : *names) {
            const std::optional<std::uint64_t> bit = bit_of(name);
            if (!bit) return wrong(expected, line);
            sum |= *bit;
        }
        if (inverted)
            set = (line == 0 ? ~std::uint64_t{0} : set) & ~sum;
        else
            set |= sum;
    }
    return set;
}

struct Namespace {
    std::string_view name;
    std::uint64_t flag; ///< CLONE_NEW* of clone(2)
};
constexpr std::array kNamespaces{Namespace{"cgroup", 0x0200'0000}, Namespace{"ipc", 0x0800'0000},  Namespace{"net", 0x4000'0000},
                                 Namespace{"mnt", 0x0002'0000},    Namespace{"pid", 0x2000'0000},  Namespace{"user", 0x1000'0000},
                                 Namespace{"uts", 0x0400'0000}};
constexpr std::uint64_t kAllNamespaces = 0x7e02'0000;

std::optional<std::uint64_t> namespace_flag(std::string_view name) noexcept
{
    const auto* found = std::find_if(kNamespaces.begin(), kNamespaces.end(), [&](const Namespace& one) { return one.name == name; });
    return found == kNamespaces.end() ? std::nullopt : std::optional(found->flag);
}

bool is_relative(std::string_view path)
{
    const std::string from_root = "/" + std::string(path);
    return !path.empty() && !path.starts_with('/') && is_unit_path(from_root);
}

} // namespace

SandboxProperties paths(const SandboxKey& key, const Lines& lines)
{
    Words paths;
    const auto fault = each_word(lines, "absolute paths, perhaps behind '-' or '+'", [&](const std::string& word) {
        paths.push_back(word);
        return is_unit_path(std::string_view(word).substr(std::min(word.find_first_not_of("-+"), word.size())));
    });
    if (fault) return tl::unexpected(*fault);
    return just(property_name(key), std::move(paths));
}

SandboxProperties names(const SandboxKey& key, const Lines& lines)
{
    Words names;
    const auto fault = each_word(lines, "names", [&](const std::string& word) {
        names.push_back(word);
        return is_name(word, "_.-*");
    });
    if (fault) return tl::unexpected(*fault);
    return just(property_name(key), std::move(names));
}

SandboxProperties directories(const SandboxKey& key, const Lines& lines)
{
    Words plain;
    std::vector<model::Symlink> links;
    const bool may_link = !key.detail.empty();
    const auto fault = each_word(lines, "names of directories, without a leading '/'", [&](const std::string& word) {
        const auto colon = may_link ? word.find(':') : std::string::npos;
        if (colon == std::string::npos) {
            plain.push_back(word);
            return is_relative(word);
        }
        links.push_back({word.substr(0, colon), word.substr(colon + 1), 0});
        return is_relative(links.back().target) && is_relative(links.back().link);
    });
    if (fault) return tl::unexpected(*fault);
    std::vector<UnitProperty> properties;
    if (!plain.empty()) properties.push_back({property_name(key), std::move(plain)});
    if (!links.empty()) properties.push_back({property_name(key) + "Symlink", std::move(links)});
    return properties;
}

SandboxProperties filter(const SandboxKey& key, const Lines& lines)
{
    return filters(key, lines, "names, or '~' before names", [](const std::string& word) { return is_name(word, "_@:.-"); });
}

SandboxProperties families(const SandboxKey& key, const Lines& lines)
{
    if (lines.size() == 1 && base::trim(lines.front()) == "none") return just(property_name(key), model::NameFilter{true, {}});
    return filters(key, lines, "address families such as AF_INET AF_UNIX, '~' before them, or none", [](const std::string& word) {
        return word.starts_with("AF_") && word.size() > 3 && is_name(word, "_");
    });
}

SandboxProperties capabilities(const SandboxKey& key, const Lines& lines)
{
    const auto set = folded(lines, "capabilities such as CAP_NET_BIND_SERVICE, or '~' before them", capability_bit);
    if (!set) return tl::unexpected(set.error());
    return just(property_name(key), *set);
}

SandboxProperties namespaces(const SandboxKey& key, const Lines& lines)
{
    if (const auto all = lines.size() == 1 ? unit_bool(base::trim(lines.front())) : std::nullopt)
        return just(property_name(key), *all ? std::uint64_t{0} : kAllNamespaces);
    const std::string expected = "yes, no, or some of cgroup, ipc, net, mnt, pid, user, uts, perhaps behind '~'";
    if (lines.size() == 1 && base::trim(lines.front()).empty()) return wrong(expected);
    const auto set = folded(lines, expected, namespace_flag);
    if (!set) return tl::unexpected(set.error());
    return just(property_name(key), *set & kAllNamespaces);
}

SandboxProperties bits(const SandboxKey& key, const Lines& lines)
{
    auto set = unit_bits(base::join(lines, " "));
    if (!set) return wrong("numbers and ranges such as 0-3 6");
    return just(property_name(key), *std::move(set));
}

SandboxProperties affinity(const SandboxKey& key, const Lines& lines)
{
    if (lines.size() == 1 && base::trim(lines.front()) == "numa") return just("CPUAffinityFromNUMA", true);
    auto set = unit_bits(base::join(lines, " "));
    if (!set) return wrong("CPUs such as 0-3 6, or numa");
    return just(property_name(key), *std::move(set));
}

SandboxProperties delegation(const SandboxKey& key, const Lines& lines)
{
    if (const auto all = lines.size() == 1 ? unit_bool(base::trim(lines.front())) : std::nullopt)
        return just(property_name(key), *all);
    auto controllers = names(key, lines);
    if (!controllers) return wrong("yes, no, or names of cgroup controllers", controllers.error().line);
    controllers->front().name = "DelegateControllers";
    return controllers;
}

} // namespace pm::config::sandbox
