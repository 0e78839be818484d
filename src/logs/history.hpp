// SPDX-License-Identifier: Apache-2.0
// The last lines of a log file, read backwards in bounded blocks.
#pragma once

#include "logs/paths.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <sys/types.h>
#include <ctime>

namespace pm::logs {

/// How far a file reached when somebody asked for its history: what comes later comes live.
struct FileEnd {
    off_t size = 0;
    timespec changed{};
};
/// Nothing when `file` is no regular file or cannot be looked at, with the rights of its user.
[[nodiscard]] std::optional<FileEnd> file_end(const LogPath& file);

struct FileTail {
    std::string text;         ///< each line ended by '\n', but for a last one that is not in the file as a whole
    bool is_cut = false;      ///< the beginning of the first line is not there
};
/// The last `lines` lines of the first `end` bytes of `file`, at most 1 MiB of them: whole ones, if not the last alone has
/// more. Empty when the file cannot be read: history is a courtesy.
[[nodiscard]] FileTail read_tail(const LogPath& file, off_t end, std::uint32_t lines);

} // namespace pm::logs
