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

/// The last `lines` whole lines of the first `end` bytes of `file`, each ended by '\n', at most 1 MiB of them. Empty when
/// the file cannot be read: history is a courtesy.
[[nodiscard]] std::string read_tail(const LogPath& file, off_t end, std::uint32_t lines);

} // namespace pm::logs
