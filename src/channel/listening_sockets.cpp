// SPDX-License-Identifier: Apache-2.0
#include "channel/listening_sockets.hpp"

#include "base/fd.hpp"
#include "base/text.hpp"
#include "io/capabilities.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <functional>
#include <memory>
#include <string>
#include <unistd.h>
#include <utility>

namespace pm::channel {
namespace {

constexpr std::size_t kMostBytes = 8U << 20U; ///< of one file
constexpr std::size_t kMostFields = 10;
constexpr std::string_view kListen = "0A";                ///< TCP_LISTEN
constexpr std::uint32_t kAcceptsConnections = 0x1'0000; ///< __SO_ACCEPTCON
constexpr std::string_view kSocket = "socket:[";

struct CloseDir {
    void operator()(DIR* directory) const noexcept { ::closedir(directory); }
};

std::array<std::string_view, kMostFields> fields_of(std::string_view line)
{
    std::array<std::string_view, kMostFields> fields;
    for (std::string_view& field : fields) {
        line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
        field = line.substr(0, line.find(' '));
        line.remove_prefix(field.size());
    }
    return fields;
}

/// Calls `good` for each line until it returns false.
void for_each_line(const std::string& path, const std::function<bool(std::string_view)>& good)
{
    const base::Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    std::string rest;
    std::array<char, 16384> chunk{};
    std::size_t total = 0;
    for (ssize_t got = 0; file && total < kMostBytes && (got = ::read(file.get(), chunk.data(), chunk.size())) > 0;) {
        total += static_cast<std::size_t>(got);
        rest.append(chunk.data(), static_cast<std::size_t>(got));
        std::size_t begin = 0;
        for (std::size_t end = 0; (end = rest.find('\n', begin)) != std::string::npos; begin = end + 1)
            if (!good(std::string_view(rest).substr(begin, end - begin))) return;
        rest.erase(0, begin);
    }
}

/// The kernel lists those that listen before all others, of which a busy machine has very many: they are not read.
void add_tcp(const std::string& path, Inodes& found)
{
    bool heading = true;
    for_each_line(path, [&](std::string_view line) {
        if (std::exchange(heading, false)) return true;
        const auto inode = listening_tcp(line);
        if (inode) found.insert(*inode);
        return inode.has_value();
    });
}

void add_unix(const std::string& path, Inodes& found)
{
    for_each_line(path, [&](std::string_view line) {
        if (const auto inode = listening_unix(line)) found.insert(*inode);
        return true;
    });
}

} // namespace

std::optional<std::uint64_t> listening_tcp(std::string_view line)
{
    const auto fields = fields_of(line);
    return fields[3] == kListen ? base::parse_number<std::uint64_t>(fields[9]) : std::nullopt;
}

std::optional<std::uint64_t> listening_unix(std::string_view line)
{
    const auto fields = fields_of(line);
    std::uint32_t flags = 0;
    const auto [end, error] = std::from_chars(fields[3].data(), fields[3].data() + fields[3].size(), flags, 16);
    if (error != std::errc() || end != fields[3].data() + fields[3].size() || (flags & kAcceptsConnections) == 0) return std::nullopt;
    return base::parse_number<std::uint64_t>(fields[6]);
}

Inodes listening_sockets(pid_t pid)
{
    Inodes found;
    const std::string net = fmt::format("/proc/{}/net/", pid);
    add_tcp(net + "tcp", found);
    add_tcp(net + "tcp6", found);
    add_unix(net + "unix", found);
    return found;
}

bool has_any(pid_t pid, const Inodes& sockets, std::size_t& budget)
{
    const io::PtraceAccess access;
    const std::unique_ptr<DIR, CloseDir> directory(::opendir(fmt::format("/proc/{}/fd", pid).c_str()));
    if (!directory) return false;
    while (const dirent* entry = budget > 0 ? ::readdir(directory.get()) : nullptr) {
        --budget;
        std::array<char, 64> target{};
        const ssize_t size = ::readlinkat(::dirfd(directory.get()), entry->d_name, target.data(), target.size());
        std::string_view text(target.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
        if (!text.starts_with(kSocket) || !text.ends_with(']')) continue;
        text = text.substr(kSocket.size(), text.size() - kSocket.size() - 1);
        const auto inode = base::parse_number<std::uint64_t>(text);
        if (inode && sockets.contains(*inode)) return true;
    }
    return false;
}

} // namespace pm::channel
