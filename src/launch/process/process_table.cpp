// SPDX-License-Identifier: Apache-2.0
#include "launch/process/process_table.hpp"

#include "base/text.hpp"
#include "io/capabilities.hpp"

#include <array>
#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <set>
#include <unistd.h>

namespace pm::launch {
namespace {

constexpr std::size_t kMaxEnvironment = 8U << 20U;

struct CloseDir {
    void operator()(DIR* directory) const noexcept { ::closedir(directory); }
};

std::string proc_path(pid_t pid, std::string_view file)
{
    return "/proc/" + std::to_string(pid) + "/" + std::string(file);
}

/// The fields of stat behind the name: index 0 is field 3 of proc(5), the state.
std::array<std::string_view, 22> fields_behind_name(std::string_view line)
{
    std::array<std::string_view, 22> fields{};
    const std::size_t name_end = line.rfind(')');
    if (name_end == std::string_view::npos) return fields;
    line.remove_prefix(name_end + 1);
    for (std::string_view& field : fields) {
        const std::size_t begin = line.find_first_not_of(" \n");
        if (begin == std::string_view::npos) break;
        line.remove_prefix(begin);
        field = line.substr(0, line.find_first_of(" \n"));
        line.remove_prefix(field.size());
    }
    return fields;
}

} // namespace

std::optional<std::string> read_small_file(const std::string& path, std::size_t bound)
{
    const base::Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
    if (!fd) return std::nullopt;
    std::string text;
    char buffer[4096];
    while (text.size() < bound) {
        const ssize_t got = ::read(fd.get(), buffer, sizeof buffer);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return std::nullopt;
        if (got == 0) break;
        text.append(buffer, static_cast<std::size_t>(got));
    }
    return text;
}

std::optional<ProcessInfo> parse_stat(std::string_view line)
{
    const auto fields = fields_behind_name(line);
    const auto pid = base::parse_number<pid_t>(line.substr(0, line.find(' ')));
    const auto parent = base::parse_number<pid_t>(fields[1]);
    const auto group = base::parse_number<pid_t>(fields[2]);
    const auto session = base::parse_number<pid_t>(fields[3]);
    const auto user = base::parse_number<std::uint64_t>(fields[11]);
    const auto system = base::parse_number<std::uint64_t>(fields[12]);
    const auto threads = base::parse_number<std::uint64_t>(fields[17]);
    const auto start = base::parse_number<std::uint64_t>(fields[19]);
    const auto pages = base::parse_number<std::uint64_t>(fields[21]);
    if (!pid || !parent || !group || !session || !user || !system || !threads || !start || !pages || fields[0].size() != 1)
        return std::nullopt;
    return ProcessInfo{*pid, *parent, *group, *session, fields[0][0], *start, *user + *system, *pages, *threads};
}

std::optional<ProcessInfo> read_process(pid_t pid)
{
    const auto line = read_small_file(proc_path(pid, "stat"), 4096);
    return line ? parse_stat(*line) : std::nullopt;
}

ProcessTable read_processes()
{
    ProcessTable table;
    const std::unique_ptr<DIR, CloseDir> directory(::opendir("/proc"));
    if (!directory) return table;
    while (const dirent* entry = ::readdir(directory.get())) {
        const auto pid = base::parse_number<pid_t>(entry->d_name);
        if (!pid) continue;
        if (auto info = read_process(*pid)) table.emplace(*pid, *info);
    }
    return table;
}

std::vector<ProcessInfo> descendants_of(pid_t pid, const ProcessTable& table)
{
    std::vector<ProcessInfo> found;
    std::set<pid_t> family{pid};
    for (std::size_t before = 0; before != family.size();) { // numbers are no order: a child may have a lower one
        before = family.size();
        for (const auto& [number, info] : table)
            if (family.contains(info.parent) && family.insert(number).second) found.push_back(info);
    }
    return found;
}

std::optional<std::vector<pid_t>> read_own_children()
{
    const auto text = read_small_file("/proc/thread-self/children");
    if (!text) return std::nullopt;
    std::vector<pid_t> children;
    for (const std::string& word : base::split(*text, ' '))
        if (const auto pid = base::parse_number<pid_t>(word)) children.push_back(*pid);
    return children;
}

std::optional<std::vector<std::string>> read_environment(pid_t pid)
{
    const io::PtraceAccess access;
    auto text = read_small_file(proc_path(pid, "environ"), kMaxEnvironment);
    if (!text) return std::nullopt;
    if (!text->empty() && text->back() == '\0') text->pop_back();
    if (text->empty()) return std::vector<std::string>{};
    return base::split(*text, '\0');
}

bool between_programs(pid_t pid)
{
    const auto arguments = read_small_file(proc_path(pid, "cmdline"), 1);
    return arguments && arguments->empty();
}

std::vector<FileId> read_outputs(pid_t pid)
{
    const io::PtraceAccess access;
    std::vector<FileId> outputs;
    struct stat status {};
    for (const char* fd : {"fd/1", "fd/2"})
        if (::stat(proc_path(pid, fd).c_str(), &status) == 0) outputs.push_back({status.st_dev, status.st_ino});
    return outputs;
}

base::Fd open_process(const ProcessInfo& info)
{
    base::Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, info.pid, 0)));
    if (!pidfd) return pidfd;
    const auto now = read_process(info.pid); // after the open: the pidfd and this are the same process
    if (!now || now->start_time != info.start_time) return base::Fd();
    return pidfd;
}

int send_signal(const base::Fd& pidfd, int signal) noexcept
{
    return ::syscall(SYS_pidfd_send_signal, pidfd.get(), signal, nullptr, 0) < 0 ? errno : 0;
}

base::Result<std::vector<std::string>> environment_of_process(pid_t pid)
{
    auto lines = read_environment(pid);
    if (!lines) return base::fail_errno("reading the environment of process " + std::to_string(pid), errno);
    if (lines->empty() && between_programs(pid))
        return base::fail(base::ErrorCode::Busy, "process " + std::to_string(pid) +
                                                     " is just executing its program: ask again in a moment");
    return *std::move(lines);
}

} // namespace pm::launch
