// SPDX-License-Identifier: Apache-2.0
// From the user and group a spec names to the numbers a process runs with.
#pragma once

#include "launch/process/user_database.hpp"
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
    bool own = false;                         ///< no user was asked for: the three are of pmd's own, as the files know it
    std::string name;                         ///< of the user, if it has one
    std::string home;                         ///< of the user, if it has an entry
    std::string shell;
};

/// Looks up users and groups, each a name, a number or empty. The files of this machine are asked first, and all about a
/// user whom they know; the name service, which may keep us waiting, only for what is not there, and only once.
class Accounts {
public:
    Accounts(UserDatabase& files, UserDatabase& service) : files_(files), service_(service) {}
    /// The failure is one of Group or User, whole.
    [[nodiscard]] tl::expected<Account, model::ExitInfo> find(const std::string& user, const std::string& group);
    /// Has the name service asked again.
    void forget() { service_.forget(); }

private:
    struct Found {
        User user;
        UserDatabase& where;
    };
    std::optional<Found> find_user(const std::string& user);
    std::optional<gid_t> find_group(const std::string& group);

    UserDatabase& files_;
    AskedOnce service_;
};

/// Whose rights files of an app with this account are opened with; null when they are pmd's own.
[[nodiscard]] model::SharedIdentity identity_of(const Account& account);

} // namespace pm::launch
