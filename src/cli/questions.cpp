// SPDX-License-Identifier: Apache-2.0
#include "cli/questions.hpp"

#include <unistd.h>

namespace pm::cli {

Questions::Questions(sdbus::IProxy& proxy, bool on_system_bus)
    : bus_(dbus::bus_of(proxy)),
      allowed_(on_system_bus && geteuid() != 0 && isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1)
{
    set(allowed_);
}

void Questions::set(bool allowed) noexcept { sd_bus_set_allow_interactive_authorization(bus_, allowed ? 1 : 0); }

} // namespace pm::cli
