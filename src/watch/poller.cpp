// SPDX-License-Identifier: Apache-2.0
#include "watch/poller.hpp"

#include "watch/open_directory.hpp"

#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

namespace pm::watch {

Poller::Poller(const Filter& filter, const Settings& settings, Changed changed, Trouble trouble)
    : filter_(filter), settings_(settings), changed_(std::move(changed)), trouble_(std::move(trouble))
{
}

void Poller::look()
{
    seen_.clear();
    directories_.clear();
    for (const Root& root : filter_.roots()) visit(root.path, root, 0);
    if (seen_.size() >= kMostFiles && !std::exchange(complained_, true))
        trouble_(fmt::format("there are more than {} files, of which the rest is not watched: name less in watch", kMostFiles));
    if (!std::exchange(first_, false)) {
        for (const auto& [path, state] : seen_)
            if (const auto before = files_.find(path); before == files_.end() || before->second != state) changed_(path);
        for (const auto& [path, state] : files_)
            if (!seen_.contains(path)) changed_(path);
    }
    files_.swap(seen_);
}

void Poller::visit(const std::string& path, const Root& root, std::uint32_t depth)
{
    if (path != root.path && filter_.ignores(root, path)) return;
    struct stat status {};
    const bool follows = settings_.follow_symlinks || path == root.path;
    if ((follows ? ::stat(path.c_str(), &status) : ::lstat(path.c_str(), &status)) != 0 || seen_.size() >= kMostFiles) return;
    if (!S_ISDIR(status.st_mode)) {
        constexpr std::int64_t kSecond = 1'000'000'000;
        if (Filter::counts(root, path)) seen_[path] = {status.st_mtim.tv_sec * kSecond + status.st_mtim.tv_nsec, status.st_size, status.st_ino};
        return;
    }
    if (!directories_.emplace(status.st_dev, status.st_ino).second || (settings_.depth && depth > *settings_.depth)) return;
    struct statfs system {};
    if (::statfs(path.c_str(), &system) == 0 && (system.f_type == PROC_SUPER_MAGIC || system.f_type == SYSFS_MAGIC)) return;
    const auto directory = open_directory(path);
    if (directory == nullptr) return;
    while (const dirent* entry = ::readdir(directory.get())) {
        const std::string name = entry->d_name;
        if (name != "." && name != "..") visit((path == "/" ? "" : path) + "/" + name, root, depth + 1);
    }
}

} // namespace pm::watch
