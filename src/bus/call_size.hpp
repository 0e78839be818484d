// SPDX-License-Identifier: Apache-2.0
// How much a call carries, which sd-bus tells nobody.
#pragma once

#include <cstddef>
#include <optional>
#include <systemd/sd-bus.h>

namespace pm::bus {

/// The bytes that the arguments of `message` come to, roughly; nothing when that is more than `most`, or when they cannot be read.
/// Looks at no more than `most` allows, and leaves `message` as if nobody had read it.
[[nodiscard]] std::optional<std::size_t> size_of_arguments(sd_bus_message* message, std::size_t most) noexcept;

} // namespace pm::bus
