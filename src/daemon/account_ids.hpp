// SPDX-License-Identifier: Apache-2.0
// The numbers of users and groups for what pmd opens itself: this machine's files first, then the name service, once.
#pragma once

#include "channel/held_sockets.hpp"
#include "launch/process/user_database.hpp"

namespace pm::daemon {

class AccountLookup {
public:
    /// Each a name, a number or empty. Error: InvalidSpec, who does not exist.
    [[nodiscard]] base::Result<channel::AccountIds> find(const std::string& user, const std::string& group);
    /// Has the name service asked again.
    void forget() { service_.forget(); }

private:
    void take_user(launch::UserDatabase& where, const launch::User& user, channel::AccountIds& ids);
    bool find_user(const std::string& user, channel::AccountIds& ids);

    launch::AccountFiles files_;
    launch::NameService name_service_;
    launch::AskedOnce service_{name_service_};
};

} // namespace pm::daemon
