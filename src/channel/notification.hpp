// SPDX-License-Identifier: Apache-2.0
// One system call that waits for our answer: seccomp_unotify(2). The listener is that of the filter pm-exec installed.
//
// Who asked may be killed at any moment, and its number go to another: what was learned by that number holds when
// is_waiting() says so afterwards. An answer to one who is gone is no error.
#pragma once

#include <cstdint>
#include <optional>
#include <sys/types.h>

namespace pm::channel {

struct Notification {
    std::uint64_t id = 0;
    pid_t thread = 0;          ///< who asks, a thread; 0: in a pid namespace that we do not see into
    bool listens = false;      ///< listen(2), else bind(2)
    int fd = -1;               ///< the first argument: a number of theirs
    std::uint64_t address = 0; ///< bind(2): where the address is in their memory
    std::uint64_t size = 0;    ///< and its length
};

/// Nothing when who asked is gone again. Call it only when the listener is readable: else it waits.
[[nodiscard]] std::optional<Notification> receive_notification(int listener) noexcept;
[[nodiscard]] bool is_waiting(int listener, std::uint64_t id) noexcept;
/// The kernel carries the call out, with the rights of who asked.
void let_go_on(int listener, std::uint64_t id) noexcept;
/// The call returns 0, or -1 with `error`; it is not carried out.
void answer(int listener, std::uint64_t id, int error) noexcept;
/// Puts a copy of `ours` where `theirs` is in the process that asked, which is closed there. 0 or errno.
[[nodiscard]] int put_in_place(int listener, std::uint64_t id, int ours, int theirs, bool close_on_exec) noexcept;

} // namespace pm::channel
