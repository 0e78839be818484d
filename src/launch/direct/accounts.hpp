// SPDX-License-Identifier: Apache-2.0
// From the user and group a spec names to the numbers a process runs with.
#pragma once

#include "model/identity.hpp"
#include "model/status.hpp"

#include <optional>
#include <string>
#include <sys/types.h>
#include <tl/expected.hpp>
#include <vector>

namespace pm::launch {

/// What is to be set; what is absent stays as pmd has it. With a uid there is a gid.
struct Account {
    std::optional<uid_t> uid;
    std::optional<gid_t> gid;
    std::optional<std::vector<gid_t>> groups; ///< supplementary
    std::string name;                         ///< of the user, if one is set and has a name
    std::string home;                         ///< of the user, if one is set and has an entry
    std::string shell;
};

/// Looks up a user and a group, each a name, a number or empty. Reads /etc/passwd and /etc/group first: the name
/// service, which may ask the network, is asked only for what is not there. The failure is one of Group or User, whole.
[[nodiscard]] tl::expected<Account, model::ExitInfo> find_account(const std::string& user, const std::string& group);

/// Whose rights files of an app with this account are opened with; null when they are pmd's own.
[[nodiscard]] model::SharedIdentity identity_of(const Account& account);

} // namespace pm::launch
