// SPDX-License-Identifier: Apache-2.0
// Who may do what, as one table: what is wanted, times who wants it, gives leave or the polkit action that may give it.
#pragma once

#include <optional>
#include <string_view>
#include <sys/types.h>

namespace pm::policy {

/// What a call is about to do.
enum class Access {
    Look,         ///< lists, public properties, whether a file is good
    Declare,      ///< load an app file; its apps are the caller's
    Manage,       ///< start, stop, restart, delete, scale, signal, reset
    ReadPrivate,  ///< environment, arguments, output and messages: where programs keep their secrets
    Exceed,       ///< load an app that runs with rights its owner does not have (policy/own_rights.hpp)
    ManageDaemon, ///< end pmd
};

/// What the caller is to the app in question, or to pmd where no app is.
enum class Relation {
    Master,   ///< root, or the user pmd runs as
    Owner,    ///< who loaded the app
    Stranger, ///< any other user of the machine
};

/// The actions of org.pmd1.policy.
enum class PolkitAction { ManageApps, RunAsOtherUser, ReadEnvironment, ManageDaemon };
/// "org.pmd1.manage-apps" and the like.
[[nodiscard]] std::string_view to_string(PolkitAction action) noexcept;

[[nodiscard]] Relation relation_of(uid_t caller, uid_t daemon, uid_t owner) noexcept;
/// Whether `caller` is a master of the pmd that runs as `daemon`, whoever owns an app.
[[nodiscard]] bool is_master(uid_t caller, uid_t daemon) noexcept;
/// Nothing: allowed. Otherwise polkit is asked about this action.
[[nodiscard]] std::optional<PolkitAction> needed(Access access, Relation relation) noexcept;

} // namespace pm::policy
