// SPDX-License-Identifier: Apache-2.0
#include "launch/direct/accounts.hpp"

#include "base/text.hpp"
#include "launch/direct/sentences.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <functional>
#include <grp.h>
#include <memory>
#include <pwd.h>
#include <unistd.h>

namespace pm::launch {
namespace {

using model::LaunchStage;
using Failure = tl::unexpected<model::ExitInfo>;

constexpr int kMaxGroups = 65536;

struct Close {
    void operator()(FILE* file) const noexcept { std::fclose(file); }
};
using File = std::unique_ptr<FILE, Close>;

struct User {
    std::string name;
    uid_t uid = 0;
    gid_t gid = 0;
    std::string home;
    std::string shell;
};

User to_user(const passwd& entry) { return {entry.pw_name, entry.pw_uid, entry.pw_gid, entry.pw_dir, entry.pw_shell}; }

std::optional<User> user_in_file(const std::function<bool(const passwd&)>& wanted)
{
    const File file(std::fopen("/etc/passwd", "re"));
    if (!file) return std::nullopt;
    while (const passwd* entry = ::fgetpwent(file.get()))
        if (wanted(*entry)) return to_user(*entry);
    return std::nullopt;
}

std::optional<gid_t> group_in_file(const std::string& name)
{
    const File file(std::fopen("/etc/group", "re"));
    if (!file) return std::nullopt;
    while (const struct group* entry = ::fgetgrent(file.get()))
        if (name == entry->gr_name) return entry->gr_gid;
    return std::nullopt;
}

std::optional<User> user_by_name(const std::string& name)
{
    if (auto found = user_in_file([&](const passwd& entry) { return name == entry.pw_name; })) return found;
    if (const passwd* entry = ::getpwnam(name.c_str())) return to_user(*entry);
    return std::nullopt;
}

std::optional<User> user_by_id(uid_t uid)
{
    if (auto found = user_in_file([&](const passwd& entry) { return uid == entry.pw_uid; })) return found;
    if (const passwd* entry = ::getpwuid(uid)) return to_user(*entry);
    return std::nullopt;
}

std::optional<gid_t> group_by_name(const std::string& name)
{
    if (auto found = group_in_file(name)) return found;
    if (const struct group* entry = ::getgrnam(name.c_str())) return entry->gr_gid;
    return base::parse_number<gid_t>(name);
}

std::vector<gid_t> groups_of(const User& user, gid_t gid)
{
    int count = 32;
    std::vector<gid_t> groups(static_cast<std::size_t>(count));
    if (::getgrouplist(user.name.c_str(), gid, groups.data(), &count) < 0) {
        groups.resize(static_cast<std::size_t>(std::clamp(count, 1, kMaxGroups)));
        count = static_cast<int>(groups.size());
        if (::getgrouplist(user.name.c_str(), gid, groups.data(), &count) < 0) return {gid};
    }
    groups.resize(static_cast<std::size_t>(count));
    return groups;
}

/// Without root, nothing may change; what is asked for may only be what is already so.
tl::expected<Account, model::ExitInfo> unprivileged(const Account& wanted, const std::string& user,
                                                    const std::string& group)
{
    if (wanted.uid && *wanted.uid != ::geteuid())
        return Failure(launch_failed(LaunchStage::User, EPERM,
                                     "changing to user '" + user + "': only root may run an app as another user"));
    if (!group.empty() && wanted.gid && *wanted.gid != ::getegid())
        return Failure(launch_failed(LaunchStage::Group, EPERM,
                                     "changing to group '" + group + "': only root may run an app in another group"));
    return Account{std::nullopt, std::nullopt, std::nullopt, wanted.name, wanted.home, wanted.shell};
}

} // namespace

tl::expected<Account, model::ExitInfo> find_account(const std::string& user, const std::string& group)
{
    Account account;
    if (user.empty() && group.empty()) return account;
    if (!group.empty()) {
        account.gid = group_by_name(group);
        if (!account.gid)
            return Failure(launch_failed(LaunchStage::Group, ENOENT, "group '" + group + "' does not exist"));
    }
    if (!user.empty()) {
        const auto number = base::parse_number<uid_t>(user);
        auto found = user_by_name(user);
        if (!found && number) found = user_by_id(*number);
        if (!found && !number)
            return Failure(launch_failed(LaunchStage::User, ENOENT, "user '" + user + "' does not exist"));
        if (!found && !account.gid && ::geteuid() == 0)
            return Failure(launch_failed(LaunchStage::Group, ENOENT,
                                         "user '" + user + "' has no entry in the user database: name a group too"));
        account.uid = found ? found->uid : *number;
        if (!account.gid && found) account.gid = found->gid;
        account.groups = found ? groups_of(*found, *account.gid) : std::vector<gid_t>{*account.gid};
        if (found) account.name = found->name, account.home = found->home, account.shell = found->shell;
    }
    if (::geteuid() != 0) return unprivileged(account, user, group);
    return account;
}

model::SharedIdentity identity_of(const Account& account)
{
    if (!account.uid || *account.uid == 0) return nullptr;
    return std::make_shared<const model::Identity>(
        model::Identity{*account.uid, *account.gid, account.groups.value_or(std::vector<gid_t>{}),
                        account.name.empty() ? std::to_string(*account.uid) : account.name});
}

} // namespace pm::launch
