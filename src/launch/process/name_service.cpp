// SPDX-License-Identifier: Apache-2.0
#include "launch/process/user_database.hpp"

#include "base/text.hpp"
#include "launch/wire.hpp"

#include <algorithm>
#include <grp.h>
#include <pwd.h>

namespace pm::launch {
namespace {

std::optional<User> to_user(const passwd* entry)
{
    if (entry == nullptr) return std::nullopt;
    return User{entry->pw_name, entry->pw_uid, entry->pw_gid, entry->pw_dir, entry->pw_shell};
}

/// The kept answer to `key`, or that of `ask`, which is kept if `worth_it`.
template <typename Map, typename Ask, typename WorthIt>
typename Map::mapped_type answer(Map& kept, const typename Map::key_type& key, Ask&& ask, WorthIt&& worth_it)
{
    if (const auto found = kept.find(key); found != kept.end()) return found->second;
    auto fresh = ask();
    if (!worth_it(fresh)) return fresh;
    if (kept.size() >= AskedOnce::kMostKept) kept.clear();
    kept.emplace(key, fresh);
    return fresh;
}

constexpr auto kAlways = [](const auto&) { return true; };

/// Of a name or a number that may be one: see AskedOnce.
auto known_or_number(const std::string& name)
{
    return [number = base::parse_number<uid_t>(name).has_value()](const auto& found) { return found || number; };
}

} // namespace

std::optional<User> NameService::user_by_name(const std::string& name) { return to_user(::getpwnam(name.c_str())); }

std::optional<User> NameService::user_by_id(uid_t uid) { return to_user(::getpwuid(uid)); }

std::optional<gid_t> NameService::group_by_name(const std::string& name)
{
    const struct group* entry = ::getgrnam(name.c_str());
    return entry != nullptr ? std::optional(entry->gr_gid) : std::nullopt;
}

std::vector<gid_t> NameService::groups_of(const std::string& user, gid_t gid)
{
    int count = 32;
    std::vector<gid_t> groups(static_cast<std::size_t>(count));
    if (::getgrouplist(user.c_str(), gid, groups.data(), &count) < 0) {
        count = std::clamp(count, 1, static_cast<int>(wire::kMaxGroups));
        groups.resize(static_cast<std::size_t>(count));
        if (::getgrouplist(user.c_str(), gid, groups.data(), &count) < 0) return {gid};
    }
    groups.resize(static_cast<std::size_t>(count));
    return groups;
}

std::optional<User> AskedOnce::user_by_name(const std::string& name)
{
    return answer(users_, name, [&] { return other_.user_by_name(name); }, known_or_number(name));
}

std::optional<User> AskedOnce::user_by_id(uid_t uid)
{
    return answer(ids_, uid, [&] { return other_.user_by_id(uid); }, kAlways);
}

std::optional<gid_t> AskedOnce::group_by_name(const std::string& name)
{
    return answer(groups_, name, [&] { return other_.group_by_name(name); }, known_or_number(name));
}

std::vector<gid_t> AskedOnce::groups_of(const std::string& user, gid_t gid)
{
    return answer(members_, {user, gid}, [&] { return other_.groups_of(user, gid); }, kAlways);
}

void AskedOnce::forget()
{
    users_.clear();
    ids_.clear();
    groups_.clear();
    members_.clear();
}

} // namespace pm::launch
