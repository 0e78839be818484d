// SPDX-License-Identifier: Apache-2.0
#include "engine/waiters.hpp"

#include <algorithm>
#include <variant>

namespace pm::engine {
namespace {

using base::Error;
using base::ErrorCode;

struct Pending {};
struct Reached {};
using Progress = std::variant<Pending, Reached, Error>;

Error superseded() { return {ErrorCode::Superseded, "another command took over"}; }

/// Why an instance that was to run rests.
Error not_online(const Instance& instance)
{
    const bool failed = instance.last_exit && instance.last_exit->kind == model::ExitInfo::Kind::LaunchFailed;
    return {failed ? ErrorCode::LaunchFailed : ErrorCode::NotOnline, instance.reason};
}

/// It is started again and again: who waits for it is told, and it goes on.
bool fails_on(const Instance& instance, const Starting& starting)
{
    constexpr std::uint32_t kTriesThatAreWaitedFor = 16;
    if (starting.cause != policy::Cause::Policy || !instance.last_exit) return false;
    return instance.last_exit->cause == model::ExitInfo::Cause::Timeout || instance.machine.history.unstable >= kTriesThatAreWaitedFor;
}

Progress towards_online(const Instance& instance, const Watch& watch)
{
    if (instance.leaving) return superseded();
    switch (status_of(instance.machine.state)) {
    case model::Status::Online:
    case model::Status::Unhealthy:
        if (watch.goal == Verb::Restart && instance.machine.generation <= watch.after) return Pending{};
        return Reached{};
    case model::Status::Waiting:
        if (instance.stalled) return not_online(instance);
        return Pending{};
    case model::Status::Starting:
        if (fails_on(instance, std::get<Starting>(instance.machine.state))) return not_online(instance);
        return Pending{};
    case model::Status::Stopping:
        if (std::get<Stopping>(instance.machine.state).then == Then::Stay) return superseded();
        return Pending{};
    case model::Status::Stopped:
    case model::Status::Backoff:
    case model::Status::Errored: return not_online(instance);
    }
    return Pending{};
}

Progress towards_rest(const Instance& instance)
{
    switch (status_of(instance.machine.state)) {
    case model::Status::Stopped:
        if (has_any_process(instance.machine)) return Pending{}; // what a reload left is still on its way out
        return Reached{};
    case model::Status::Stopping:
        if (std::get<Stopping>(instance.machine.state).then == Then::Stay) return Pending{};
        return superseded();
    case model::Status::Waiting:
    case model::Status::Starting:
    case model::Status::Online:
    case model::Status::Unhealthy:
    case model::Status::Backoff:
    case model::Status::Errored: return superseded();
    }
    return Pending{};
}

Progress progress(const Instance& instance, const Watch& watch)
{
    switch (watch.goal) {
    case Verb::Start:
    case Verb::Reload:
    case Verb::Restart: return towards_online(instance, watch);
    case Verb::Stop: return towards_rest(instance);
    case Verb::Delete:
        if (!instance.leaving) return superseded();
        return Pending{}; // removed() is its end
    }
    return Pending{};
}

} // namespace

std::uint64_t Waiters::open(Done done)
{
    waiting_.emplace(next_, Waiter{.done = std::move(done)});
    return next_++;
}

void Waiters::touch(std::uint64_t waiter, const std::string& app)
{
    auto& apps = waiting_.at(waiter).outcome.apps;
    if (apps.empty() || apps.back() != app) apps.push_back(app);
}

void Waiters::watch(std::uint64_t waiter, Instance& instance, Verb goal)
{
    touch(waiter, instance.app->name);
    instance.watches.push_back({waiter, goal, instance.machine.generation});
    ++waiting_.at(waiter).left;
}

void Waiters::seal(std::uint64_t waiter) { finish_one(waiter); }

void Waiters::hold(std::uint64_t waiter, const Instance& instance)
{
    touch(waiter, instance.app->name);
    ++waiting_.at(waiter).left;
}

void Waiters::release(std::uint64_t waiter) { finish_one(waiter); }

void Waiters::supersede(std::uint64_t waiter, const Instance& instance) { end(waiter, instance, superseded()); }

void Waiters::fail(std::uint64_t waiter, const Instance& instance, Error error) { end(waiter, instance, std::move(error)); }

void Waiters::judge(Instance& instance)
{
    std::erase_if(instance.watches, [&](const Watch& watch) {
        Progress now = progress(instance, watch);
        if (std::holds_alternative<Pending>(now)) return false;
        Error* error = std::get_if<Error>(&now);
        end(watch.waiter, instance, error ? std::optional(std::move(*error)) : std::nullopt);
        return true;
    });
}

void Waiters::survived(Instance& instance, const std::string& why, bool current)
{
    std::erase_if(instance.watches, [&](const Watch& watch) {
        if (!current && watch.goal != Verb::Stop && watch.goal != Verb::Delete) return false;
        end(watch.waiter, instance, Error{ErrorCode::StopFailed, why});
        return true;
    });
}

void Waiters::removed(Instance& instance)
{
    for (const Watch& watch : std::exchange(instance.watches, {})) {
        const bool wanted = watch.goal == Verb::Delete || watch.goal == Verb::Stop;
        end(watch.waiter, instance, wanted ? std::nullopt : std::optional(superseded()));
    }
}

std::optional<Waiters::Finished> Waiters::next_finished()
{
    if (finished_.empty()) return std::nullopt;
    std::optional<Finished> next(std::move(finished_.front()));
    finished_.pop_front();
    return next;
}

void Waiters::end(std::uint64_t waiter, const Instance& instance, std::optional<Error> error)
{
    auto& failures = waiting_.at(waiter).outcome.failures;
    // A command may have asked an instance for two things, as a changed file does: restart, and run.
    const auto told = [&](const InstanceFailure& one) { return one.id == instance.id && one.error.message == error->message; };
    if (error && std::ranges::none_of(failures, told)) failures.push_back({instance.app->name, instance.id, *std::move(error)});
    finish_one(waiter);
}

void Waiters::finish_one(std::uint64_t waiter)
{
    const auto found = waiting_.find(waiter);
    if (--found->second.left > 0) return;
    Outcome& outcome = found->second.outcome;
    std::ranges::sort(outcome.failures, {}, &InstanceFailure::id);
    finished_.push_back({std::move(found->second.done), std::move(outcome)});
    waiting_.erase(found);
}

} // namespace pm::engine
