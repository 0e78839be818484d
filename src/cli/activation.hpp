// SPDX-License-Identifier: Apache-2.0
// Has the bus start pmd (D-Bus activation), and finds out early when that comes to nothing: the bus itself would say so
// after half a minute only.
#pragma once

#include "cli/bus_choice.hpp"
#include "cli/failure.hpp"

#include "sdbus_versions.hpp"

#include <string>

namespace pm::cli
{

/// Returns when pmd owns its name; tells whoever waits long what for, unless `silent`. Status 3 and the code NoDaemon:
/// it cannot be started, and what to do.
[[nodiscard]] Outcome<void> activate(sdbus::IConnection& connection, const BusChoice& choice, bool silent);

/// "see 'systemctl status pmd' and ...": how to find out why the pmd of such a bus does not run, and to run it.
[[nodiscard]] std::string where_to_look(const BusChoice& choice);

} // namespace pm::cli
