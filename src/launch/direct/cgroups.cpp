// SPDX-License-Identifier: Apache-2.0
#include "launch/direct/cgroups.hpp"

#include "base/text.hpp"
#include "launch/process/process_table.hpp"

#include <algorithm>
#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <sys/stat.h>
#include <unistd.h>

namespace pm::launch {
namespace {

constexpr std::string_view kPrefix = "pmd-";
constexpr std::string_view kSuffix = ".apps";
constexpr int kMaxDepth = 16; ///< of what an app made below its leaf

struct CloseDir {
    void operator()(DIR* directory) const noexcept { ::closedir(directory); }
};

std::vector<std::string> directories_in(const std::string& path)
{
    std::vector<std::string> names;
    const std::unique_ptr<DIR, CloseDir> directory(::opendir(path.c_str()));
    if (!directory) return names;
    while (const dirent* entry = ::readdir(directory.get()))
        if (entry->d_type == DT_DIR && entry->d_name[0] != '.') names.emplace_back(entry->d_name);
    return names;
}

/// Removes `path` and the cgroups below it; errno of the last rmdir. Cgroups that hold processes refuse.
int remove_tree(const std::string& path, int depth = 0)
{
    if (::rmdir(path.c_str()) == 0 || errno == ENOENT) return 0;
    if (errno != EBUSY || depth == kMaxDepth) return errno;
    for (const std::string& name : directories_in(path)) remove_tree(path + "/" + name, depth + 1);
    return ::rmdir(path.c_str()) == 0 || errno == ENOENT ? 0 : errno;
}

void collect_members(const std::string& path, std::vector<pid_t>& pids, int depth)
{
    if (const auto text = read_small_file(path + "/cgroup.procs", 16U << 20U))
        for (const std::string& word : base::split(*text, '\n'))
            if (const auto pid = base::parse_number<pid_t>(word); pid && *pid > 0) pids.push_back(*pid);
    if (depth == kMaxDepth) return;
    for (const std::string& name : directories_in(path)) collect_members(path + "/" + name, pids, depth + 1);
}

/// "pmd-<pid>-<start time>": a pid alone would be taken for alive when a container's next pmd has the same one.
std::string owner_name(const ProcessInfo& owner)
{
    return std::string(kPrefix) + std::to_string(owner.pid) + "-" + std::to_string(owner.start_time);
}

/// True when `name` was made by a pmd that lives no more.
bool is_stale(std::string_view name)
{
    if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) return false;
    const auto parts = base::split(name.substr(0, name.size() - kSuffix.size()), '-');
    const auto pid = parts.size() < 3 ? std::nullopt : base::parse_number<pid_t>(parts[1]);
    if (!pid) return false;
    const auto now = read_process(*pid);
    return !now || now->ended() || std::to_string(now->start_time) != parts[2];
}

/// Removes what is stale; gives the names of what cannot be removed yet.
std::vector<std::string> clear_stale(const std::string& own)
{
    std::vector<std::string> left;
    for (const std::string& name : directories_in(own))
        if (is_stale(name) && remove_tree(own + "/" + name) != 0) left.push_back(name);
    return left;
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

std::string escape_component(std::string_view text)
{
    constexpr char kHex[] = "0123456789abcdef";
    std::string result;
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
                           c == ':' || (c == '.' && !result.empty()) || (c == '-' && !result.empty());
        const auto byte = static_cast<unsigned char>(c);
        if (plain)
            result += c;
        else
            result.append("\\x").append(1, kHex[byte >> 4U]).append(1, kHex[byte & 15U]);
        if (result.size() > 180) break; // NAME_MAX is 255, and the generation comes behind
    }
    return result;
}

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

Cgroups::Cgroups()
{
    const auto mountinfo = read_small_file("/proc/self/mountinfo");
    const auto cgroup = read_small_file("/proc/self/cgroup");
    if (!mountinfo || !cgroup) return;
    const auto own = find_own_cgroup(*mountinfo, *cgroup);
    if (!own) return;
    const auto self = read_process(::getpid());
    if (!self) return;
    for (const std::string& name : clear_stale(own->path)) left_by_others_.push_back("../" + name); // seen from root_
    const std::string stem = owner_name(*self);
    std::string name = stem + std::string(kSuffix);
    for (int attempt = 1; ::mkdir((own->path + "/" + name).c_str(), 0755) < 0; ++attempt) {
        if (errno != EEXIST || attempt == 100) return; // EEXIST: a launcher beside us in this very process
        name = stem + "-" + std::to_string(attempt) + std::string(kSuffix);
    }
    root_ = own->path + "/" + name;
    root_name_ = (own->name == "/" ? "" : own->name) + "/" + name;
    root_fd_ = base::Fd(::open(root_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!root_fd_) ::rmdir(root_.c_str());
}

Cgroups::~Cgroups()
{
    if (!root_.empty()) remove_tree(root_);
}

base::Fd Cgroups::create(const std::string& name)
{
    if (::mkdirat(root_fd_.get(), name.c_str(), 0755) < 0 && errno != EEXIST) return base::Fd();
    base::Fd leaf(::openat(root_fd_.get(), name.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!leaf) {
        const int error = errno;
        ::unlinkat(root_fd_.get(), name.c_str(), AT_REMOVEDIR);
        errno = error;
    }
    return leaf;
}

Cgroups::Removal Cgroups::remove(const std::string& name)
{
    if (::unlinkat(root_fd_.get(), name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT) return Removal::Removed;
    const auto events = read_small_file(events_path(name), 4096);
    if (events && events->find("populated 1") != std::string::npos) return Removal::Populated;
    return remove_tree(root_ + "/" + name) == EBUSY ? Removal::Populated : Removal::Removed;
}

std::vector<pid_t> Cgroups::members(const std::string& name) const
{
    std::vector<pid_t> pids;
    collect_members(root_ + "/" + name, pids, 0);
    return pids;
}

bool Cgroups::contains(const std::string& name, pid_t pid) const
{
    const auto text = read_small_file("/proc/" + std::to_string(pid) + "/cgroup", 65536);
    if (!text) return false;
    const std::string wanted = "0::" + root_name_ + "/" + name;
    const auto lines = base::split(*text, '\n');
    return std::any_of(lines.begin(), lines.end(), [&](const std::string& line) {
        return line == wanted || line.starts_with(wanted + "/");
    });
}

bool Cgroups::kill(const std::string& name) const
{
    const base::Fd fd(::open((root_ + "/" + name + "/cgroup.kill").c_str(), O_WRONLY | O_CLOEXEC));
    return fd && ::write(fd.get(), "1", 1) == 1;
}

std::string Cgroups::events_path(const std::string& name) const { return root_ + "/" + name + "/cgroup.events"; }

std::optional<std::uint64_t> Cgroups::cpu_usec(const std::string& name) const
{
    const auto text = read_small_file(root_ + "/" + name + "/cpu.stat", 4096);
    if (!text) return std::nullopt;
    for (const std::string& line : base::split(*text, '\n'))
        if (line.starts_with("usage_usec ")) return base::parse_number<std::uint64_t>(line.substr(11));
    return std::nullopt;
}

std::optional<std::uint64_t> Cgroups::memory_bytes(const std::string& name) const
{
    const auto text = read_small_file(root_ + "/" + name + "/memory.current", 64);
    return text ? base::parse_number<std::uint64_t>(base::trim(*text)) : std::nullopt;
}

} // namespace pm::launch
