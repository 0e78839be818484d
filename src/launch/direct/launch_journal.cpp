// SPDX-License-Identifier: Apache-2.0
#include "launch/direct/launch_journal.hpp"

#include "base/text.hpp"
#include "io/small_file.hpp"
#include "launch/process/process_table.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace pm::launch {
namespace {

constexpr std::size_t kMaxBytes = 64U << 20U;
constexpr std::string_view kNoCgroup = "-"; // no leaf has that name: escape_component()

/// With an empty line before it, so that what a full disk cut short spoils no other entry.
std::string line_of(const LaunchJournal::Entry& entry)
{
    return "\n" + std::to_string(entry.pid) + " " + std::to_string(entry.start_time) + " " + (entry.cgroup.empty() ? std::string(kNoCgroup) : entry.cgroup) + " .\n";
}

} // namespace

int LaunchJournal::open()
{
    struct stat now {};
    if (fd_ && ::fstat(fd_.get(), &now) == 0 && now.st_nlink > 0) return 0;
    fd_ = base::Fd(::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!fd_) return errno;
    struct stat status {};
    size_ = ::fstat(fd_.get(), &status) == 0 ? static_cast<std::size_t>(status.st_size) : 0;
    reserve();
    return 0;
}

/// Not every file system can.
void LaunchJournal::reserve() { (void)::fallocate(fd_.get(), FALLOC_FL_KEEP_SIZE, static_cast<off_t>(size_), kLong); }

int LaunchJournal::note(const Entry& entry)
{
    if (path_.empty()) return 0;
    if (const int error = open()) return error;
    const std::string line = line_of(entry);
    const ssize_t written = ::write(fd_.get(), line.data(), line.size());
    if (written < 0) return errno;
    size_ += static_cast<std::size_t>(written);
    return written == static_cast<ssize_t>(line.size()) ? 0 : ENOSPC;
}

base::Result<void> LaunchJournal::keep(const std::vector<Entry>& entries)
{
    if (path_.empty()) return {};
    std::string text;
    for (const Entry& entry : entries) text += line_of(entry);
    fd_.reset();
    kept_ = text.size();
    return io::replace_file(path_, text, 0600);
}

void LaunchJournal::clear()
{
    if (!fd_ || size_ == 0 || ::ftruncate(fd_.get(), 0) < 0) return;
    size_ = 0;
    reserve();
}

std::vector<LaunchJournal::Entry> LaunchJournal::read() const
{
    std::vector<Entry> entries;
    const auto text = path_.empty() ? std::nullopt : read_small_file(path_, kMaxBytes);
    if (!text) return entries;
    for (const std::string& line : base::split(*text, '\n')) {
        const auto parts = base::split(line, ' ');
        if (parts.size() != 4 || parts[3] != ".") continue;
        const auto pid = base::parse_number<pid_t>(parts[0]);
        const auto start_time = base::parse_number<std::uint64_t>(parts[1]);
        if (pid && start_time && *pid > 1) entries.push_back({*pid, *start_time, parts[2] == kNoCgroup ? std::string() : parts[2]});
    }
    return entries;
}

} // namespace pm::launch
