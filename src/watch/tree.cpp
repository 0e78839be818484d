// SPDX-License-Identifier: Apache-2.0
#include "watch/tree.hpp"

#include "base/path.hpp"
#include "watch/open_directory.hpp"

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <fmt/format.h>
#include <sys/inotify.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

namespace pm::watch {
namespace {

constexpr std::uint32_t kEvents = IN_MODIFY | IN_ATTRIB | IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF |
                                  IN_MOVE_SELF | IN_ONLYDIR | IN_EXCL_UNLINK;
constexpr int kMostLinks = 40; ///< as path_resolution(7)
constexpr std::size_t kMostTouched = 65'536;

std::string joined(const std::string& directory, const std::string& name) { return (directory == "/" ? "" : directory) + "/" + name; }

/// Empty: it leads nowhere. The directory itself may have been reached through links.
std::string target_of(const std::string& link)
{
    char target[PATH_MAX];
    char directory[PATH_MAX];
    const ssize_t size = ::readlink(link.c_str(), target, sizeof target);
    if (size <= 0 || ::realpath(base::directory_of(link).c_str(), directory) == nullptr) return {};
    return base::absolute_path(directory, std::string_view(target, static_cast<std::size_t>(size)));
}

bool is_directory(const std::string& path)
{
    struct stat status {};
    return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

/// procfs and sysfs tell of no change, and have no end.
bool is_made_by_the_kernel(const std::string& path)
{
    struct statfs status {};
    return ::statfs(path.c_str(), &status) == 0 && (status.f_type == PROC_SUPER_MAGIC || status.f_type == SYSFS_MAGIC);
}

/// The kernel tells nobody when a link or a second name of a file has been written.
bool is_whole_when_made(const std::string& path)
{
    struct stat status {};
    return ::lstat(path.c_str(), &status) == 0 && (S_ISLNK(status.st_mode) || (S_ISREG(status.st_mode) && status.st_nlink > 1));
}

} // namespace

Tree::Tree(const Filter& filter, const Settings& settings, Changed changed, Trouble trouble)
    : filter_(filter), settings_(settings), changed_(std::move(changed)), trouble_(std::move(trouble))
{
}

void Tree::build()
{
    watched_.clear();
    touched_.clear();
    anew_ = false;
    full_ = false;
    inotify_ = base::Fd(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    if (!inotify_) {
        const int error = errno;
        return trouble_(error == EMFILE ? "files are not watched: the user has as many inotify instances as fs.inotify.max_user_instances allows; raise it with sysctl(8)"
                                        : fmt::format("files are not watched: {}", std::strerror(error)));
    }
    for (const Root& root : filter_.roots()) add_root(root);
}

std::size_t Tree::directories() const noexcept
{
    std::size_t count = 0;
    for (const auto& [wd, watched] : watched_) count += watched.root != nullptr ? 1 : 0;
    return count;
}

void Tree::add_root(const Root& root)
{
    const bool directory = is_directory(root.path);
    if (!add_way(root.path, !directory)) return trouble_(fmt::format("'{}' is not there; it is watched once it is", root.path));
    if (directory) add_tree(root.path, root, 0);
}

bool Tree::add_way(const std::string& path, bool end_is_file, int links)
{
    std::string directory = "/";
    for (std::size_t begin = 1; begin < path.size();) {
        const std::size_t end = std::min(path.find('/', begin), path.size());
        const std::string name = path.substr(begin, end - begin);
        const std::string here = joined(directory, name);
        struct stat status {};
        if (::lstat(here.c_str(), &status) != 0) {
            add_name(directory, name, true); // where it would begin
            return false;
        }
        const bool link = S_ISLNK(status.st_mode);
        const bool last = end == path.size();
        if (link || last) add_name(directory, name, link || !end_is_file);
        if (link && links < kMostLinks) (void)add_way(target_of(here), last && end_is_file, links + 1);
        directory = here;
        begin = end + 1;
    }
    return true;
}

void Tree::add_name(const std::string& directory, const std::string& name, bool anew)
{
    if (Watched* watched = watch(directory)) {
        bool& looks_anew = watched->names[name];
        looks_anew = looks_anew || anew;
    }
}

Tree::Watched* Tree::watch(const std::string& path)
{
    const int wd = ::inotify_add_watch(inotify_.get(), path.c_str(), kEvents);
    if (wd >= 0) {
        Watched& watched = watched_[wd];
        if (watched.path.empty()) watched.path = path;
        return &watched;
    }
    const int error = errno;
    if (error == EACCES || error == ENOENT || error == ENOTDIR || error == ELOOP) return nullptr; // the user may not look there, or it has gone
    if (!std::exchange(full_, true))
        trouble_(error == ENOSPC ? fmt::format("only {} directories are watched: the user has as many inotify watches as fs.inotify.max_user_watches "
                                               "allows; raise it with sysctl(8), or name less in watch",
                                               watched_.size())
                                 : fmt::format("'{}' cannot be watched: {}", path, std::strerror(error)));
    return nullptr;
}

void Tree::add_tree(const std::string& path, const Root& root, std::uint32_t depth)
{
    if (full_) return;
    if (watched_.size() >= kMostDirectories) {
        full_ = true;
        return trouble_(fmt::format("'{}' has more than {} directories below it, of which the rest is not watched: name less in watch", root.path, kMostDirectories));
    }
    if (is_made_by_the_kernel(path)) return;
    Watched* watched = watch(path);
    if (watched == nullptr || watched->root != nullptr) return; // or it is known by another name, through a link
    watched->root = &root;
    watched->depth = depth;
    watched->path = path;
    const auto directory = open_directory(path);
    if (directory == nullptr) return;
    while (const dirent* entry = ::readdir(directory.get())) {
        const std::string name = entry->d_name;
        if (name == "." || name == "..") continue;
        add_entry(joined(path, name), root, depth, entry->d_type);
    }
}

void Tree::add_entry(const std::string& path, const Root& root, std::uint32_t depth, unsigned char type)
{
    if (type != DT_DIR && type != DT_LNK && type != DT_UNKNOWN) return;
    if (filter_.ignores(root, path)) return;
    struct stat status {};
    if (type == DT_UNKNOWN && ::lstat(path.c_str(), &status) != 0) return;
    const bool link = type == DT_LNK || (type == DT_UNKNOWN && S_ISLNK(status.st_mode));
    if (link && !settings_.follow_symlinks) return;
    if (is_directory(path)) {
        if (!settings_.depth || depth < *settings_.depth) add_tree(path, root, depth + 1);
    } else if (link && Filter::counts(root, path)) {
        (void)add_way(target_of(path), true, 1);
    }
}

/// What was moved away is watched still, but is called otherwise now.
void Tree::forget_below(const std::string& path)
{
    const std::string below = path + "/";
    for (auto entry = watched_.begin(); entry != watched_.end();) {
        Watched& watched = entry->second;
        if (watched.path != path && !watched.path.starts_with(below)) {
            ++entry;
            continue;
        }
        ::inotify_rm_watch(inotify_.get(), entry->first);
        entry = watched_.erase(entry);
    }
}

void Tree::read()
{
    alignas(inotify_event) char buffer[64 * 1024];
    for (;;) {
        const ssize_t size = ::read(inotify_.get(), buffer, sizeof buffer);
        if (size <= 0) break;
        for (const char* at = buffer; at < buffer + size && !anew_;) {
            inotify_event event;
            std::memcpy(&event, at, sizeof event);
            take(event, event.len > 0 ? at + sizeof event : "");
            at += sizeof event + event.len;
        }
        if (anew_) break;
    }
    if (anew_) build();
}

void Tree::begin_anew(const std::string& path)
{
    anew_ = true;
    changed_(path);
}

void Tree::take(const inotify_event& event, const char* name)
{
    if ((event.mask & (IN_Q_OVERFLOW | IN_UNMOUNT)) != 0) return begin_anew(filter_.roots().front().path);
    const auto found = watched_.find(event.wd);
    if (found == watched_.end()) return;
    if ((event.mask & IN_IGNORED) != 0) {
        watched_.erase(found);
        return;
    }
    const Watched& watched = found->second;
    if ((event.mask & (IN_DELETE_SELF | IN_MOVE_SELF)) != 0) { // told by the directory that it is in, unless that is not watched
        if (!watched.names.empty()) begin_anew(watched.path);
        return;
    }
    if (const auto interest = watched.names.find(name); interest != watched.names.end()) {
        const bool moved = (event.mask & (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO)) != 0;
        if (moved && interest->second) return begin_anew(joined(watched.path, name));
        if (watched.root == nullptr && (event.mask & IN_ISDIR) == 0) return take_in_tree(watched, event, name);
    }
    if (watched.root != nullptr) take_in_tree(watched, event, name);
}

void Tree::take_in_tree(const Watched& watched, const inotify_event& event, const std::string& name)
{
    const std::string path = joined(watched.path, name);
    const Root* root = watched.root;
    const int wd = event.wd;
    if (root != nullptr && filter_.ignores(*root, path)) return;
    const auto told = [&] {
        if (root == nullptr || Filter::counts(*root, path)) changed_(path);
    };
    if ((event.mask & IN_ISDIR) != 0) {
        if ((event.mask & (IN_MOVED_FROM | IN_DELETE)) != 0) forget_below(path);
        else if ((event.mask & (IN_CREATE | IN_MOVED_TO)) != 0) add_entry(path, *root, watched.depth, DT_DIR);
        else return;
        return told();
    }
    if ((event.mask & (IN_MODIFY | IN_ATTRIB)) != 0 || ((event.mask & IN_CREATE) != 0 && !is_whole_when_made(path))) {
        if (touched_.size() < kMostTouched) touched_.emplace(wd, name);
        return;
    }
    const bool touched = touched_.erase({wd, name}) > 0 || touched_.size() >= kMostTouched;
    if ((event.mask & IN_CLOSE_WRITE) != 0) {
        if (touched) told();
        return;
    }
    if (root != nullptr && (event.mask & (IN_CREATE | IN_MOVED_TO)) != 0) add_entry(path, *root, watched.depth, DT_UNKNOWN);
    told();
}

} // namespace pm::watch
