// SPDX-License-Identifier: Apache-2.0
// Which processes were started, each written down before it is told what to execute: a pmd that is killed before the file of
// the app names its new process leaves it here, and the next one ends what no app claims. Without that it would run on beside
// its replacement, and nobody would be left to end it.
#pragma once

#include "base/error.hpp"
#include "base/fd.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <sys/types.h>
#include <vector>

namespace pm::launch {

class LaunchJournal {
public:
    struct Entry {
        pid_t pid = 0;
        std::uint64_t start_time = 0; ///< ticks after boot: with the pid, this names a process for ever
        std::string cgroup;           ///< its leaf, as a pmd beside this one calls it; empty: none
        bool operator==(const Entry&) const = default;
    };

    /// The file is made, 0600, with its first entry, in a directory that is there; anew when somebody removed it. Empty: nothing is kept.
    explicit LaunchJournal(std::string path) : path_(std::move(path)) {}

    /// Appends with one write(2). Space for it is reserved, so that a disk that is full does not matter soon. 0 or errno.
    [[nodiscard]] int note(const Entry& entry);
    /// True when it has grown so long that keep() is worth its while.
    [[nodiscard]] bool is_long() const noexcept { return size_ > kLong + 2 * kept_; }
    /// Replaces all by `entries`, at once.
    base::Result<void> keep(const std::vector<Entry>& entries);
    /// Nothing runs that was noted here.
    void clear();
    /// What is there. A line that was cut short by a full disk is left out.
    [[nodiscard]] std::vector<Entry> read() const;

private:
    static constexpr std::size_t kLong = 64U << 10U;

    [[nodiscard]] int open();
    void reserve();

    std::string path_;
    base::Fd fd_;
    std::size_t size_ = 0;
    std::size_t kept_ = 0; ///< bytes that the last keep() left
};

} // namespace pm::launch
