// SPDX-License-Identifier: Apache-2.0
// One living process of an app: its signals, its threads, its descriptors. It is this very one for ever, whoever gets its number.
#pragma once

#include "base/fd.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <sys/types.h>
#include <vector>

namespace pm::channel {

/// What a process does about signals, as /proc tells; bit n-1 is signal n.
struct SignalMasks {
    std::uint64_t caught = 0;
    std::uint64_t ignored = 0;
    std::uint64_t blocked = 0; ///< by the thread that was looked at, of a process its first
    std::uint64_t pending = 0; ///< for the whole process
    [[nodiscard]] static constexpr bool has(std::uint64_t mask, int signal) noexcept { return (mask >> (signal - 1) & 1U) != 0; }
};

/// Those of one thread; nothing when it is gone.
[[nodiscard]] std::optional<SignalMasks> masks_of_thread(pid_t pid, pid_t thread);
[[nodiscard]] std::vector<pid_t> threads_of(pid_t pid);
/// 0: it is gone.
[[nodiscard]] pid_t parent_of(pid_t pid);
/// The thread of a stopped process is in epoll_wait(2) or its like; false where we may not know.
[[nodiscard]] bool waits_in_epoll(pid_t pid, pid_t thread);
/// In sigwait(3) or its like.
[[nodiscard]] bool waits_for_signal(pid_t pid, pid_t thread);

class AppProcess {
public:
    /// Of its descriptors: all, the first ones, or none, as we may not.
    enum class Seen { All, First, None };

    /// Invalid when it is gone.
    explicit AppProcess(pid_t pid);
    [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(pidfd_); }
    [[nodiscard]] pid_t pid() const noexcept { return pid_; }

    void signal(int signal) const noexcept;
    /// To each of its threads, which must be stopped: none of them runs on before it has acted on it.
    void signal_threads(int signal) const;
    /// True when the first thread is stopped, whoever did it.
    [[nodiscard]] bool is_stopped() const;
    /// True when all its threads are stopped by a signal, or ended.
    [[nodiscard]] bool is_all_stopped() const;
    /// It has no descriptors any more.
    [[nodiscard]] bool has_ended() const;
    /// Nothing when it is gone.
    [[nodiscard]] std::optional<SignalMasks> signals() const;

    /// A copy of its descriptor `number`. Invalid, with errno: it has none, it is gone, or we may not (it takes the rights of
    /// ptrace(2)).
    [[nodiscard]] base::Fd copy(int number) const noexcept;
    /// Calls `visit(number, inode)` for each socket among the first `most` descriptors until one returns false.
    [[nodiscard]] Seen visit_sockets(std::size_t most, const std::function<bool(int, ino_t)>& visit) const;

private:
    [[nodiscard]] bool look_at_threads() const;

    pid_t pid_ = 0;
    base::Fd pidfd_;
};

} // namespace pm::channel
