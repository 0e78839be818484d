// SPDX-License-Identifier: Apache-2.0
// The path of a socket that is kept while the programs that serve it come and go.
//
// Many programs remove the path when they end (Go's net package, Node, gunicorn, puma), or before they bind it: also when another
// process of the app serves the same socket, which nobody can reach from then on. A socket has one name only from bind(2) on, but
// a file may have several: so the file gets a spare name beside the first, ".NAME.pmd", and when the kernel tells that the first
// was removed (inotify(7)), it is linked to the same file again. Between the two lies the time that the kernel takes to wake pmd.
#pragma once

#include "channel/socket_path.hpp"
#include "io/directory_watch.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>

namespace pm::channel {

class PathKeeper;

class KeptPath {
public:
    /// Leaves the files as they are, for the next pmd.
    ~KeptPath();
    KeptPath(const KeptPath&) = delete;
    KeptPath& operator=(const KeptPath&) = delete;

    [[nodiscard]] const SocketFile& file() const noexcept { return file_; }
    /// Links the path to the file again where that has no name but the spare one: one that was renamed, or whose path is another
    /// file's by now, is left alone.
    void put_back();
    /// Removes the spare name. Nothing is put back any more.
    void drop_spare();
    /// Removes the spare name; and the path too, if it is there only because it was put back.
    void release();

private:
    friend class PathKeeper;
    KeptPath(PathKeeper& keeper, model::SharedIdentity owner) : keeper_(keeper), owner_(std::move(owner)) {}
    [[nodiscard]] bool begin(int root, const std::string& path, const std::optional<SocketFile>& expected);
    [[nodiscard]] bool is_ours(const std::string& name, nlink_t* names = nullptr) const;
    [[nodiscard]] bool link(const std::string& from, const std::string& to) const;

    PathKeeper& keeper_;
    model::SharedIdentity owner_; ///< with whose rights all is done; null: pmd's own
    base::Fd directory_;
    std::string name_;
    std::string spare_;
    SocketFile file_;
    int watch_ = -1;
    bool was_put_back_ = false;
};

/// It must outlive what it gives out.
class PathKeeper {
public:
    explicit PathKeeper(io::EventLoop& loop);

    /// Keeps `path`, which leads to the socket file `expected`; nothing expected: to whatever socket is there, or to the one that
    /// an earlier pmd kept there and whose path was removed since. `root`: a directory that is "/" for the path; -1: pmd's own.
    /// Null: the file system has no hard links, the owner may not make one, or something else is there.
    [[nodiscard]] std::unique_ptr<KeptPath> keep(int root, const std::string& path, const std::optional<SocketFile>& expected,
                                                 const model::SharedIdentity& owner);

private:
    friend class KeptPath;
    void on_removed(int watch, const std::string& name);
    void forget(KeptPath& path);

    io::DirectoryWatch watch_;
    std::multimap<int, KeptPath*> paths_; ///< by watch; -1: those whose directory cannot be watched
};

} // namespace pm::channel
