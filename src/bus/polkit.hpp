// SPDX-License-Identifier: Apache-2.0
// Asks polkit whether a caller may do something (org.freedesktop.PolicyKit1.Authority, CheckAuthorization), without
// waiting. No polkit, no answer in time, anything but a clear yes: not authorised.
#pragma once

#include "base/error.hpp"
#include "policy/access.hpp"

#include "sdbus_versions.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <sys/types.h>

namespace pm::bus {

class Polkit {
public:
    /// Open questions of all users together: a system bus lets a connection wait for 128 replies (dbus-daemon(1),
    /// max_replies_per_connection).
    static constexpr std::size_t kMostOpen = 96;
    /// Of one user, over however many connections: nobody keeps the others from polkit.
    static constexpr std::size_t kMostOpenOfUser = 16;
    /// How long polkit may take by itself, and with a person who types a password.
    static constexpr std::chrono::seconds kPatience{10};
    static constexpr std::chrono::seconds kPatienceWithPeople{120};

    struct Question {
        std::string caller; ///< unique name on the bus
        uid_t uid = 0;      ///< of the caller
        policy::PolkitAction action{};
        std::map<std::string, std::string> details; ///< for rules, and for the dialog: "polkit.message"
        bool interactive = false;                   ///< a person may be asked
    };
    /// Error: NotAuthorized; the message says why, beginning with a small letter.
    using Then = std::function<void(const base::Result<void>&)>;

    /// The connection must outlive this; questions that are open when it ends are dropped.
    explicit Polkit(sdbus::IConnection& connection);
    /// Calls `then` from the loop; at once only when too many questions are open (Busy).
    void ask(const Question& question, Then then);

private:
    void cancel(const std::string& id);
    void close_one(uid_t uid);

    std::unique_ptr<sdbus::IProxy> authority_;
    std::uint64_t last_id_ = 0;
    std::size_t open_ = 0;
    std::map<uid_t, std::size_t> open_of_user_;
};

} // namespace pm::bus
