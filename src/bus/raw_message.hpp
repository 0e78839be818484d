// SPDX-License-Identifier: Apache-2.0
// What sd-bus knows of a message and sdbus-c++ 1.2 does not tell.
#pragma once

#include <sdbus-c++/sdbus-c++.h>
#include <systemd/sd-bus.h>

namespace pm::bus {

/// The message itself, which `message` keeps owning.
[[nodiscard]] inline sd_bus_message* raw(const sdbus::Message& message)
{
    struct Open : sdbus::Message {
        static void* of(const sdbus::Message& message) { return message.*(&Open::msg_); }
    };
    return static_cast<sd_bus_message*>(Open::of(message));
}

} // namespace pm::bus
