// SPDX-License-Identifier: Apache-2.0
// Tells what is removed from directories (inotify(7)), at no cost while nothing is. What is renamed is not removed: a file that
// is put in the place of another one is no news.
#pragma once

#include "base/error.hpp"
#include "base/fd.hpp"
#include "io/event_loop.hpp"

#include <functional>
#include <set>
#include <string>

namespace pm::io {

class DirectoryWatch {
public:
    /// What was removed: a name in the directory of `watch`. An empty name: the directory itself is gone, renamed or unmounted,
    /// or (watch -1) so much has happened that the kernel forgot some of it. May call add() and remove().
    using Removed = std::function<void(int watch, const std::string& name)>;

    DirectoryWatch(EventLoop& loop, Priority priority, Removed removed)
        : loop_(loop), priority_(priority), removed_(std::move(removed))
    {
    }

    /// The number of the watch, the same for the same directory as long as it is watched. `path` may be one of /proc/self/fd.
    /// Takes the permission to read the directory, of the moment.
    [[nodiscard]] base::Result<int> add(const std::string& path);
    void remove(int watch);

private:
    [[nodiscard]] base::Result<void> open();
    void read();

    EventLoop& loop_;
    Priority priority_;
    Removed removed_;
    base::Fd fd_;
    Source source_;
    std::set<int> watches_;
};

} // namespace pm::io
