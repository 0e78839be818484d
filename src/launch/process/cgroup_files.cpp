// SPDX-License-Identifier: Apache-2.0
#include "launch/process/cgroup_files.hpp"

#include "base/text.hpp"
#include "launch/process/process_table.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <map>
#include <memory>
#include <set>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace pm::launch {
namespace {

constexpr auto kEmptinessPoll = std::chrono::milliseconds(200);

struct CloseDir {
    void operator()(DIR* directory) const noexcept { ::closedir(directory); }
};

void collect_members(const std::string& path, std::vector<pid_t>& pids, int depth)
{
    if (const auto text = read_small_file(path + "/cgroup.procs", 16U << 20U))
        for (const std::string& word : base::split(*text, '\n'))
            if (const auto pid = base::parse_number<pid_t>(word); pid && *pid > 0) pids.push_back(*pid);
    if (depth == kMaxCgroupDepth) return;
    for (const std::string& name : cgroups_below(path)) collect_members(path + "/" + name, pids, depth + 1);
}

/// mountinfo writes a space as \040 and so on.
std::string unescape_octal(std::string_view text)
{
    const auto digit = [](char c) { return c >= '0' && c <= '7'; };
    std::string result;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 3 < text.size() && digit(text[i + 1]) && digit(text[i + 2]) && digit(text[i + 3])) {
            result += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
            i += 3;
        } else {
            result += text[i];
        }
    }
    return result;
}

} // namespace

std::optional<OwnCgroup> find_own_cgroup(std::string_view mountinfo, std::string_view cgroup)
{
    std::string own;
    for (const std::string& line : base::split(cgroup, '\n'))
        if (line.starts_with("0::/")) own = line.substr(3);
    if (own.empty() || own.starts_with("/..")) return std::nullopt;
    for (const std::string& line : base::split(mountinfo, '\n')) {
        const std::size_t dash = line.find(" - cgroup2 ");
        if (dash == std::string::npos) continue;
        const auto fields = base::split(std::string_view(line).substr(0, dash), ' ');
        if (fields.size() < 5) continue;
        const std::string root = unescape_octal(fields[3]); // the part of the tree that is mounted here
        const std::string path = unescape_octal(fields[4]);
        if (root == "/") return OwnCgroup{path + (own == "/" ? "" : own), own};
        if (own == root || own.starts_with(root + "/")) return OwnCgroup{path + own.substr(root.size()), own};
    }
    return std::nullopt;
}

std::string cgroup_of(pid_t pid)
{
    const auto mounts = read_small_file("/proc/self/mountinfo");
    const auto names = read_small_file("/proc/" + std::to_string(pid) + "/cgroup", 65536);
    const auto found = mounts && names ? find_own_cgroup(*mounts, *names) : std::nullopt;
    return found ? found->path : std::string();
}

std::string path_of_cgroup(std::string_view name)
{
    const auto mounts = name.starts_with('/') ? read_small_file("/proc/self/mountinfo") : std::nullopt;
    const auto found = mounts ? find_own_cgroup(*mounts, fmt::format("0::{}\n", name)) : std::nullopt;
    return found ? found->path : std::string();
}

std::vector<std::string> cgroups_below(const std::string& path)
{
    std::vector<std::string> names;
    const std::unique_ptr<DIR, CloseDir> directory(::opendir(path.c_str()));
    if (!directory) return names;
    while (const dirent* entry = ::readdir(directory.get()))
        if (entry->d_type == DT_DIR && entry->d_name[0] != '.') names.emplace_back(entry->d_name);
    return names;
}

std::vector<pid_t> cgroup_members(const std::string& path)
{
    std::vector<pid_t> pids;
    collect_members(path, pids, 0);
    return pids;
}

bool cgroup_populated(const std::string& path)
{
    const auto events = read_small_file(path + "/cgroup.events", 4096);
    return events && events->find("populated 1") != std::string::npos;
}

std::set<pid_t> signal_cgroup(const std::string& path, int signal)
{
    constexpr int kRounds = 64; // each signals what the one before did not see; what forks faster is left to SIGKILL
    std::set<pid_t> seen;
    std::set<pid_t> signalled;
    for (int round = 0; round < kRounds; ++round) {
        std::map<pid_t, base::Fd> fresh;
        for (const pid_t pid : cgroup_members(path))
            if (seen.insert(pid).second) fresh.emplace(pid, static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
        if (fresh.empty()) break;
        // Who is there still, now that its number cannot be given to another, is who was meant.
        for (const pid_t pid : cgroup_members(path))
            if (const auto at = fresh.find(pid); at != fresh.end() && at->second && send_signal(at->second, signal) == 0) signalled.insert(pid);
    }
    return signalled;
}

bool cgroup_kill(const std::string& path)
{
    const base::Fd fd(::open((path + "/cgroup.kill").c_str(), O_WRONLY | O_CLOEXEC));
    return fd && ::write(fd.get(), "1", 1) == 1;
}

std::optional<std::uint64_t> cgroup_cpu_usec(const std::string& path)
{
    const auto text = read_small_file(path + "/cpu.stat", 4096);
    if (!text) return std::nullopt;
    for (const std::string& line : base::split(*text, '\n'))
        if (line.starts_with("usage_usec ")) return base::parse_number<std::uint64_t>(line.substr(11));
    return std::nullopt;
}

std::optional<std::uint64_t> cgroup_memory_bytes(const std::string& path)
{
    const auto text = read_small_file(path + "/memory.current", 64);
    return text ? base::parse_number<std::uint64_t>(base::trim(*text)) : std::nullopt;
}

std::optional<std::uint64_t> cgroup_held_bytes(const std::string& path)
{
    const auto all = cgroup_memory_bytes(path);
    const auto text = read_small_file(path + "/memory.stat", 8192);
    if (!all || !text) return all;
    std::uint64_t files = 0;
    for (const std::string& line : base::split(*text, '\n'))
        for (const std::string_view key : {"active_file ", "inactive_file "})
            if (line.starts_with(key)) files += base::parse_number<std::uint64_t>(std::string_view(line).substr(key.size())).value_or(0);
    return *all > files ? *all - files : 0;
}

model::TimePoint emptiness_poll() { return std::chrono::steady_clock::now() + kEmptinessPoll; }

base::Result<Watched> watch_emptiness(io::EventLoop& loop, const std::string& path, std::function<void()> callback)
{
    Watched watched;
    watched.fd = base::Fd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    const int fd = watched.fd.get();
    if (!watched.fd || ::inotify_add_watch(fd, (path + "/cgroup.events").c_str(), IN_MODIFY) < 0) {
        watched.fd.reset();
        auto timer = loop.add_timer(emptiness_poll(), io::Priority::Processes, std::move(callback));
        if (!timer) return tl::unexpected(timer.error());
        watched.source = *std::move(timer);
        return watched;
    }
    auto source = loop.add_io(fd, EPOLLIN, io::Priority::Processes, [fd, callback](std::uint32_t) {
        char events[512];
        while (::read(fd, events, sizeof events) > 0) {
        }
        callback();
    });
    if (!source) return tl::unexpected(source.error());
    watched.source = *std::move(source);
    return watched;
}

} // namespace pm::launch
