// SPDX-License-Identifier: Apache-2.0
#include "cli/questions.hpp"

#include <unistd.h>

namespace pm::cli {
namespace {

/// sdbus-c++ 1.2 gives its sd_bus to nobody; a message knows it.
sd_bus* bus_of(sdbus::IProxy& proxy)
{
    struct Open : sdbus::Message {
        static void* of(const sdbus::Message& message) { return message.*(&Open::msg_); }
    };
    const auto message = proxy.createMethodCall("org.freedesktop.DBus.Peer", "Ping");
    return sd_bus_message_get_bus(static_cast<sd_bus_message*>(Open::of(message)));
}

} // namespace

Questions::Questions(sdbus::IProxy& proxy, bool on_system_bus)
    : bus_(bus_of(proxy)),
      allowed_(on_system_bus && geteuid() != 0 && isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1)
{
    set(allowed_);
}

void Questions::set(bool allowed) noexcept { sd_bus_set_allow_interactive_authorization(bus_, allowed ? 1 : 0); }

} // namespace pm::cli
