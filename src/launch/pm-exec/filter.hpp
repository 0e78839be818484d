// SPDX-License-Identifier: Apache-2.0
// The seccomp filter by which pmd hears of bind(2) and listen(2) before the kernel carries them out (seccomp_unotify(2)).
#pragma once

#include <cstdint>

namespace pm::launch::exec {

/// Installs it, for this process and all that come of it, and sends its listener to pmd; gives up when either fails.
/// Without CAP_SYS_ADMIN the process first promises to gain no rights by execve (PR_SET_NO_NEW_PRIVS), as the kernel asks.
/// `pmd`: its pid; Yama is told that it may look at our memory and descriptors.
void install_filter(std::int64_t pmd) noexcept;

} // namespace pm::launch::exec
