// SPDX-License-Identifier: Apache-2.0
#include "channel/kept_path.hpp"

#include "io/path_lookup.hpp"

#include <algorithm>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace pm::channel {

KeptPath::~KeptPath()
{
    keeper_.forget(*this);
}

bool KeptPath::begin(int root, const std::string& path, const std::optional<SocketFile>& expected)
{
    const io::ActingAs owner(owner_.get());
    if (owner.error() != 0) return false;
    io::PathEnd end = io::look_up(path, io::LastLink::Followed, root);
    if (end.error != 0 || end.name == ".") return false;
    directory_ = std::move(end.directory);
    name_ = std::move(end.name);
    spare_ = "." + name_ + ".pmd";
    for (const std::string& name : {name_, spare_}) {
        struct stat status {};
        if (::fstatat(directory_.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) < 0) continue;
        file_ = {status.st_dev, status.st_ino};
        if (!S_ISSOCK(status.st_mode) || (expected && file_ != *expected)) return false;
        if (name == spare_ || is_ours(spare_)) return true;
        ::unlinkat(directory_.get(), spare_.c_str(), 0); // of a socket that was there before
        return link(name_, spare_);
    }
    return false;
}

/// While acting as the owner.
bool KeptPath::is_ours(const std::string& name, nlink_t* names) const
{
    struct stat status {};
    if (::fstatat(directory_.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) < 0) return false;
    if (names != nullptr) *names = status.st_nlink;
    return file_ == SocketFile{status.st_dev, status.st_ino};
}

/// While acting as the owner.
bool KeptPath::link(const std::string& from, const std::string& to) const
{
    return ::linkat(directory_.get(), from.c_str(), directory_.get(), to.c_str(), 0) == 0;
}

void KeptPath::put_back()
{
    const io::ActingAs owner(owner_.get());
    nlink_t names = 0;
    if (owner.error() != 0) return;
    if (!is_ours(spare_, &names)) {
        if (is_ours(name_)) (void)link(name_, spare_); // somebody removed the spare one
    } else if (names == 1) {
        was_put_back_ = link(spare_, name_) || was_put_back_;
    }
}

void KeptPath::drop_spare()
{
    keeper_.forget(*this);
    const io::ActingAs owner(owner_.get());
    if (owner.error() == 0 && is_ours(spare_)) ::unlinkat(directory_.get(), spare_.c_str(), 0);
}

void KeptPath::release()
{
    drop_spare();
    const io::ActingAs owner(owner_.get());
    if (owner.error() != 0) return;
    if (was_put_back_ && is_ours(name_)) ::unlinkat(directory_.get(), name_.c_str(), 0);
}

PathKeeper::PathKeeper(io::EventLoop& loop)
    : watch_(loop, io::Priority::Processes, [this](int watch, const std::string& name) { on_removed(watch, name); })
{
}

std::unique_ptr<KeptPath> PathKeeper::keep(int root, const std::string& path, const std::optional<SocketFile>& expected,
                                           const model::SharedIdentity& owner)
{
    std::unique_ptr<KeptPath> kept(new KeptPath(*this, owner));
    if (!kept->begin(root, path, expected)) return nullptr;
    kept->watch_ = watch_.add("/proc/self/fd/" + std::to_string(kept->directory_.get())).value_or(-1);
    paths_.emplace(kept->watch_, kept.get());
    kept->put_back(); // what happened before the watch
    return kept;
}

void PathKeeper::on_removed(int watch, const std::string& name)
{
    for (const auto& [of, path] : paths_)
        if (watch < 0 || (of == watch && (name == path->name_ || name == path->spare_))) path->put_back();
}

void PathKeeper::forget(KeptPath& path)
{
    std::erase_if(paths_, [&](const auto& entry) { return entry.second == &path; });
    if (path.watch_ >= 0 && !paths_.contains(path.watch_)) watch_.remove(path.watch_);
    path.watch_ = -1;
}

} // namespace pm::channel
