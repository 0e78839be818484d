// SPDX-License-Identifier: Apache-2.0
#include "model/unit_property.hpp"

namespace pm::model {
namespace {

struct SignatureOf {
    std::string_view operator()(bool) const noexcept { return "b"; }
    std::string_view operator()(std::int32_t) const noexcept { return "i"; }
    std::string_view operator()(std::uint32_t) const noexcept { return "u"; }
    std::string_view operator()(std::uint64_t) const noexcept { return "t"; }
    std::string_view operator()(const std::string&) const noexcept { return "s"; }
    std::string_view operator()(const std::vector<std::string>&) const noexcept { return "as"; }
    std::string_view operator()(const std::vector<std::uint8_t>&) const noexcept { return "ay"; }
    std::string_view operator()(const NameFilter&) const noexcept { return "(bas)"; }
    std::string_view operator()(const LenientText&) const noexcept { return "(bs)"; }
    std::string_view operator()(const std::vector<TextPair>&) const noexcept { return "a(ss)"; }
    std::string_view operator()(const std::vector<TextNumber>&) const noexcept { return "a(st)"; }
    std::string_view operator()(const std::vector<Symlink>&) const noexcept { return "a(sst)"; }
    std::string_view operator()(const std::vector<BindMount>&) const noexcept { return "a(ssbt)"; }
    std::string_view operator()(const std::vector<AddressPrefix>&) const noexcept { return "a(iayu)"; }
    std::string_view operator()(const std::vector<PortRule>&) const noexcept { return "a(iiqq)"; }
    std::string_view operator()(const std::vector<NamedBytes>&) const noexcept { return "a(say)"; }
};

} // namespace

std::string_view signature(const PropertyValue& value) noexcept { return std::visit(SignatureOf{}, value); }

} // namespace pm::model
