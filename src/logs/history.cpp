// SPDX-License-Identifier: Apache-2.0
#include "logs/history.hpp"

#include "base/fd.hpp"
#include "io/acting_as.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>

namespace pm::logs {
namespace {

constexpr off_t kBlock = 64 << 10;
constexpr off_t kMaxBytes = 1 << 20;

/// Exactly the bytes [from, to) of the file, or as many of them as there are.
std::string read_range(int fd, off_t from, off_t to)
{
    std::string text(static_cast<std::size_t>(to - from), '\0');
    std::size_t have = 0;
    while (have < text.size()) {
        const ssize_t got = pread(fd, text.data() + have, text.size() - have, from + static_cast<off_t>(have));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        have += static_cast<std::size_t>(got);
    }
    text.resize(have);
    return text;
}

base::Fd open_to_read(const LogPath& file)
{
    return io::ActingAs(file.who()).open(file.path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
}

/// Where the last `wanted` lines of `text` begin; nothing when it holds fewer line ends than needed to tell.
std::optional<std::size_t> start_of_last(std::string_view text, std::uint32_t wanted)
{
    std::size_t at = text.size();
    if (at > 0 && text.back() == '\n') --at;
    for (; wanted > 0; --wanted) {
        at = at == 0 ? std::string_view::npos : text.rfind('\n', at - 1);
        if (at == std::string_view::npos) return std::nullopt;
    }
    return at + 1;
}

} // namespace

std::optional<FileEnd> file_end(const LogPath& file)
{
    if (file.path.empty()) return std::nullopt;
    const io::ActingAs acting(file.who());
    struct stat status {};
    if (acting.status(file.path, status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
    return FileEnd{status.st_size, status.st_mtim};
}

FileTail read_tail(const LogPath& file, off_t end, std::uint32_t lines)
{
    const base::Fd fd = open_to_read(file);
    struct stat status {};
    if (!fd || lines == 0 || fstat(fd.get(), &status) < 0 || !S_ISREG(status.st_mode)) return {};
    end = std::min(end, status.st_size);
    // Doubling the piece reads at most twice what is needed, and needs no joining of blocks.
    FileTail tail;
    std::string& text = tail.text;
    for (off_t size = kBlock;; size *= 2) {
        const off_t from = std::max<off_t>(0, end - std::min(size, kMaxBytes));
        text = read_range(fd.get(), from, end);
        if (const auto start = start_of_last(text, lines)) {
            text.erase(0, *start);
            break;
        }
        if (from == 0) break;
        if (size < kMaxBytes) continue;
        // The first line is cut: leave it out, unless there is no other.
        const auto end_of_first = text.find('\n');
        tail.is_cut = end_of_first == std::string::npos || end_of_first + 1 == text.size();
        if (!tail.is_cut) text.erase(0, end_of_first + 1);
        break;
    }
    return tail;
}

} // namespace pm::logs
