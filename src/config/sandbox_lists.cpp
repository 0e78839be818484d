// SPDX-License-Identifier: Apache-2.0
#include "base/text.hpp"
#include "config/sandbox_readers.hpp"
#include "config/values.hpp"
#include "model/app_spec.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cmath>
#include <netinet/in.h>

namespace pm::config::sandbox {
namespace {

using model::AddressPrefix;
using model::PortRule;

constexpr std::uint64_t kRecursive = 16'384; ///< MS_REC of mount(2)

/// Makes a list with an element, or several, of each word, where `add(list, word)` says whether the word is right.
template <typename Element, typename Add>
SandboxProperties of_words(const SandboxKey& key, const Lines& lines, const char* expected, Add&& add)
{
    std::vector<Element> list;
    for (std::size_t line = 0; line < lines.size(); ++line) {
        const auto words = words_from(lines[line]);
        if (!words || words->empty()) return wrong(expected, line);
        for (const std::string& word : *words)
            if (!add(list, word)) return wrong(expected, line);
    }
    return just(property_name(key), std::move(list));
}

/// The same with one element a line.
template <typename Element, typename Add>
SandboxProperties of_lines(const SandboxKey& key, const Lines& lines, const char* expected, Add&& add)
{
    std::vector<Element> list;
    for (std::size_t line = 0; line < lines.size(); ++line)
        if (!add(list, std::string(base::trim(lines[line])))) return wrong(expected, line);
    return just(property_name(key), std::move(list));
}

/// `text` cut at the first `separator`; the rest is empty when there is none.
std::pair<std::string, std::string> cut(const std::string& text, char separator)
{
    const auto at = text.find(separator);
    if (at == std::string::npos) return {text, {}};
    return {text.substr(0, at), std::string(base::trim(std::string_view(text).substr(at + 1)))};
}

struct NamedPrefix {
    std::string_view name;
    std::string_view addresses;
};
constexpr std::array kNamedPrefixes{NamedPrefix{"any", "0.0.0.0/0 ::/0"}, NamedPrefix{"localhost", "127.0.0.0/8 ::1/128"},
                                    NamedPrefix{"link-local", "169.254.0.0/16 fe80::/64"},
                                    NamedPrefix{"multicast", "224.0.0.0/4 ff00::/8"}};

bool add_prefix(std::vector<AddressPrefix>& list, const std::string& word)
{
    for (const NamedPrefix& named : kNamedPrefixes) {
        if (named.name != word) continue;
        for (const std::string& address : base::split(named.addresses, ' ')) add_prefix(list, address);
        return true;
    }
    const auto [address, length] = cut(word, '/');
    const bool six = address.find(':') != std::string::npos;
    AddressPrefix prefix{six ? AF_INET6 : AF_INET, std::vector<std::uint8_t>(six ? 16 : 4), six ? 128U : 32U};
    if (::inet_pton(prefix.family, address.c_str(), prefix.address.data()) != 1) return false;
    if (word.find('/') != std::string::npos) {
        const auto bits = base::parse_number<std::uint32_t>(length);
        if (!bits || *bits > prefix.length) return false;
        prefix.length = *bits;
    }
    list.push_back(std::move(prefix));
    return true;
}

bool read_ports(PortRule& rule, const std::string& text)
{
    if (text == "any") return true;
    const auto [from, to] = cut(text, '-');
    const auto first = base::parse_number<std::uint16_t>(from);
    const auto last = text.find('-') == std::string::npos ? first : base::parse_number<std::uint16_t>(to);
    if (!first || !last || *first == 0 || *first > *last) return false;
    rule.first = *first;
    rule.count = static_cast<std::uint16_t>(*last - *first + 1);
    return true;
}

bool add_ports(std::vector<PortRule>& list, const std::string& word)
{
    PortRule rule;
    std::vector<std::string> parts = base::split(word, ':');
    const auto next_is = [&](std::string_view name) {
        if (parts.empty() || parts.front() != name) return false;
        parts.erase(parts.begin());
        return true;
    };
    if (next_is("ipv4")) rule.family = AF_INET;
    else if (next_is("ipv6")) rule.family = AF_INET6;
    if (next_is("tcp")) rule.protocol = IPPROTO_TCP;
    else if (next_is("udp")) rule.protocol = IPPROTO_UDP;
    if (parts.size() > 1 || (parts.size() == 1 && !read_ports(rule, parts.front()))) return false;
    list.push_back(rule);
    return true;
}

/// A number with K, M, G or T as powers of 1000, as bandwidths are counted.
std::optional<std::uint64_t> decimal_size(std::string_view text)
{
    if (text == "infinity") return model::ResourceControl::kInfinity;
    constexpr std::string_view kUnits = "KMGT";
    std::uint64_t factor = 1;
    const auto unit = text.empty() ? std::string_view::npos : kUnits.find(text.back());
    if (unit != std::string_view::npos) {
        text.remove_suffix(1);
        for (std::size_t power = 0; power <= unit; ++power) factor *= 1000;
    }
    const auto number = base::parse_number<std::uint64_t>(text);
    if (!number || *number == 0 || *number > model::ResourceControl::kInfinity / factor - 1) return std::nullopt;
    return *number * factor;
}

/// Lines of a path and a number.
template <typename Read>
SandboxProperties of_devices(const SandboxKey& key, const Lines& lines, const char* expected, Read&& read)
{
    return of_lines<model::TextNumber>(key, lines, expected, [&](std::vector<model::TextNumber>& list, const std::string& line) {
        auto [path, text] = cut(line, ' ');
        const std::optional<std::uint64_t> number = read(text);
        if (!is_unit_path(path) || !number) return false;
        list.push_back({std::move(path), *number});
        return true;
    });
}

bool add_bind(std::vector<model::BindMount>& list, const std::string& word)
{
    const bool optional = word.starts_with('-');
    const std::vector<std::string> parts = base::split(std::string_view(word).substr(optional ? 1 : 0), ':');
    if (parts.size() > 3) return false;
    const std::string& destination = parts.size() > 1 && !parts[1].empty() ? parts[1] : parts[0];
    const std::string option = parts.size() > 2 ? parts[2] : "rbind";
    if (!is_unit_path(parts[0]) || !is_unit_path(destination) || (option != "rbind" && option != "norbind")) return false;
    list.push_back({parts[0], destination, optional, option == "rbind" ? kRecursive : 0});
    return true;
}

bool is_credential_name(std::string_view name)
{
    return !name.empty() && name.size() < 255 && name != "." && name != ".." && name.find('/') == std::string_view::npos;
}

} // namespace

SandboxProperties prefixes(const SandboxKey& key, const Lines& lines)
{
    return of_words<AddressPrefix>(key, lines, "addresses such as 10.0.0.0/8, or any, localhost, link-local, multicast", add_prefix);
}

SandboxProperties ports(const SandboxKey& key, const Lines& lines)
{
    return of_words<PortRule>(key, lines, "ports such as tcp:8000-8010, ipv6:udp:53 or any", add_ports);
}

SandboxProperties devices(const SandboxKey& key, const Lines& lines)
{
    return of_lines<model::TextPair>(key, lines, "a device such as '/dev/null rw' or 'char-pts'",
                                     [](std::vector<model::TextPair>& list, const std::string& line) {
        auto [device, access] = cut(line, ' ');
        if (access.empty()) access = "rwm";
        const bool known = device.starts_with("/dev/") || device.starts_with("char-") || device.starts_with("block-");
        if (!known || access.find_first_not_of("rwm") != std::string::npos) return false;
        list.push_back({std::move(device), std::move(access)});
        return true;
    });
}

SandboxProperties device_weight(const SandboxKey& key, const Lines& lines)
{
    return of_devices(key, lines, "a path and a weight from 1 to 10000", [](const std::string& text) {
        const auto weight = base::parse_number<std::uint64_t>(text);
        return weight && *weight >= 1 && *weight <= 10'000 ? weight : std::nullopt;
    });
}

SandboxProperties device_bytes(const SandboxKey& key, const Lines& lines)
{
    return of_devices(key, lines, "a path and bytes in a second such as '/var/lib 5M'", decimal_size);
}

SandboxProperties device_count(const SandboxKey& key, const Lines& lines)
{
    return of_devices(key, lines, "a path and operations in a second such as '/var/lib 1K'", decimal_size);
}

SandboxProperties device_span(const SandboxKey& key, const Lines& lines)
{
    return of_devices(key, lines, "a path and a time such as '/var/lib 25ms'", [](const std::string& text) {
        const auto time = unit_nanoseconds(text, 1'000'000'000);
        return time ? std::optional(*time == model::ResourceControl::kInfinity ? model::ResourceControl::kInfinity : *time / 1000) : std::nullopt;
    });
}

SandboxProperties binds(const SandboxKey& key, const Lines& lines)
{
    return of_words<model::BindMount>(key, lines, "absolute paths, source:destination or source:destination:norbind", add_bind);
}

SandboxProperties mounts(const SandboxKey& key, const Lines& lines)
{
    return of_words<model::TextPair>(key, lines, "absolute paths, perhaps with options as in /var:ro,size=10M",
                                     [](std::vector<model::TextPair>& list, const std::string& word) {
        auto [path, options] = cut(word, ':');
        list.push_back({path, std::move(options)});
        return is_unit_path(path);
    });
}

SandboxProperties credentials(const SandboxKey& key, const Lines& lines)
{
    return of_lines<model::TextPair>(key, lines, "a name and a path such as token:/etc/app/token",
                                     [](std::vector<model::TextPair>& list, const std::string& line) {
        auto [name, path] = cut(line, ':');
        if (line.find(':') == std::string::npos) path = name;
        if (!is_credential_name(name) || !(is_unit_path(path) || is_credential_name(path))) return false;
        list.push_back({std::move(name), std::move(path)});
        return true;
    });
}

SandboxProperties secrets(const SandboxKey& key, const Lines& lines)
{
    return of_lines<model::NamedBytes>(key, lines, "name:value", [](std::vector<model::NamedBytes>& list, const std::string& line) {
        const auto colon = line.find(':');
        if (colon == std::string::npos || !is_credential_name(line.substr(0, colon))) return false;
        list.push_back({line.substr(0, colon), {line.begin() + static_cast<std::ptrdiff_t>(colon) + 1, line.end()}});
        return true;
    });
}

SandboxProperties programs(const SandboxKey& key, const Lines& lines)
{
    return of_words<model::TextPair>(key, lines, "a program as in egress:/sys/fs/bpf/filter",
                                     [](std::vector<model::TextPair>& list, const std::string& word) {
        auto [type, path] = cut(word, ':');
        list.push_back({type, path});
        return !type.empty() && is_unit_path(path);
    });
}

} // namespace pm::config::sandbox
