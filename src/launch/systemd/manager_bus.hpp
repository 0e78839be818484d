// SPDX-License-Identifier: Apache-2.0
// The connection to the systemd that runs our units: the system's or the user's manager, over its bus.
//
// sd-bus on the sd-event loop, every call asynchronous: an answer comes from the loop, or never when the launcher is gone.
// Calls of one connection are carried out in the order they are made (systemd serves them so), and that is relied on. Only so
// many wait for their answers at once, as dbus-daemon(1) bounds that (max_replies_per_connection, 128 on Debian's system
// bus); the others stand in line here. So do calls that make a job while many of ours have not ended: systemd watches for the
// end of whoever asked for a job, with a match rule each on its own connection, and loses that connection over the 513th
// (max_match_rules_per_connection). A lost connection is opened again; the calls that waited are answered with an error.
#pragma once

#include "base/error.hpp"
#include "io/event_loop.hpp"

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <systemd/sd-bus.h>
#include <unordered_set>
#include <vector>

namespace pm::launch {

struct UnrefMessage {
    void operator()(sd_bus_message* message) const noexcept { sd_bus_message_unref(message); }
};
using BusMessage = std::unique_ptr<sd_bus_message, UnrefMessage>;

class ManagerBus {
public:
    enum class Which { System, User };
    /// The reply, or null and what is wrong: the error's name (empty when it is no D-Bus error) and a sentence.
    struct Answer {
        sd_bus_message* reply = nullptr;
        std::string name;
        std::string message;
        int code = 0; ///< the errno that comes nearest, where it is an error
        [[nodiscard]] bool ok() const noexcept { return reply != nullptr; }
    };
    using Answered = std::function<void(const Answer&)>;
    /// Asked when a call's turn has come: false, it is not made and not answered.
    using Wanted = std::function<bool()>;

    struct Hooks {
        std::function<void()> connected;                                   ///< also again; calls may be made from here
        /// Of any unit. `job`: its object path, as the answer to the call that made it.
        std::function<void(const std::string& unit, const std::string& result, const std::string& job)> job_removed;
        std::function<void(const std::string&)> warn;
    };

    ManagerBus(io::EventLoop& loop, Which which, Hooks hooks);
    ~ManagerBus();
    ManagerBus(const ManagerBus&) = delete;
    ManagerBus& operator=(const ManagerBus&) = delete;

    /// A call of org.freedesktop.systemd1.Manager to be filled; null while there is no connection.
    [[nodiscard]] BusMessage manager_call(const char* method);
    /// A call of Properties.Get(`interface`, `property`) on the object of `unit`.
    [[nodiscard]] BusMessage property_call(const std::string& unit, const char* interface, const char* property);
    /// Sends `call`; `answered` is called later, exactly once while this lives. A null call is answered with an error.
    void send(BusMessage call, Answered answered);
    /// The same for a call that makes a job (StartTransientUnit, StopUnit).
    void send_job(BusMessage call, Answered answered, Wanted wanted = {});
    /// Sends `call` and wants no answer. A null call is dropped.
    void tell(BusMessage call);
    [[nodiscard]] bool connected() const noexcept { return bus_ != nullptr; }

private:
    struct Waiting;
    struct Outgoing {
        BusMessage call;
        Answered answered; ///< null: told
        bool makes_job = false;
        Wanted wanted{};   ///< null: it is
    };
    void open();
    void lost();
    base::Result<void> prepare();
    void pump();
    bool carry_out(Outgoing& outgoing);
    void note_job(const Answer& answer);
    static int on_answer(sd_bus_message* reply, void* data, sd_bus_error*);
    static int on_job_removed(sd_bus_message* message, void* data, sd_bus_error*);
    static int on_disconnected(sd_bus_message*, void* data, sd_bus_error*);

    io::EventLoop& loop_;
    Which which_;
    Hooks hooks_;
    sd_bus* bus_ = nullptr;
    io::Source reopen_;  ///< a timer
    io::Source deferred_;
    std::deque<Outgoing> line_;
    std::size_t unanswered_ = 0;
    std::size_t jobs_ = 0;                      ///< asked for, and not known to have ended
    std::unordered_set<std::string> job_paths_; ///< of those of them that systemd has told
    std::vector<Answered> refused_; ///< calls that could not even be sent
    std::chrono::milliseconds delay_{0};
};

} // namespace pm::launch
