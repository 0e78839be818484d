// SPDX-License-Identifier: Apache-2.0
// A unit property put into a message for systemd.
#pragma once

#include "model/unit_property.hpp"

#include <systemd/sd-bus.h>

namespace pm::launch {

/// Appends `property` as one (sv) to the array that is open in `message`. Negative errno as sd_bus_message_append(3): what
/// was appended before is then of no use, and the message is to be dropped.
[[nodiscard]] int append(sd_bus_message* message, const model::UnitProperty& property);

} // namespace pm::launch
