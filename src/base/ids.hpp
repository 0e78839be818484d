// SPDX-License-Identifier: Apache-2.0
// Strong numbers: an instance id is not a slot, and neither is a generation.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace pm::base {

template <typename Tag, typename Number>
struct Id {
    Number value{};
    constexpr auto operator<=>(const Id&) const = default;
};

/// Process-manager id of an instance (PM2's pm_id): unique in the daemon, reused only after the list was empty.
using InstanceId = Id<struct InstanceIdTag, std::uint32_t>;
/// Position 0..N-1 of an instance within its app.
using Slot = Id<struct SlotTag, std::uint32_t>;
/// Number of a process of an instance, counted from 1; never reused within the instance.
using Generation = Id<struct GenerationTag, std::uint64_t>;

} // namespace pm::base

template <typename Tag, typename Number>
struct std::hash<pm::base::Id<Tag, Number>> {
    std::size_t operator()(const pm::base::Id<Tag, Number>& id) const noexcept
    {
        return std::hash<Number>{}(id.value);
    }
};
