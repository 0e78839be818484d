// SPDX-License-Identifier: Apache-2.0
// An answer that is given later: exactly once, to a caller who may be gone by then, within the caller's quota.
#pragma once

#include "bus/guarded.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <sdbus-c++/sdbus-c++.h>
#include <string>

namespace pm::bus {

/// Counts the unanswered calls of each bus connection.
class CallQuota {
public:
    explicit CallQuota(std::uint32_t most) : most_(most) {}
    void set_most(std::uint32_t most) noexcept { most_ = most; }

    /// Held while a call is unanswered.
    class Ticket {
    public:
        Ticket(std::shared_ptr<std::map<std::string, std::uint32_t>> counts, std::string caller)
            : counts_(std::move(counts)), caller_(std::move(caller))
        {
        }
        Ticket(Ticket&&) = default;
        Ticket& operator=(Ticket&&) = delete;
        ~Ticket()
        {
            if (!counts_) return;
            if (const auto entry = counts_->find(caller_); entry != counts_->end() && --entry->second == 0)
                counts_->erase(entry);
        }

    private:
        std::shared_ptr<std::map<std::string, std::uint32_t>> counts_;
        std::string caller_;
    };

    /// Nothing when `caller` has too many calls pending.
    [[nodiscard]] std::optional<Ticket> take(const std::string& caller)
    {
        std::uint32_t& count = (*counts_)[caller];
        if (count >= most_) return std::nullopt;
        ++count;
        return Ticket(counts_, caller);
    }

private:
    std::uint32_t most_;
    std::shared_ptr<std::map<std::string, std::uint32_t>> counts_ =
        std::make_shared<std::map<std::string, std::uint32_t>>();
};

/// Copyable, so that it fits an engine::Done; all copies are the one reply.
template <typename... Results>
class Reply {
public:
    Reply(sdbus::Result<Results...>&& result, std::optional<CallQuota::Ticket> ticket)
        : state_(std::make_shared<State>(State{std::move(result), std::move(ticket), false}))
    {
    }

    void value(const Results&... results) const
    {
        send([&](sdbus::Result<Results...>& to) { to.returnResults(results...); });
    }
    void error(const base::Error& error) const
    {
        send([&](sdbus::Result<Results...>& to) { to.returnError(to_dbus(error)); });
    }
    [[nodiscard]] bool answered() const noexcept { return state_->answered; }

private:
    struct State {
        sdbus::Result<Results...> result;
        std::optional<CallQuota::Ticket> ticket;
        bool answered;
    };

    template <typename Send>
    void send(Send&& send_it) const
    {
        if (std::exchange(state_->answered, true)) return;
        state_->ticket.reset();
        try {
            send_it(state_->result);
        } catch (const sdbus::Error&) { // the bus is gone, and the caller with it
        }
    }

    std::shared_ptr<State> state_;
};

} // namespace pm::bus
