// SPDX-License-Identifier: Apache-2.0
// Watches files with inotify(7): everything below directories, single files by the directory they are in, and the symbolic
// links on the way to both.
//
// A file has changed when it was written and closed, made, removed, moved away or put in its place; one that is written by
// somebody who never closes it has not. Of what happens faster than it is read, the kernel tells only that there was more:
// everything is looked up anew then, and something has changed.
#pragma once

#include "base/fd.hpp"
#include "watch/filter.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>

struct inotify_event;

namespace pm::watch {

class Tree {
public:
    using Changed = std::function<void(const std::string& path)>;
    using Trouble = std::function<void(const std::string& text)>;

    static constexpr std::size_t kMostDirectories = 65'536;

    Tree(const Filter& filter, const Settings& settings, Changed changed, Trouble trouble);
    /// Begins, or begins anew.
    void build();
    /// Readable when something has happened.
    [[nodiscard]] int fd() const noexcept { return inotify_.get(); }
    /// Takes what has happened.
    void read();
    /// How many directories are watched for all that is in them.
    [[nodiscard]] std::size_t directories() const noexcept;

private:
    /// What is wanted of one directory.
    struct Watched {
        std::string path;
        const Root* root = nullptr; ///< all in it counts, of this root; null: only `names` do
        std::uint32_t depth = 0;    ///< below the root
        std::map<std::string, bool> names; ///< that are of interest; true: all is looked up anew when they change
    };

    void add_root(const Root& root);
    /// The directories on the way to `path`, for the names of the links and of the end of it. False: it leads nowhere.
    bool add_way(const std::string& path, bool end_is_file, int links = 0);
    void add_name(const std::string& directory, const std::string& name, bool anew);
    void add_tree(const std::string& path, const Root& root, std::uint32_t depth);
    void add_entry(const std::string& path, const Root& root, std::uint32_t depth, unsigned char type);
    /// Null: it cannot be watched, which is told where that is not usual.
    Watched* watch(const std::string& path);
    void forget_below(const std::string& path);

    void take(const inotify_event& event, const char* name);
    void take_in_tree(const Watched& watched, const inotify_event& event, const std::string& name);
    void begin_anew(const std::string& path);

    const Filter& filter_;
    const Settings& settings_;
    Changed changed_;
    Trouble trouble_;
    base::Fd inotify_;
    std::map<int, Watched> watched_;
    std::set<std::pair<int, std::string>> touched_; ///< written, and not yet closed
    bool anew_ = false;
    bool full_ = false; ///< a limit was met and told
};

} // namespace pm::watch
