// SPDX-License-Identifier: Apache-2.0
// An answer that is given later: exactly once, to a caller who may be gone by then, within the caller's quota.
#pragma once

#include "bus/guarded.hpp"

#include "sdbus_versions.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <sys/types.h>

namespace pm::bus {

/// A call that waits for its answer.
class PendingCall {
public:
    virtual ~PendingCall() = default;
    /// Its bus goes away: drops the call, which holds on to the connection, without an answer.
    virtual void abandon() noexcept = 0;
    /// Answers it with an error.
    virtual void refuse(const base::Error& error) = 0;
};

/// Counts the unanswered calls of each bus connection and of each user, and knows them all.
class CallQuota {
    struct Shared {
        std::map<std::string, std::uint32_t> counts;
        std::map<uid_t, std::size_t> of_users;
        std::set<PendingCall*> pending;
        std::function<void()> before_answers;
    };

public:
    explicit CallQuota(std::uint32_t most) : most_(most) {}
    void set_most(std::uint32_t most) noexcept { most_ = most; }
    /// Called before each answer: what it says is done must outlive pmd.
    void set_before_answers(std::function<void()> call) { shared_->before_answers = std::move(call); }

    /// Held while a call is unanswered.
    class Ticket {
    public:
        Ticket(std::shared_ptr<Shared> shared, std::string caller, uid_t uid)
            : shared_(std::move(shared)), caller_(std::move(caller)), uid_(uid)
        {
        }
        /// Names the call this is the ticket of.
        void hold(PendingCall& call)
        {
            call_ = &call;
            shared_->pending.insert(&call);
        }
        void about_to_answer() const
        {
            if (shared_->before_answers) shared_->before_answers();
        }
        Ticket(Ticket&&) = default;
        Ticket& operator=(Ticket&&) = delete;
        ~Ticket()
        {
            if (!shared_) return;
            shared_->pending.erase(call_);
            if (const auto entry = shared_->counts.find(caller_); entry != shared_->counts.end() && --entry->second == 0)
                shared_->counts.erase(entry);
            if (const auto entry = shared_->of_users.find(uid_); entry != shared_->of_users.end() && --entry->second == 0)
                shared_->of_users.erase(entry);
        }

    private:
        std::shared_ptr<Shared> shared_;
        PendingCall* call_ = nullptr;
        std::string caller_;
        uid_t uid_;
    };

    /// Nothing when `caller`, a connection of the user `uid`, has too many calls pending.
    [[nodiscard]] std::optional<Ticket> take(const std::string& caller, uid_t uid)
    {
        std::uint32_t& count = shared_->counts[caller];
        if (count >= most_) return std::nullopt;
        ++count;
        ++shared_->of_users[uid];
        return Ticket(shared_, caller, uid);
    }
    /// Drops all calls: must be said before the connection they came over is destroyed.
    void abandon_all() noexcept
    {
        while (!shared_->pending.empty()) (*shared_->pending.begin())->abandon();
    }

    /// Answers all calls with an error.
    void refuse_all(const base::Error& error)
    {
        while (!shared_->pending.empty()) (*shared_->pending.begin())->refuse(error);
    }
    /// The pending calls of a user.
    [[nodiscard]] std::size_t of_user(uid_t uid) const
    {
        const auto count = shared_->of_users.find(uid);
        return count == shared_->of_users.end() ? 0 : count->second;
    }
    [[nodiscard]] std::size_t pending() const noexcept { return shared_->pending.size(); }

private:
    std::uint32_t most_;
    std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
};

/// Copyable, so that it fits an engine::Done; all copies are the one reply.
template <typename... Results>
class Reply {
public:
    Reply(sdbus::Result<Results...>&& result, std::optional<CallQuota::Ticket> ticket)
        : state_(std::make_shared<State>(std::move(result), std::move(ticket)))
    {
    }

    void value(const Results&... results) const
    {
        state_->send([&](sdbus::Result<Results...>& to) { to.returnResults(results...); });
    }
    void error(const base::Error& error) const
    {
        state_->refuse(error);
    }
    [[nodiscard]] bool answered() const noexcept { return state_->answered; }

private:
    struct State final : PendingCall {
        State(sdbus::Result<Results...>&& to, std::optional<CallQuota::Ticket> with)
            : result(std::move(to)), ticket(std::move(with))
        {
            if (ticket) ticket->hold(*this);
        }
        State(const State&) = delete;
        void abandon() noexcept override
        {
            answered = true;
            result.reset();
            ticket.reset();
        }
        void refuse(const base::Error& error) override
        {
            send([&](sdbus::Result<Results...>& to) { to.returnError(to_dbus(error)); });
        }
        template <typename Send>
        void send(Send&& send_it)
        {
            if (std::exchange(answered, true)) return;
            if (ticket) ticket->about_to_answer();
            ticket.reset();
            try {
                send_it(*result);
            } catch (const sdbus::Error&) { // the bus is gone, and the caller with it
            }
            result.reset();
        }
        std::optional<sdbus::Result<Results...>> result; ///< none once it is answered
        std::optional<CallQuota::Ticket> ticket;
        bool answered = false;
    };

    std::shared_ptr<State> state_;
};

} // namespace pm::bus
