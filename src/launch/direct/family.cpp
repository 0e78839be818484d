// SPDX-License-Identifier: Apache-2.0
#include "launch/direct/family.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <dirent.h>
#include <memory>
#include <set>
#include <unistd.h>

namespace pm::launch {
namespace {

constexpr std::size_t kMaxMembers = 65536;
constexpr int kMostParents = 256; ///< of parents that are asked
/// A process without environment and arguments for longer than this is not executing a program, it hides them.
constexpr auto kLongestExec = std::chrono::seconds(2);

struct CloseDir {
    void operator()(DIR* directory) const noexcept { ::closedir(directory); }
};

std::string tag_text(std::string_view id, std::string_view generation, std::string_view name)
{
    return std::string(id) + "." + std::string(generation) + "." + std::string(name);
}

/// "<PM_ID>.<PM_GENERATION>.<PM_NAME>" of an environment; empty when one is missing.
std::string tag_of(const std::vector<std::string>& environment)
{
    std::optional<std::string_view> id;
    std::optional<std::string_view> generation;
    std::optional<std::string_view> name;
    for (const std::string_view variable : environment) {
        if (variable.starts_with("PM_ID=")) id = variable.substr(6);
        if (variable.starts_with("PM_GENERATION=")) generation = variable.substr(14);
        if (variable.starts_with("PM_NAME=")) name = variable.substr(8);
    }
    return id && generation && name ? tag_text(*id, *generation, *name) : std::string();
}

std::string tag_of(const Generation& generation)
{
    return tag_text(std::to_string(generation.request.key.id.value),
                    std::to_string(generation.request.key.generation.value), generation.request.spec->name);
}

/// Children of all threads of `pid`; nothing when the kernel does not list them.
std::optional<std::vector<pid_t>> listed_children(pid_t pid)
{
    const std::string tasks = "/proc/" + std::to_string(pid) + "/task";
    const std::unique_ptr<DIR, CloseDir> directory(::opendir(tasks.c_str()));
    std::vector<pid_t> children;
    if (!directory) return children;
    while (const dirent* entry = ::readdir(directory.get())) {
        if (entry->d_name[0] == '.') continue;
        const auto text = read_small_file(tasks + "/" + entry->d_name + "/children", 16U << 20U);
        if (!text && errno == ENOENT && ::access("/proc/thread-self/children", F_OK) < 0) return std::nullopt;
        if (!text) continue;
        for (const std::string& word : base::split(*text, ' '))
            if (const auto child = base::parse_number<pid_t>(word)) children.push_back(*child);
    }
    return children;
}

/// Answers "children of", from the kernel's lists or, where it keeps none, from one scan of all processes.
class Children {
public:
    std::vector<pid_t> of(pid_t pid)
    {
        if (!scanned_) {
            if (auto listed = listed_children(pid)) return *std::move(listed);
            for (const auto& [child, info] : read_processes()) by_parent_[info.parent].push_back(child);
            scanned_ = true;
        }
        const auto found = by_parent_.find(pid);
        return found == by_parent_.end() ? std::vector<pid_t>{} : found->second;
    }

private:
    bool scanned_ = false;
    std::map<pid_t, std::vector<pid_t>> by_parent_;
};

bool shares_any(const std::vector<FileId>& left, const std::vector<FileId>& right)
{
    return std::find_first_of(left.begin(), left.end(), right.begin(), right.end()) != left.end();
}

std::vector<pid_t> own_children()
{
    if (auto listed = read_own_children()) return *std::move(listed);
    return Children().of(::getpid());
}

} // namespace

/// What its environment says of it, or else its output; nothing while that cannot be told.
const Family::Tag* Family::tag(const ProcessInfo& info)
{
    Tag& known = tags_[info.pid];
    if (known.start_time != info.start_time) known = {info.start_time, {}, {}, std::chrono::steady_clock::now()};
    if (known.text) return &known;
    auto environment = read_environment(info.pid);
    const bool unsettled = environment && environment->empty() && between_programs(info.pid);
    if (!unsettled && environment && environment->empty()) environment = read_environment(info.pid); // it was, a moment ago
    if (unsettled && std::chrono::steady_clock::now() - known.first_seen < kLongestExec) return nullptr;
    known.text = environment ? tag_of(*environment) : std::string();
    if (known.text->empty()) known.outputs = read_outputs(info.pid);
    return &known;
}

Family::Belongs Family::belongs(const ProcessInfo& info, Generation& generation)
{
    const auto seen = generation.known.find(info.pid);
    if (seen != generation.known.end() && seen->second == info.start_time) return Belongs::Yes;
    const Tag* tagged = tag(info);
    if (tagged && !tagged->text->empty()) return shows(info, generation);
    // The main pid's number stays taken while its session or group has a member; another main process that has the
    // number now proves that the session is another one.
    const bool number_is_ours = generation.main_alive() || !is_main_(generation.pid);
    if (number_is_ours && (info.session == generation.pid || info.group == generation.pid)) return Belongs::Yes;
    return shows(info, generation);
}

Family::Belongs Family::shows(const ProcessInfo& info, const Generation& generation)
{
    const Tag* tagged = tag(info);
    if (tagged == nullptr) return Belongs::Unsettled;
    // The pipe was made for this generation alone; its number is not given to another one while somebody holds it.
    const bool ours = tagged->text->empty() ? shares_any(tagged->outputs, generation.outputs) : *tagged->text == tag_of(generation);
    return ours ? Belongs::Yes : Belongs::No;
}

/// They are not our children. What their environment says is not believed alone: a pmd elsewhere may have an app of that
/// name. Nor is their session, when its leader ended unseen: its number may have been free in between, and be that of
/// a service that put itself into the background since.
Family::Adopted Family::strays(Generation& generation)
{
    Adopted result;
    const ProcessTable all = read_processes();
    // A session or group keeps its number from being given away: who has it now is its leader, or proves that it is gone.
    const auto leader = all.find(generation.pid);
    const bool number_is_ours =
        generation.main_alive() || (!is_main_(generation.pid) && (leader == all.end() || leader->second.start_time == generation.start_time));
    for (const auto& [pid, info] : all) {
        if (info.ended() || is_main_(pid)) continue;
        const auto seen = generation.known.find(pid);
        const bool known = seen != generation.known.end() && seen->second == info.start_time;
        if (!known && !(number_is_ours && (info.session == generation.pid || info.group == generation.pid))) continue;
        const Belongs verdict = known || !generation.unseen ? Belongs::Yes : shows(info, generation);
        if (verdict == Belongs::Unsettled) result.unsettled = true;
        if (verdict != Belongs::Yes) continue;
        generation.known[pid] = info.start_time;
        result.members.push_back(info);
    }
    return result;
}

Family::Adopted Family::adopted(Generation& generation)
{
    if (generation.foreign) return strays(generation);
    Adopted result;
    for (const pid_t pid : own_children()) {
        if (is_main_(pid)) continue;
        const auto info = read_process(pid);
        if (!info || info->ended() || info->parent != ::getpid()) continue;
        const Belongs verdict = belongs(*info, generation);
        if (verdict == Belongs::Unsettled) result.unsettled = true;
        if (verdict != Belongs::Yes) continue;
        generation.known[pid] = info->start_time;
        result.members.push_back(*info);
    }
    return result;
}

bool Family::owns(pid_t pid, Generation& generation)
{
    for (int depth = 0; depth < kMostParents; ++depth) {
        const auto info = read_process(pid);
        if (!info) return false;
        if (info->pid == generation.pid) return generation.main_alive();
        if (info->parent == ::getpid()) return !is_main_(info->pid) && belongs(*info, generation) == Belongs::Yes;
        pid = info->parent;
    }
    return false;
}

std::vector<ProcessInfo> Family::members(Generation& generation)
{
    std::vector<ProcessInfo> found = adopted(generation).members;
    std::set<pid_t> seen;
    for (const ProcessInfo& info : found) seen.insert(info.pid);
    Children children;
    const auto add_children = [&](pid_t parent) {
        for (const pid_t child : children.of(parent)) {
            if (found.size() >= kMaxMembers || !seen.insert(child).second) continue;
            const auto info = read_process(child);
            if (!info || info->parent != parent) continue; // reparented meanwhile: found as adopted next time
            found.push_back(*info);
        }
    };
    if (generation.main_alive()) add_children(generation.pid);
    for (std::size_t i = 0; i < found.size(); ++i) add_children(found[i].pid);
    std::erase_if(found, [](const ProcessInfo& info) { return info.ended(); });
    generation.known.clear();
    for (const ProcessInfo& info : found) generation.known[info.pid] = info.start_time;
    return found;
}

} // namespace pm::launch
