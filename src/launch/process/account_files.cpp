// SPDX-License-Identifier: Apache-2.0
#include "launch/process/user_database.hpp"

#include "launch/wire.hpp"

#include <algorithm>
#include <cstdio>
#include <grp.h>
#include <memory>
#include <pwd.h>

namespace pm::launch {
namespace {

struct Close {
    void operator()(FILE* file) const noexcept { std::fclose(file); }
};
using File = std::unique_ptr<FILE, Close>;

/// The first entry that `wanted` accepts.
template <typename Wanted>
std::optional<User> find_user(const std::string& path, Wanted&& wanted)
{
    const File file(std::fopen(path.c_str(), "re"));
    if (!file) return std::nullopt;
    while (const passwd* entry = ::fgetpwent(file.get()))
        if (wanted(*entry)) return User{entry->pw_name, entry->pw_uid, entry->pw_gid, entry->pw_dir, entry->pw_shell};
    return std::nullopt;
}

/// Calls `each` with every entry until it returns false.
template <typename Each>
void for_each_group(const std::string& path, Each&& each)
{
    const File file(std::fopen(path.c_str(), "re"));
    if (!file) return;
    while (const struct group* entry = ::fgetgrent(file.get()))
        if (!each(*entry)) return;
}

bool has_member(const struct group& entry, const std::string& user)
{
    for (char** member = entry.gr_mem; *member != nullptr; ++member)
        if (user == *member) return true;
    return false;
}

} // namespace

std::optional<User> AccountFiles::user_by_name(const std::string& name)
{
    return find_user(passwd_, [&](const passwd& entry) { return name == entry.pw_name; });
}

std::optional<User> AccountFiles::user_by_id(uid_t uid)
{
    return find_user(passwd_, [&](const passwd& entry) { return uid == entry.pw_uid; });
}

std::optional<gid_t> AccountFiles::group_by_name(const std::string& name)
{
    std::optional<gid_t> found;
    for_each_group(group_, [&](const struct group& entry) {
        if (name == entry.gr_name) found = entry.gr_gid;
        return !found;
    });
    return found;
}

std::vector<gid_t> AccountFiles::groups_of(const std::string& user, gid_t gid)
{
    std::vector<gid_t> groups{gid};
    for_each_group(group_, [&](const struct group& entry) {
        const bool known = std::find(groups.begin(), groups.end(), entry.gr_gid) != groups.end();
        if (!known && has_member(entry, user)) groups.push_back(entry.gr_gid);
        return groups.size() < wire::kMaxGroups;
    });
    return groups;
}

} // namespace pm::launch
