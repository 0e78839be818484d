// SPDX-License-Identifier: Apache-2.0
#include "daemon/account_ids.hpp"

#include "base/text.hpp"

#include <fmt/format.h>

namespace pm::daemon {

base::Result<channel::AccountIds> AccountLookup::find(const std::string& user, const std::string& group)
{
    channel::AccountIds ids;
    if (!user.empty() && !find_user(user, ids))
        return base::fail(base::ErrorCode::InvalidSpec, fmt::format("user '{}' does not exist", user));
    if (group.empty()) return ids;
    ids.gid = files_.group_by_name(group);
    if (!ids.gid) ids.gid = service_.group_by_name(group);
    if (!ids.gid) ids.gid = base::parse_number<gid_t>(group);
    if (!ids.gid) return base::fail(base::ErrorCode::InvalidSpec, fmt::format("group '{}' does not exist", group));
    return ids;
}

/// A name that is a number is a name first, as in chown(1).
bool AccountLookup::find_user(const std::string& user, channel::AccountIds& ids)
{
    const auto number = base::parse_number<uid_t>(user);
    for (launch::UserDatabase* where :
         {static_cast<launch::UserDatabase*>(&files_), static_cast<launch::UserDatabase*>(&service_)}) {
        auto found = where->user_by_name(user);
        if (!found && number) found = where->user_by_id(*number);
        if (!found) continue;
        take_user(*where, *found, ids);
        return true;
    }
    ids.uid = number;
    return number.has_value();
}

void AccountLookup::take_user(launch::UserDatabase& where, const launch::User& user, channel::AccountIds& ids)
{
    ids.uid = user.uid;
    ids.gid = user.gid;
    ids.groups = where.groups_of(user.name, user.gid);
}

} // namespace pm::daemon
