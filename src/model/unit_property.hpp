// SPDX-License-Identifier: Apache-2.0
// A property of a systemd unit as StartTransientUnit() and SetUnitProperties() take it: a name and a value of the exact
// D-Bus type that systemd wants for it.
//
// Sources of names and types: org.freedesktop.systemd1(5), systemd.exec(5), systemd.resource-control(5). Who sends a
// property need not know which one it is: the alternative of the value is its type on the wire.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace pm::model {

/// (bas), SystemCallFilter and the like: only these, or all but these.
struct NameFilter {
    bool only = true;
    std::vector<std::string> names;
    bool operator==(const NameFilter&) const = default;
};
/// (bs), AppArmorProfile and the like: a text, and whether it is all right when it cannot be had.
struct LenientText {
    bool optional = false;
    std::string text;
    bool operator==(const LenientText&) const = default;
};
/// Of a(ss): a path and its options.
struct TextPair {
    std::string first;
    std::string second;
    bool operator==(const TextPair&) const = default;
};
/// Of a(st): a device and its number.
struct TextNumber {
    std::string text;
    std::uint64_t number = 0;
    bool operator==(const TextNumber&) const = default;
};
/// Of a(sst): StateDirectorySymlink and the like.
struct Symlink {
    std::string target;
    std::string link;
    std::uint64_t flags = 0;
    bool operator==(const Symlink&) const = default;
};
/// Of a(ssbt): BindPaths, BindReadOnlyPaths.
struct BindMount {
    std::string source;
    std::string destination;
    bool optional = false;    ///< no fault when the source is not there
    std::uint64_t flags = 0;  ///< MS_REC of mount(2), or 0
    bool operator==(const BindMount&) const = default;
};
/// Of a(iayu): IPAddressAllow, IPAddressDeny.
struct AddressPrefix {
    std::int32_t family = 0;            ///< AF_INET or AF_INET6
    std::vector<std::uint8_t> address;  ///< 4 or 16 bytes, network order
    std::uint32_t length = 0;           ///< of the prefix, in bits
    bool operator==(const AddressPrefix&) const = default;
};
/// Of a(iiqq): SocketBindAllow, SocketBindDeny. A zero means any.
struct PortRule {
    std::int32_t family = 0;
    std::int32_t protocol = 0; ///< IPPROTO_TCP or IPPROTO_UDP
    std::uint16_t count = 0;
    std::uint16_t first = 0;
    bool operator==(const PortRule&) const = default;
};
/// Of a(say): SetCredential.
struct NamedBytes {
    std::string name;
    std::vector<std::uint8_t> bytes;
    bool operator==(const NamedBytes&) const = default;
};

using PropertyValue =
    std::variant<bool, std::int32_t, std::uint32_t, std::uint64_t, std::string, std::vector<std::string>,
                 std::vector<std::uint8_t>, NameFilter, LenientText, std::vector<TextPair>, std::vector<TextNumber>,
                 std::vector<Symlink>, std::vector<BindMount>, std::vector<AddressPrefix>, std::vector<PortRule>,
                 std::vector<NamedBytes>>;

/// The value's D-Bus type: "b", "i", "u", "t", "s", "as", "ay", "(bas)", "(bs)", "a(ss)", "a(st)", "a(sst)", "a(ssbt)",
/// "a(iayu)", "a(iiqq)" or "a(say)".
[[nodiscard]] std::string_view signature(const PropertyValue& value) noexcept;

struct UnitProperty {
    std::string name;
    PropertyValue value;
    bool operator==(const UnitProperty&) const = default;
};

/// One key of an app's `sandbox`. The lines are for people (`pmctl show`); what they mean are the properties: one, or
/// several of one name that systemd applies in this order. Two settings are the same when they mean the same.
struct SandboxSetting {
    std::string name;                     ///< as in a unit file
    std::vector<std::string> lines;       ///< values as written, each as an assignment of a unit file; empty: ""
    std::vector<UnitProperty> properties; ///< never empty
    bool operator==(const SandboxSetting& other) const { return name == other.name && properties == other.properties; }
};

} // namespace pm::model
