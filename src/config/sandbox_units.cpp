// SPDX-License-Identifier: Apache-2.0
#include "base/text.hpp"
#include "config/sandbox_readers.hpp"
#include "model/app_spec.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace pm::config::sandbox {
namespace {

constexpr std::size_t kMostBits = 8192;

/// As linux/capability.h numbers them.
constexpr std::array<std::string_view, 41> kCapabilities{
    "CAP_CHOWN",         "CAP_DAC_OVERRIDE",    "CAP_DAC_READ_SEARCH", "CAP_FOWNER",          "CAP_FSETID",
    "CAP_KILL",          "CAP_SETGID",          "CAP_SETUID",          "CAP_SETPCAP",         "CAP_LINUX_IMMUTABLE",
    "CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST", "CAP_NET_ADMIN",      "CAP_NET_RAW",         "CAP_IPC_LOCK",
    "CAP_IPC_OWNER",     "CAP_SYS_MODULE",      "CAP_SYS_RAWIO",       "CAP_SYS_CHROOT",      "CAP_SYS_PTRACE",
    "CAP_SYS_PACCT",     "CAP_SYS_ADMIN",       "CAP_SYS_BOOT",        "CAP_SYS_NICE",        "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME",      "CAP_SYS_TTY_CONFIG",  "CAP_MKNOD",           "CAP_LEASE",           "CAP_AUDIT_WRITE",
    "CAP_AUDIT_CONTROL", "CAP_SETFCAP",         "CAP_MAC_OVERRIDE",    "CAP_MAC_ADMIN",       "CAP_SYSLOG",
    "CAP_WAKE_ALARM",    "CAP_BLOCK_SUSPEND",   "CAP_AUDIT_READ",      "CAP_PERFMON",         "CAP_BPF",
    "CAP_CHECKPOINT_RESTORE"};

struct Unit {
    std::string_view name;
    double nanoseconds;
};
constexpr double kSecond = 1e9;
constexpr std::array kUnits{
    Unit{"ns", 1},           Unit{"nsec", 1},          Unit{"us", 1e3},           Unit{"usec", 1e3},        Unit{"ms", 1e6},
    Unit{"msec", 1e6},       Unit{"s", kSecond},       Unit{"sec", kSecond},      Unit{"second", kSecond},  Unit{"seconds", kSecond},
    Unit{"m", 60 * kSecond}, Unit{"min", 60 * kSecond}, Unit{"minute", 60 * kSecond}, Unit{"minutes", 60 * kSecond},
    Unit{"h", 3600 * kSecond}, Unit{"hr", 3600 * kSecond}, Unit{"hour", 3600 * kSecond}, Unit{"hours", 3600 * kSecond},
    Unit{"d", 86400 * kSecond}, Unit{"day", 86400 * kSecond}, Unit{"days", 86400 * kSecond},
    Unit{"w", 604800 * kSecond}, Unit{"week", 604800 * kSecond}, Unit{"weeks", 604800 * kSecond}};

/// Cuts what is made of `letters` off the beginning.
std::string_view take(std::string_view& text, std::string_view letters) noexcept
{
    const std::string_view taken = text.substr(0, std::min(text.find_first_not_of(letters), text.size()));
    text.remove_prefix(taken.size());
    return taken;
}

} // namespace

std::optional<std::uint64_t> unit_nanoseconds(std::string_view text, std::uint64_t bare) noexcept
{
    if (text == "infinity") return model::ResourceControl::kInfinity;
    double total = 0;
    bool any = false;
    while (!text.empty()) {
        const auto number = base::parse_number<double>(take(text, "0123456789."));
        take(text, " ");
        const std::string_view name = take(text, "abcdefghijklmnopqrstuvwxyz");
        take(text, " ");
        const auto* unit = std::find_if(kUnits.begin(), kUnits.end(), [&](const Unit& one) { return one.name == name; });
        if (!number || (unit == kUnits.end() && !name.empty())) return std::nullopt;
        total += *number * (name.empty() ? static_cast<double>(bare) : unit->nanoseconds);
        any = true;
    }
    if (!any || total > 0x1p63) return std::nullopt;
    return static_cast<std::uint64_t>(std::round(total));
}

std::optional<std::vector<std::uint8_t>> unit_bits(std::string_view text)
{
    std::vector<std::uint8_t> set;
    std::string spaced(text);
    std::replace(spaced.begin(), spaced.end(), ',', ' ');
    for (const std::string& word : base::split(spaced, ' ')) {
        if (word.empty()) continue;
        const auto dash = word.find('-');
        const auto first = base::parse_number<std::size_t>(std::string_view(word).substr(0, dash));
        const auto last = dash == std::string::npos ? first : base::parse_number<std::size_t>(std::string_view(word).substr(dash + 1));
        if (!first || !last || *first > *last || *last >= kMostBits) return std::nullopt;
        if (set.size() <= *last / 8) set.resize(*last / 8 + 1);
        for (std::size_t bit = *first; bit <= *last; ++bit) set[bit / 8] = static_cast<std::uint8_t>(set[bit / 8] | 1U << bit % 8);
    }
    return set.empty() ? std::nullopt : std::optional(std::move(set));
}

std::optional<std::uint64_t> capability_bit(std::string_view name) noexcept
{
    const auto* found = std::find(kCapabilities.begin(), kCapabilities.end(), name);
    return found == kCapabilities.end() ? std::nullopt
                                        : std::optional(std::uint64_t{1} << static_cast<unsigned>(found - kCapabilities.begin()));
}

std::optional<bool> unit_bool(std::string_view text) noexcept
{
    const auto is_one_of = [&](auto... words) {
        return ((text.size() == std::string_view(words).size() &&
                 std::equal(text.begin(), text.end(), words, [](char left, char right) { return (left | 0x20) == right; })) ||
                ...);
    };
    if (text == "1" || is_one_of("yes", "y", "true", "t", "on")) return true;
    if (text == "0" || is_one_of("no", "n", "false", "f", "off")) return false;
    return std::nullopt;
}

std::optional<std::uint64_t> unit_permyriad(std::string_view text, std::uint64_t most) noexcept
{
    if (!text.ends_with('%')) return std::nullopt;
    text.remove_suffix(1);
    const auto dot = text.find('.');
    const auto whole = base::parse_number<std::uint64_t>(text.substr(0, dot));
    if (!whole || *whole > most) return std::nullopt;
    std::uint64_t hundredths = 0;
    if (dot != std::string_view::npos) {
        const std::string_view fraction = text.substr(dot + 1);
        const auto value = base::parse_number<std::uint64_t>(fraction);
        if (!value || fraction.size() > 2) return std::nullopt;
        hundredths = fraction.size() == 1 ? *value * 10 : *value;
    }
    const std::uint64_t permyriad = *whole * 100 + hundredths;
    return permyriad <= most ? std::optional(permyriad) : std::nullopt;
}

bool is_unit_path(std::string_view text) noexcept
{
    if (!text.starts_with('/') || text.size() >= 4096) return false;
    return text.find("/../") == std::string_view::npos && !text.ends_with("/..");
}

} // namespace pm::config::sandbox
