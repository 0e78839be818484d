// SPDX-License-Identifier: Apache-2.0
// For as long as it lives, files are looked up, opened, made, renamed and removed with exactly a user's rights.
//
// A pmd that is root opens files that an app file names, in directories that the app's user owns: whatever link that
// user puts there must lead to where the user may go without pmd. So the effective user and group, the supplementary
// groups and, with the effective user, *all* effective capabilities change; the real and saved ids stay those of pmd, so
// that the user can neither signal nor trace it (kill(2), ptrace(2)).
//
// One thing cannot be given up that way: a process may always look into itself, and so /proc/self, and links such as
// /proc/self/fd/7, lead a user to what pmd has open. Paths are therefore looked up by the methods below, which follow no
// such link and enter no procfs (io/path_lookup.hpp), and addresses of unix sockets by a child that has no descriptor of
// pmd's. See SECURITY.md for why not all of it is done by a child.
//
// Credentials belong to a thread, and pmd has one: nothing else may be done meanwhile.
#pragma once

#include "base/fd.hpp"
#include "io/path_lookup.hpp"
#include "model/identity.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <sys/socket.h>
#include <sys/stat.h>
#include <vector>

namespace pm::io {

/// Why a path could not be used, for people. `error` is an errno of a method of ActingAs.
[[nodiscard]] std::string why_no_path(int error);

class ActingAs {
public:
    /// Null, or a pmd that is not root: nothing changes, and the methods are the plain system calls. `keep`: a capability
    /// that stays effective, CAP_NET_BIND_SERVICE for one who was granted ports below 1024.
    explicit ActingAs(const model::Identity* who, std::optional<int> keep = std::nullopt);
    ~ActingAs();
    ActingAs(const ActingAs&) = delete;
    ActingAs& operator=(const ActingAs&) = delete;

    /// errno when the rights could not be taken on, else 0. They are pmd's own then, and every method fails with it.
    [[nodiscard]] int error() const noexcept { return error_; }

    // Each of these fails with an errno: ELOOP also where the path leads through a magic link or into a procfs.
    /// As open(2), close-on-exec. Invalid: see errno.
    [[nodiscard]] base::Fd open(const std::string& path, int flags, mode_t mode = 0) const;
    /// As stat(2), or lstat(2) with AT_SYMLINK_NOFOLLOW in `flags`. 0 or errno.
    [[nodiscard]] int status(const std::string& path, struct stat& status, int flags = 0) const;
    /// 0 or errno, as mkdir(2), unlink(2) and rename(2).
    [[nodiscard]] int make_directory(const std::string& path, mode_t mode) const;
    [[nodiscard]] int remove(const std::string& path) const;
    [[nodiscard]] int rename(const std::string& from, const std::string& to) const;
    /// As bind(2) and connect(2), 0 or errno.
    [[nodiscard]] int bind(int socket, const sockaddr* address, socklen_t size) const;
    [[nodiscard]] int connect(int socket, const sockaddr* address, socklen_t size) const;

private:
    [[nodiscard]] PathEnd end_of(const std::string& path) const;
    [[nodiscard]] int by_child(int socket, const sockaddr* address, socklen_t size, bool binds) const;
    void restore() noexcept;

    bool changed_ = false;
    bool strict_ = false; ///< of a user who is not root
    int error_ = 0;
    std::uint64_t own_effective_ = 0;
    std::vector<gid_t> own_groups_;
};

} // namespace pm::io
