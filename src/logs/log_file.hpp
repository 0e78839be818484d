// SPDX-License-Identifier: Apache-2.0
// The system calls of a log file: opening it with its directories, telling whether it was moved away, writing blocks.
#pragma once

#include "base/error.hpp"
#include "base/fd.hpp"
#include "logs/paths.hpp"
#include "model/status.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <sys/types.h>

namespace pm::logs {

struct LogFile {
    base::Fd fd;
    dev_t device = 0;
    ino_t inode = 0;
    bool is_empty = false;
    bool is_regular = false;
    std::uint64_t size = 0;         ///< as far as we know
    model::WallTime begun{};        ///< its birth where the file system knows it, else when it was opened
};

/// Gives the file at `path`, which has it open, a name of its own that tells the time (tidy/orders). It is not open any more for anybody who opens `path`.
[[nodiscard]] base::Result<void> put_aside(const LogPath& path, model::WallTime now);
/// Empties the file at `path`, if there is one.
[[nodiscard]] base::Result<void> empty_log_file(const LogPath& path);

/// Opens `file` for appending, made with mode 0600 when it is not there; missing directories are made, those at or below
/// `private_directory` with mode 0700. All of that with the rights of its user, who then owns what was made. Links are
/// followed; what is no regular file, character device or FIFO is refused. Never waits: a FIFO that nobody reads is an
/// error.
[[nodiscard]] base::Result<LogFile> open_log_file(const LogPath& file, const std::string& private_directory);

/// True when `path` names another file now, or none: it was rotated or removed.
[[nodiscard]] bool was_moved(const LogFile& file, const LogPath& path);

/// True when it is a file that does not end with '\n', as far as it may be read.
[[nodiscard]] bool ends_within_line(const LogFile& file);

/// "'/srv/web/out.log'", and for whom, if it is opened as somebody else.
[[nodiscard]] std::string shown(const LogPath& file);

struct Written {
    std::size_t bytes = 0;
    int error = 0; ///< errno of the write that failed; 0: all was written
};
[[nodiscard]] Written write_blocks(int fd, std::span<const std::string_view> blocks) noexcept;

} // namespace pm::logs
