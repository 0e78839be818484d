// SPDX-License-Identifier: Apache-2.0
// The forms of values of `sandbox`, one reader each. In brackets what a value becomes on D-Bus.
#pragma once

#include "config/sandbox_keys.hpp"

#include <optional>

namespace pm::config::sandbox {

using Lines = std::vector<std::string>;

// sandbox_values.cpp: one value
SandboxProperties boolean(const SandboxKey& key, std::string_view text);         ///< [b]
SandboxProperties boolean_or_word(const SandboxKey& key, std::string_view text); ///< [b], or a word as <name>Ex [s]
SandboxProperties word(const SandboxKey& key, std::string_view text);            ///< true and false are yes and no [s]
SandboxProperties named_number(const SandboxKey& key, std::string_view text);    ///< a word of "name=n" [i]
SandboxProperties named_flags(const SandboxKey& key, std::string_view text);     ///< words of "name=n", or'ed [t]
SandboxProperties secure_bits(const SandboxKey& key, std::string_view text);     ///< the same [i]
SandboxProperties number(const SandboxKey& key, std::string_view text);          ///< from least to most [i]
SandboxProperties count(const SandboxKey& key, std::string_view text);           ///< from least to most [u]
SandboxProperties mode(const SandboxKey& key, std::string_view text);            ///< octal [u]
SandboxProperties text(const SandboxKey& key, std::string_view text);            ///< [s]
SandboxProperties path(const SandboxKey& key, std::string_view text);            ///< absolute [s]
SandboxProperties lenient(const SandboxKey& key, std::string_view text);         ///< behind '-': need not be had [(bs)]
SandboxProperties error_number(const SandboxKey& key, std::string_view text);    ///< EPERM, a number or kill [i]
SandboxProperties signal(const SandboxKey& key, std::string_view text);          ///< [i]
SandboxProperties memory(const SandboxKey& key, std::string_view text);          ///< [t], a percentage as <name>Scale [u]
SandboxProperties tasks(const SandboxKey& key, std::string_view text);           ///< likewise
SandboxProperties percent(const SandboxKey& key, std::string_view text);         ///< of UINT32_MAX [u]
SandboxProperties quota(const SandboxKey& key, std::string_view text);           ///< of one CPU, microseconds of a second [t]
SandboxProperties span(const SandboxKey& key, std::string_view text);            ///< microseconds [t]
SandboxProperties nanoseconds(const SandboxKey& key, std::string_view text);     ///< bare numbers too [t]
SandboxProperties weight(const SandboxKey& key, std::string_view text);          ///< 1 to 10000 [t]
SandboxProperties cpu_weight(const SandboxKey& key, std::string_view text);      ///< the same, or idle [t]
SandboxProperties rlimit(const SandboxKey& key, std::string_view text);          ///< soft:hard [t], and <name>Soft [t]

// sandbox_names.cpp: lists of words, and sets
SandboxProperties paths(const SandboxKey& key, const Lines& lines);        ///< perhaps behind '-' and '+' [as]
SandboxProperties names(const SandboxKey& key, const Lines& lines);        ///< [as]
SandboxProperties directories(const SandboxKey& key, const Lines& lines);  ///< relative [as]; name:link as <name>Symlink [a(sst)]
SandboxProperties filter(const SandboxKey& key, const Lines& lines);       ///< behind '~' all but these [(bas)], one a line
SandboxProperties families(const SandboxKey& key, const Lines& lines);     ///< AF_*, or none, likewise
SandboxProperties capabilities(const SandboxKey& key, const Lines& lines); ///< CAP_* as bits [t]
SandboxProperties namespaces(const SandboxKey& key, const Lines& lines);   ///< yes, no or names, the bits of what is left [t]
SandboxProperties bits(const SandboxKey& key, const Lines& lines);         ///< numbers and ranges [ay]
SandboxProperties affinity(const SandboxKey& key, const Lines& lines);     ///< the same, or numa as CPUAffinityFromNUMA [b]
SandboxProperties delegation(const SandboxKey& key, const Lines& lines);   ///< [b], or controllers [as]

// sandbox_lists.cpp: lists of things with parts
SandboxProperties prefixes(const SandboxKey& key, const Lines& lines);      ///< addresses, any, localhost, ... [a(iayu)]
SandboxProperties ports(const SandboxKey& key, const Lines& lines);         ///< [family:][protocol:]ports [a(iiqq)]
SandboxProperties devices(const SandboxKey& key, const Lines& lines);       ///< a device and some of rwm [a(ss)]
SandboxProperties device_weight(const SandboxKey& key, const Lines& lines); ///< a path and a weight [a(st)]
SandboxProperties device_bytes(const SandboxKey& key, const Lines& lines);  ///< and bytes in a second, powers of 1000 [a(st)]
SandboxProperties device_count(const SandboxKey& key, const Lines& lines);  ///< and operations in a second, likewise [a(st)]
SandboxProperties device_span(const SandboxKey& key, const Lines& lines);   ///< and a time in microseconds [a(st)]
SandboxProperties binds(const SandboxKey& key, const Lines& lines);         ///< [-]source[:destination[:norbind]] [a(ssbt)]
SandboxProperties mounts(const SandboxKey& key, const Lines& lines);        ///< path[:options] [a(ss)]
SandboxProperties credentials(const SandboxKey& key, const Lines& lines);   ///< id[:path] [a(ss)]
SandboxProperties secrets(const SandboxKey& key, const Lines& lines);       ///< id:value [a(say)]
SandboxProperties programs(const SandboxKey& key, const Lines& lines);      ///< type:path [a(ss)]

// sandbox_units.cpp: the pieces
/// yes, true, on, y, t, 1 and their opposites.
[[nodiscard]] std::optional<bool> unit_bool(std::string_view text) noexcept;
/// "1min 30s", "500ms", "infinity"; a bare number counts in `bare` nanoseconds. Nanoseconds; UINT64_MAX: infinity.
[[nodiscard]] std::optional<std::uint64_t> unit_nanoseconds(std::string_view text, std::uint64_t bare) noexcept;
/// "50%", "12.5%", "0.25%" in hundredths of a percent, of which there are `most` at most.
[[nodiscard]] std::optional<std::uint64_t> unit_permyriad(std::string_view text, std::uint64_t most) noexcept;
/// "0-3 5,7" as a set of bits, the lowest first; nothing beyond 8191.
[[nodiscard]] std::optional<std::vector<std::uint8_t>> unit_bits(std::string_view text);
/// Absolute, without "..".
[[nodiscard]] bool is_unit_path(std::string_view text) noexcept;
/// The bit of a CAP_* of capabilities(7).
[[nodiscard]] std::optional<std::uint64_t> capability_bit(std::string_view name) noexcept;

[[nodiscard]] inline std::string property_name(const SandboxKey& key)
{
    return std::string(key.property.empty() ? key.name : key.property);
}
[[nodiscard]] inline SandboxProperties just(std::string name, model::PropertyValue value)
{
    return std::vector<model::UnitProperty>{{std::move(name), std::move(value)}};
}
[[nodiscard]] inline tl::unexpected<SandboxFault> wrong(std::string expected, std::size_t line = 0)
{
    return tl::unexpected(SandboxFault{line, std::move(expected)});
}

} // namespace pm::config::sandbox
