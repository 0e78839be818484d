// SPDX-License-Identifier: Apache-2.0
// The process that waits in a system call for our answer: its memory, its descriptors, its files.
//
// All of it takes the rights of ptrace(2) over the process (PTRACE_MODE_ATTACH_REALCREDS), which a pmd that is root has,
// and one that started it with its own user as well unless the program hides (setuid, file capabilities) or Yama is
// strict. Nothing here waits for a disk, a network or the process.
#pragma once

#include "base/fd.hpp"
#include "channel/socket_path.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <sys/types.h>

namespace pm::channel {

class AskingProcess {
public:
    AskingProcess() = default;
    /// Of one of its threads; invalid when it is gone.
    explicit AskingProcess(pid_t thread);
    [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(pidfd_); }
    [[nodiscard]] AskingProcess duplicate() const noexcept;
    [[nodiscard]] pid_t pid() const noexcept { return pid_; }

    /// A copy of its descriptor `number`. Invalid, with errno: it has none, it is gone, or we may not.
    [[nodiscard]] base::Fd copy(int number) const noexcept;
    /// Copies `size` bytes; false when not all are there, or we may not.
    [[nodiscard]] bool read(std::uint64_t from, void* to, std::size_t size) const noexcept;
    /// Its root directory, opened with O_PATH; invalid when it is gone, or we may not.
    [[nodiscard]] base::Fd root() const;
    [[nodiscard]] bool closes_on_exec(int number) const;
    /// The socket file at an absolute path as the process sees it, in its own root directory.
    [[nodiscard]] std::optional<SocketFile> find_socket(const std::string& path) const;

private:
    pid_t pid_ = 0;
    base::Fd pidfd_;
};

} // namespace pm::channel
