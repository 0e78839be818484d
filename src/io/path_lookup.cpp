// SPDX-License-Identifier: Apache-2.0
#include "io/path_lookup.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <linux/limits.h>
#include <linux/magic.h>
#include <optional>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>
#include <utility>

namespace pm::io {
namespace {

constexpr int kMostLinks = 40; // path_resolution(7)
constexpr int kDirectory = O_PATH | O_DIRECTORY | O_CLOEXEC;

bool is_same(int one, int other) noexcept
{
    struct stat left {}, right {};
    return ::fstat(one, &left) == 0 && ::fstat(other, &right) == 0 && left.st_dev == right.st_dev && left.st_ino == right.st_ino;
}

class Lookup {
public:
    Lookup(const std::string& path, LastLink last, int root) : rest_(path), follows_last_(last == LastLink::Followed), root_(root)
    {
        if (path.empty()) fail(ENOENT);
        else if (path.front() == '/' || root >= 0) go_to_root();
        else go_to(AT_FDCWD, ".");
    }

    PathEnd run() &&
    {
        while (error_ == 0 && !end_) step();
        if (error_ != 0) return {{}, {}, error_};
        return {std::move(at_), *std::move(end_), 0};
    }

private:
    void fail(int error) { error_ = error; }

    void go_to(int from, const char* name)
    {
        base::Fd next(::openat(from, name, kDirectory));
        next ? enter(std::move(next)) : fail(errno);
    }
    void go_to_root() { root_ >= 0 ? go_to(root_, ".") : go_to(AT_FDCWD, "/"); }
    void enter(base::Fd directory)
    {
        if (is_in_procfs(directory.get())) return fail(ELOOP);
        at_ = std::move(directory);
    }

    void step()
    {
        rest_.erase(0, std::min(rest_.find_first_not_of('/'), rest_.size()));
        if (rest_.empty()) return void(end_ = ".");
        const std::string name = rest_.substr(0, rest_.find('/'));
        rest_.erase(0, name.size());
        if (name == ".") return;
        if (name == "..") return go_up();
        rest_.empty() ? end_at(name) : go_down(name);
    }

    void go_up()
    {
        if (root_ < 0 || !is_same(at_.get(), root_)) go_to(at_.get(), "..");
    }

    /// Opened as a directory first: that is what mounts a directory of autofs(5).
    void go_down(const std::string& name)
    {
        base::Fd next(::openat(at_.get(), name.c_str(), kDirectory | O_NOFOLLOW));
        if (next) return enter(std::move(next));
        if (errno != ENOTDIR) return fail(errno);
        follow(name, ENOTDIR);
    }

    void end_at(const std::string& name)
    {
        struct stat status {};
        const bool there = ::fstatat(at_.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
        if (!there && errno != ENOENT) return fail(errno);
        if (!there || !S_ISLNK(status.st_mode) || !follows_last_) return void(end_ = name);
        follow(name, EAGAIN); // was replaced meanwhile
    }

    void follow(const std::string& name, int when_no_link)
    {
        char target[PATH_MAX];
        const ssize_t size = ::readlinkat(at_.get(), name.c_str(), target, sizeof target);
        if (size < 0) return fail(errno == EINVAL ? when_no_link : errno);
        if (++links_ > kMostLinks) return fail(ELOOP);
        if (size == 0) return fail(ENOENT);
        rest_.insert(0, target, static_cast<std::size_t>(size));
        if (rest_.size() > std::size_t{PATH_MAX} * 2) return fail(ENAMETOOLONG);
        if (rest_.front() == '/') go_to_root();
    }

    std::string rest_;
    bool follows_last_;
    int root_;
    int links_ = 0;
    int error_ = 0;
    base::Fd at_;
    std::optional<std::string> end_;
};

} // namespace

PathEnd look_up(const std::string& path, LastLink last, int root) { return Lookup(path, last, root).run(); }

bool is_in_procfs(int fd) noexcept
{
    struct statfs status {};
    return ::fstatfs(fd, &status) < 0 || status.f_type == PROC_SUPER_MAGIC;
}

} // namespace pm::io
