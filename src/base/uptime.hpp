// SPDX-License-Identifier: Apache-2.0
// Which life of the machine, or of the container, this is.
#pragma once

#include <string>

namespace pm::base {

/// Of this life of the machine, or of the container whose first process this one sees as process 1: a name of a file that no other life
/// has, BOOT.START, and its part that all containers of a machine have in common.
struct Uptime {
    std::string boot;  ///< the kernel's boot id
    std::string start; ///< of process 1, in ticks after that: a container may begin anew while the machine stays up
};
[[nodiscard]] Uptime uptime_identity();
[[nodiscard]] std::string to_string(const Uptime& uptime);

} // namespace pm::base
