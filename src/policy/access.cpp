// SPDX-License-Identifier: Apache-2.0
#include "policy/access.hpp"

#include "model/name_table.hpp"

namespace pm::policy {
namespace {

constexpr model::NameTable<PolkitAction, 4> kActions{{{
    {PolkitAction::ManageApps, "org.pmd1.manage-apps"},
    {PolkitAction::RunAsOtherUser, "org.pmd1.run-as-other-user"},
    {PolkitAction::ReadEnvironment, "org.pmd1.read-environment"},
    {PolkitAction::ManageDaemon, "org.pmd1.manage-daemon"},
}}};

/// What an owner and a stranger need leave for; a master never does.
struct Row {
    std::optional<PolkitAction> owner;
    std::optional<PolkitAction> stranger;
};

constexpr Row row_of(Access access) noexcept
{
    switch (access) {
    case Access::Look: return {};
    case Access::Declare: return {};
    case Access::Manage: return {std::nullopt, PolkitAction::ManageApps};
    case Access::ReadPrivate: return {std::nullopt, PolkitAction::ReadEnvironment};
    case Access::Exceed: return {PolkitAction::RunAsOtherUser, PolkitAction::RunAsOtherUser};
    case Access::ManageDaemon: return {PolkitAction::ManageDaemon, PolkitAction::ManageDaemon};
    }
    return {PolkitAction::ManageDaemon, PolkitAction::ManageDaemon};
}

} // namespace

std::string_view to_string(PolkitAction action) noexcept { return kActions.name(action); }

bool is_master(uid_t caller, uid_t daemon) noexcept { return caller == 0 || caller == daemon; }

Relation relation_of(uid_t caller, uid_t daemon, uid_t owner) noexcept
{
    if (is_master(caller, daemon)) return Relation::Master;
    return caller == owner ? Relation::Owner : Relation::Stranger;
}

std::optional<PolkitAction> needed(Access access, Relation relation) noexcept
{
    switch (relation) {
    case Relation::Master: return std::nullopt;
    case Relation::Owner: return row_of(access).owner;
    case Relation::Stranger: break;
    }
    return row_of(access).stranger;
}

} // namespace pm::policy
