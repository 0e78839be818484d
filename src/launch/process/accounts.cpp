// SPDX-License-Identifier: Apache-2.0
#include "launch/process/accounts.hpp"

#include "base/text.hpp"
#include "launch/process/sentences.hpp"

#include <cerrno>
#include <memory>
#include <unistd.h>

namespace pm::launch {
namespace {

using model::LaunchStage;
using Failure = tl::unexpected<model::ExitInfo>;

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
    return Account{std::nullopt, std::nullopt, std::nullopt, wanted.own, wanted.name, wanted.home, wanted.shell};
}

void take_names(Account& account, const User& user)
{
    account.name = user.name;
    account.home = user.home;
    account.shell = user.shell;
}

void take(Account& account, const User& user)
{
    if (!account.gid) account.gid = user.gid;
    take_names(account, user);
}

} // namespace

/// A name that is a number is a name first, as in chown(1).
std::optional<Accounts::Found> Accounts::find_user(const std::string& user)
{
    const auto number = base::parse_number<uid_t>(user);
    for (UserDatabase* where : {&files_, static_cast<UserDatabase*>(&service_)}) {
        if (auto found = where->user_by_name(user)) return Found{*std::move(found), *where};
        if (!number) continue;
        if (auto found = where->user_by_id(*number)) return Found{*std::move(found), *where};
    }
    return std::nullopt;
}

std::optional<gid_t> Accounts::find_group(const std::string& group)
{
    if (const auto found = files_.group_by_name(group)) return found;
    if (const auto found = service_.group_by_name(group)) return found;
    return base::parse_number<gid_t>(group);
}

tl::expected<Account, model::ExitInfo> Accounts::find(const std::string& user, const std::string& group)
{
    Account account;
    if (user.empty()) {
        account.own = true;
        if (const auto found = files_.user_by_id(::geteuid())) take_names(account, *found);
    }
    if (user.empty() && group.empty()) return account;
    if (!group.empty()) {
        account.gid = find_group(group);
        if (!account.gid)
            return Failure(launch_failed(LaunchStage::Group, ENOENT, "group '" + group + "' does not exist"));
    }
    if (!user.empty()) {
        const auto number = base::parse_number<uid_t>(user);
        const auto found = find_user(user);
        if (!found && !number)
            return Failure(launch_failed(LaunchStage::User, ENOENT, "user '" + user + "' does not exist"));
        if (!found && !account.gid && ::geteuid() == 0)
            return Failure(launch_failed(LaunchStage::Group, ENOENT,
                                         "user '" + user + "' has no entry in the user database: name a group too"));
        account.uid = found ? found->user.uid : *number;
        if (found) take(account, found->user);
        if (account.gid) account.groups = std::vector<gid_t>{*account.gid};
        if (found) account.groups = found->where.groups_of(found->user.name, *account.gid);
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
