// SPDX-License-Identifier: Apache-2.0
#include "logs/log_file.hpp"

#include "io/acting_as.hpp"
#include "tidy/orders.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

namespace pm::logs {
namespace {

bool is_below(const std::string& path, const std::string& directory)
{
    return path.starts_with(directory) && (path.size() == directory.size() || path[directory.size()] == '/');
}

/// Makes each missing directory above `path`; errors show when the file is opened.
void make_parents(const io::ActingAs& acting, const std::string& path, const std::string& private_directory)
{
    for (auto slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
        const std::string parent = path.substr(0, slash);
        (void)acting.make_directory(parent, is_below(parent, private_directory) ? 0700 : 0755);
    }
}

base::Fd open_append(const io::ActingAs& acting, const std::string& path)
{
    return acting.open(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_NOCTTY, 0600);
}

/// statx(2): not every file system knows.
model::WallTime begun_at(int fd)
{
    struct statx status {};
    if (::statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_BTIME, &status) != 0 || (status.stx_mask & STATX_BTIME) == 0)
        return std::chrono::time_point_cast<model::WallTime::duration>(std::chrono::system_clock::now());
    return model::WallTime(std::chrono::duration_cast<model::WallTime::duration>(std::chrono::seconds(status.stx_btime.tv_sec) + std::chrono::nanoseconds(status.stx_btime.tv_nsec)));
}

} // namespace

std::string shown(const LogPath& file)
{
    return file.user ? fmt::format("'{}' as user '{}'", file.path, file.user->name) : fmt::format("'{}'", file.path);
}

base::Result<LogFile> open_log_file(const LogPath& file, const std::string& private_directory)
{
    const auto doing = [&] { return "opening " + shown(file); };
    const io::ActingAs acting(file.who());
    if (acting.error() != 0) return base::fail_errno(doing() + ": taking on these rights", acting.error());
    base::Fd fd = open_append(acting, file.path);
    if (!fd && errno == ENOENT) {
        make_parents(acting, file.path, private_directory);
        fd = open_append(acting, file.path);
    }
    struct stat status {};
    if (!fd || fstat(fd.get(), &status) < 0) return base::fail(base::ErrorCode::Failed, doing() + ": " + io::why_no_path(errno));
    if (!S_ISREG(status.st_mode) && !S_ISCHR(status.st_mode) && !S_ISFIFO(status.st_mode))
        return base::fail(base::ErrorCode::Failed, doing() + ": not a file, character device or FIFO");
    const model::WallTime begun = begun_at(fd.get());
    const bool regular = S_ISREG(status.st_mode);
    return LogFile{std::move(fd), status.st_dev, status.st_ino, regular && status.st_size == 0, regular, static_cast<std::uint64_t>(status.st_size), begun};
}

base::Result<void> put_aside(const LogPath& path, model::WallTime now)
{
    constexpr int kMostTries = 1000;
    const auto doing = [&] { return "putting aside " + shown(path); };
    const io::ActingAs acting(path.who());
    if (acting.error() != 0) return base::fail_errno(doing() + ": taking on these rights", acting.error());
    auto when = std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch());
    for (int tries = 0; tries < kMostTries; ++tries, ++when) { // one that is there is not overwritten
        const std::string aside = tidy::name_aside(path.path, when);
        struct stat status {};
        if (acting.status(aside, status, AT_SYMLINK_NOFOLLOW) == 0 || acting.status(aside + ".gz", status, AT_SYMLINK_NOFOLLOW) == 0) continue;
        if (const int error = acting.rename(path.path, aside)) return base::fail_errno(doing(), error);
        return {};
    }
    return base::fail_errno(doing(), EEXIST);
}

base::Result<void> empty_log_file(const LogPath& path)
{
    const io::ActingAs acting(path.who());
    const auto doing = [&] { return "emptying " + shown(path); };
    if (acting.error() != 0) return base::fail_errno(doing() + ": taking on these rights", acting.error());
    const base::Fd fd = acting.open(path.path, O_WRONLY | O_NONBLOCK | O_NOCTTY);
    if (!fd && errno == ENOENT) return {};
    struct stat status {};
    if (!fd || ::fstat(fd.get(), &status) < 0) return base::fail(base::ErrorCode::Failed, doing() + ": " + io::why_no_path(errno));
    if (!S_ISREG(status.st_mode)) return {};
    if (::ftruncate(fd.get(), 0) != 0) return base::fail_errno(doing(), errno);
    return {};
}

bool was_moved(const LogFile& file, const LogPath& path)
{
    const io::ActingAs acting(path.who());
    struct stat status {};
    return acting.status(path.path, status) != 0 || status.st_dev != file.device || status.st_ino != file.inode;
}

bool ends_within_line(const LogFile& file)
{
    struct stat status {};
    if (fstat(file.fd.get(), &status) < 0 || !S_ISREG(status.st_mode) || status.st_size == 0) return false;
    const std::string path = fmt::format("/proc/self/fd/{}", file.fd.get()); // for writing only: opened anew
    const base::Fd readable(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    char last = '\n';
    return readable && pread(readable.get(), &last, 1, status.st_size - 1) == 1 && last != '\n';
}

Written write_blocks(int fd, std::span<const std::string_view> blocks) noexcept
{
    Written written;
    std::size_t skip = 0; // bytes of blocks.front() that are written already
    while (!blocks.empty()) {
        std::array<iovec, 64> vectors;
        const std::size_t count = std::min(blocks.size(), vectors.size());
        for (std::size_t i = 0; i < count; ++i) {
            const std::string_view part = blocks[i].substr(i == 0 ? skip : 0);
            vectors[i] = {const_cast<char*>(part.data()), part.size()}; // writev(2) only reads
        }
        const ssize_t done = writev(fd, vectors.data(), static_cast<int>(count));
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) {
            written.error = done < 0 ? errno : EIO;
            return written;
        }
        written.bytes += static_cast<std::size_t>(done);
        skip += static_cast<std::size_t>(done);
        while (!blocks.empty() && skip >= blocks.front().size()) {
            skip -= blocks.front().size();
            blocks = blocks.subspan(1);
        }
    }
    return written;
}

} // namespace pm::logs
