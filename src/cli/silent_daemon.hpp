// SPDX-License-Identifier: Apache-2.0
// What is said when a pmd runs and does not answer: which one, why as far as /proc tells, and what to do.
#pragma once

#include "base/state_lock.hpp"
#include "cli/bus_choice.hpp"
#include "cli/failure.hpp"

#include <optional>
#include <string>
#include <sys/types.h>

namespace pm::cli {

/// The pmd whose state directory, or runtime directory, is that of `embedded`; nothing when none runs. `where` is as
/// to_string(BusChoice).
[[nodiscard]] std::optional<base::StateLockHolder> running_daemon(const BusChoice& embedded);

/// A signal has stopped this pmd: it answers nobody.
[[nodiscard]] bool is_stopped(pid_t pid);
/// Status 3. `bus`: for people, where it was asked; `pid`: of the silent pmd, 0 when it is not known; `embedded`: where it should
/// be, null when that is no embedded bus.
[[nodiscard]] Failure silent_daemon(const std::string& bus, pid_t pid, const BusChoice* embedded = nullptr);

} // namespace pm::cli
