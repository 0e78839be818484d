// SPDX-License-Identifier: Apache-2.0
// The line in which every method call waits for its turn, so that nobody keeps pmd from others by calling much.
//
// A filter of sd-bus takes each call when it has been read (reading is cheap, and keeps up with what a bus passes on) and puts
// it in line; a deferred call of the loop gives back one after the other, as policy/turns says, for a few milliseconds a
// turn of the loop, and sd-bus dispatches it as if it had just been read (sd_bus_enqueue_for_read(3)). A call is work of
// a bounded size, so whoever is next waits for at most one call of each other user.
//
// Bounded: the size of a call, and for each ordinary user the calls that wait for their turn or for their answer. What is too much is
// answered with an error at once; not even that gets who leaves many answers unread (bus/unread).
#pragma once

#include "bus/callers.hpp"
#include "bus/context.hpp"
#include "bus/unread.hpp"
#include "io/event_loop.hpp"
#include "policy/turns.hpp"
#include "sdbus_versions.hpp"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <systemd/sd-bus.h>

namespace pm::bus {

class CallLine {
public:
    /// `callers` tells who calls, and `unread` who does not read; null where everybody is the user pmd runs as. All must outlive this; calls that wait
    /// when it ends are not answered. Throws std::runtime_error.
    CallLine(io::EventLoop& loop, sdbus::IConnection& connection, Context& context, Callers* callers, Unread* unread);
    ~CallLine();
    CallLine(const CallLine&) = delete;
    CallLine& operator=(const CallLine&) = delete;

    /// Somebody has read their answers: looks again whose turn it is.
    void look_again() noexcept { deferred_.set_enabled(true); }

private:
    struct Unref {
        void operator()(sd_bus_message* message) const noexcept { sd_bus_message_unref(message); }
    };
    using Message = std::unique_ptr<sd_bus_message, Unref>;
    struct Held {
        Message call;
        std::size_t bytes = 0;
    };
    /// Calls of a connection of which it is not known yet whose it is.
    struct Unknown {
        std::deque<Held> calls;
        std::size_t bytes = 0;
    };

    /// Whose call it is, where that is known without asking.
    [[nodiscard]] std::optional<Caller> caller_of(const std::string& sender) const;
    [[nodiscard]] bool is_full(const Caller& caller) const;
    static int on_message(sd_bus_message* message, void* self, sd_bus_error* error) noexcept;
    void take(sd_bus_message* message);
    void hold(const std::string& sender, Held held);
    void known(const std::string& sender, const base::Result<Credentials>& who);
    void put_in_line(const std::string& sender, const Caller& caller, Held held);
    void refuse(const std::string& sender, const Caller& caller, sd_bus_message* message, base::ErrorCode code, const char* why);
    void refuse(sd_bus_message* message, const base::Error& error);
    void serve();
    void dispatch(policy::Turns<Message>::Turn turn);

    Context& context_;
    Callers* callers_;
    Unread* unread_;
    sd_bus* bus_ = nullptr;
    sd_bus_slot* filter_ = nullptr;
    std::map<std::string, Unknown> unknown_;
    std::size_t unknown_bytes_ = 0;
    policy::Turns<Message> turns_;
    sd_bus_message* given_back_ = nullptr; ///< goes on to its object when the filter sees it again
    unsigned taken_ = 0; ///< calls since the last turn
    io::Source deferred_;
};

} // namespace pm::bus
