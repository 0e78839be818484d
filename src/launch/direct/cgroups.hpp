// SPDX-License-Identifier: Apache-2.0
// pmd's own part of the cgroup2 tree: one directory for this pmd, below it one leaf per process generation.
//
// Nothing needs delegating but the right to make directories and to move our own children into them. Controllers are
// enabled only where no process can be beside them: below a cgroup that passes them on already, as pmd's own can when it
// is the root of the machine. A leaf is removed by
// rmdir, which fails exactly when something lives in it: it is the cheapest question whether anything is left.
#pragma once

#include "base/fd.hpp"
#include "launch/process/cgroup_files.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace pm::launch {

class Cgroups {
public:
    /// Makes "<own cgroup>/pmd-<pid>-<start time>.apps" and clears away what dead pmds left there empty. Unusable when it
    /// cannot.
    /// `earlier`: root() of the object that this process had before it executed another program, with its root_name(); it
    /// is ours again.
    explicit Cgroups(const std::string& earlier = {}, const std::string& earlier_name = {});
    /// Removes what is empty.
    ~Cgroups();
    Cgroups(const Cgroups&) = delete;
    Cgroups& operator=(const Cgroups&) = delete;

    [[nodiscard]] bool usable() const noexcept { return root_fd_ && !disabled_; }
    [[nodiscard]] const std::string& root() const noexcept { return root_; }
    /// The same as /proc/<pid>/cgroup calls it.
    [[nodiscard]] const std::string& root_name() const noexcept { return root_name_; }
    /// The name under which another pmd beside us, with a root of its own, reaches our leaf `name`.
    [[nodiscard]] std::string seen_from_beside(const std::string& name) const;
    /// Gives up on cgroups for what comes; leaves that exist are still served.
    void disable() noexcept { disabled_ = true; }

    /// True when leaves have the files of the controller ("memory", "cpu", "io", "pids").
    [[nodiscard]] bool has_controller(std::string_view controller) const;
    /// Writes `text` to a file of the leaf; 0 or errno.
    int write(const std::string& name, const std::string& file, std::string_view text) const;

    /// What dead pmds left beside us with something living in it: names for remove() and path().
    [[nodiscard]] const std::vector<std::string>& left_by_others() const noexcept { return left_by_others_; }

    /// Makes a leaf and opens it; none, and no leaf, with errno when it cannot.
    [[nodiscard]] base::Fd create(const std::string& name);

    enum class Removal { Removed, Populated };
    /// Removes the leaf and the empty directories in it, unless something lives in it.
    [[nodiscard]] Removal remove(const std::string& name);
    /// The processes in the leaf and below it.
    [[nodiscard]] std::optional<std::uint64_t> held_bytes(const std::string& name) const;
    [[nodiscard]] std::vector<pid_t> members(const std::string& name) const;
    /// True when `pid` is in the leaf now.
    [[nodiscard]] bool contains(const std::string& name, pid_t pid) const;
    /// SIGKILL to all of it at once; false when the kernel cannot (before Linux 5.14).
    bool kill(const std::string& name) const;
    [[nodiscard]] std::string path(const std::string& name) const { return root_ + "/" + name; }

    [[nodiscard]] std::optional<std::uint64_t> cpu_usec(const std::string& name) const;
    [[nodiscard]] std::optional<std::uint64_t> memory_bytes(const std::string& name) const;

private:
    bool reopen(const std::string& root, const std::string& name);
    void enable_controllers(const std::string& own);

    std::string root_;      ///< in the file system
    std::string root_name_; ///< as /proc/<pid>/cgroup calls it
    base::Fd root_fd_;
    std::vector<std::string> controllers_;
    std::vector<std::string> left_by_others_;
    bool disabled_ = false;
};

/// `text` as one safe path component.
[[nodiscard]] std::string escape_component(std::string_view text);

} // namespace pm::launch
