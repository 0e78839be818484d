// SPDX-License-Identifier: Apache-2.0
#include "launch/direct/cgroups.hpp"

#include "base/text.hpp"
#include "launch/process/process_table.hpp"
#include "model/unit_names.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace pm::launch {
namespace {

constexpr std::string_view kPrefix = "pmd-";
constexpr std::string_view kSuffix = ".apps";

/// Removes `path` and the cgroups below it; errno of the last rmdir. Cgroups that hold processes refuse.
int remove_tree(const std::string& path, int depth = 0)
{
    if (::rmdir(path.c_str()) == 0 || errno == ENOENT) return 0;
    if (errno != EBUSY || depth == kMaxCgroupDepth) return errno;
    for (const std::string& name : cgroups_below(path)) remove_tree(path + "/" + name, depth + 1);
    return ::rmdir(path.c_str()) == 0 || errno == ENOENT ? 0 : errno;
}

/// Of a pmd that lives no more.
bool is_beside(std::string_view name) { return name.starts_with("../"); }

/// 0 or errno.
int write_file(const std::string& path, std::string_view text)
{
    const base::Fd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    return fd && ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) ? 0 : errno;
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
    for (const std::string& name : cgroups_below(own))
        if (is_stale(name) && remove_tree(own + "/" + name) != 0) left.push_back(name);
    return left;
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
        if (result.size() > 180) return model::in_64_characters(text); // NAME_MAX is 255, and the generation comes behind
    }
    return result;
}

/// False: it is gone.
bool Cgroups::reopen(const std::string& root, const std::string& name)
{
    if (root.empty()) return false;
    root_fd_ = base::Fd(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!root_fd_) return false;
    root_ = root;
    root_name_ = name;
    return true;
}

Cgroups::Cgroups(const std::string& earlier, const std::string& earlier_name)
{
    const auto mountinfo = read_small_file("/proc/self/mountinfo");
    const auto cgroup = read_small_file("/proc/self/cgroup");
    if (!mountinfo || !cgroup) return;
    const auto own = find_own_cgroup(*mountinfo, *cgroup);
    if (!own) return;
    const auto self = read_process(::getpid());
    if (!self) return;
    for (const std::string& name : clear_stale(own->path)) left_by_others_.push_back("../" + name); // seen from root_
    if (reopen(earlier, earlier_name)) {
        enable_controllers(own->path);
        return;
    }
    const std::string stem = owner_name(*self);
    std::string name = stem + std::string(kSuffix);
    for (int attempt = 1; ::mkdir((own->path + "/" + name).c_str(), 0755) < 0; ++attempt) {
        if (errno != EEXIST || attempt == 100) return; // EEXIST: a launcher beside us in this very process
        name = stem + "-" + std::to_string(attempt) + std::string(kSuffix);
    }
    root_ = own->path + "/" + name;
    root_name_ = (own->name == "/" ? "" : own->name) + "/" + name;
    root_fd_ = base::Fd(::open(root_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!root_fd_)
        ::rmdir(root_.c_str());
    else
        enable_controllers(own->path);
}

/// The root of the machine, which alone has no type, may hold processes beside enabled controllers; any other cgroup that
/// pmd is in may not (cgroups(7)), and would at best turn into one that our leaves cannot be born into.
void Cgroups::enable_controllers(const std::string& own)
{
    const bool machine_root = ::access((own + "/cgroup.type").c_str(), F_OK) < 0 && errno == ENOENT;
    for (const char* controller : {"cpu", "io", "memory", "pids"}) {
        const std::string order = std::string("+") + controller;
        if (machine_root) (void)write_file(own + "/cgroup.subtree_control", order);
        if (write_file(root_ + "/cgroup.subtree_control", order) == 0) controllers_.emplace_back(controller);
    }
}

bool Cgroups::has_controller(std::string_view controller) const
{
    return usable() && std::find(controllers_.begin(), controllers_.end(), controller) != controllers_.end();
}

int Cgroups::write(const std::string& name, const std::string& file, std::string_view text) const
{
    return write_file(root_ + "/" + name + "/" + file, text);
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
    if (cgroup_populated(root_ + "/" + name)) return Removal::Populated;
    return remove_tree(root_ + "/" + name) == EBUSY ? Removal::Populated : Removal::Removed;
}

std::vector<pid_t> Cgroups::members(const std::string& name) const { return cgroup_members(root_ + "/" + name); }

std::string Cgroups::seen_from_beside(const std::string& name) const
{
    return is_beside(name) ? name : "../" + root_.substr(root_.rfind('/') + 1) + "/" + name;
}

bool Cgroups::contains(const std::string& name, pid_t pid) const
{
    const auto text = read_small_file("/proc/" + std::to_string(pid) + "/cgroup", 65536);
    if (!text) return false;
    const std::string beside = root_name_.substr(0, root_name_.rfind('/'));
    const std::string wanted = "0::" + (is_beside(name) ? beside + name.substr(2) : root_name_ + "/" + name);
    const auto lines = base::split(*text, '\n');
    return std::any_of(lines.begin(), lines.end(), [&](const std::string& line) {
        return line == wanted || line.starts_with(wanted + "/");
    });
}

bool Cgroups::kill(const std::string& name) const { return write(name, "cgroup.kill", "1") == 0; }

std::optional<std::uint64_t> Cgroups::cpu_usec(const std::string& name) const
{
    return cgroup_cpu_usec(root_ + "/" + name);
}

std::optional<std::uint64_t> Cgroups::memory_bytes(const std::string& name) const
{
    return cgroup_memory_bytes(root_ + "/" + name);
}

std::optional<std::uint64_t> Cgroups::held_bytes(const std::string& name) const { return cgroup_held_bytes(root_ + "/" + name); }

} // namespace pm::launch
