// SPDX-License-Identifier: Apache-2.0
// Carries out what the state machine decides: one event to one instance, then ports, timer, notices and watches.
#pragma once

#include "engine/notices.hpp"
#include "engine/waiters.hpp"

#include <set>
#include <type_traits>
#include <utility>

namespace pm::engine {

class Driver {
public:
    Driver(Launcher& launcher, Sockets& sockets, Timers& timers, Clock& clock, Events& events, Limits limits)
        : launcher_(launcher), sockets_(sockets), timers_(timers), clock_(clock), events_(events), limits_(limits)
    {
    }

    /// Runs `body`, the work of one public call. At the end of the outermost: notices, then the Dones of what finished,
    /// which may call in again.
    template <typename Body>
    auto enter(Body&& body)
    {
        const Depth depth(depth_);
        if constexpr (std::is_void_v<decltype(body())>) {
            std::forward<Body>(body)();
            if (depth_ == 1) settle();
        } else {
            auto result = std::forward<Body>(body)();
            if (depth_ == 1) settle();
            return result;
        }
    }

    /// Feeds `event` to the instance. A leaving instance that rests afterwards is removed, so `instance` may be gone.
    void feed(Instance& instance, const Event& event);
    /// feed() on behalf of a command that waits for `goal`.
    void command(std::uint64_t waiter, Instance& instance, Verb goal, const Event& event);
    /// Has the instance stopped and then removed.
    void dismiss(std::uint64_t waiter, Instance& instance);
    void timer_fired(Instance& instance);
    /// Has processes that were started with the limits of `before` get those of the app's spec.
    void adjust(App& app, const model::AppSpec& before);

    /// Opens what `spec` listens on, for an app that is about to be started with it; what turns out not to be needed at the
    /// end of the present call is closed again.
    base::Result<void> hold_sockets(const model::AppSpec& spec, uid_t owner);
    /// Takes up the sockets that an earlier pmd held for the app.
    void resume_sockets(App& app);

    App& add_app(std::shared_ptr<const model::AppSpec> spec);
    Instance& add_instance(App& app, std::string reason);
    /// Goes on with what `saved` says; its process, if it had one, is adopted.
    void restore_instance(App& app, const SavedInstance& saved);

    Table table;
    Waiters waiters;
    Notices notices;

    [[nodiscard]] Launcher& launcher() noexcept { return launcher_; }
    [[nodiscard]] const Clock& clock() const noexcept { return clock_; }
    Limits& limits() noexcept { return limits_; }
    [[nodiscard]] const Limits& limits() const noexcept { return limits_; }

private:
    struct Depth {
        explicit Depth(int& depth) : count(depth) { ++count; }
        ~Depth() { --count; }
        Depth(const Depth&) = delete;
        Depth& operator=(const Depth&) = delete;
        int& count;
    };
    void carry_out(Instance& instance, Action action);
    void launch(Instance& instance);
    [[nodiscard]] LaunchRequest request_of(const Instance& instance) const;
    void arm(Instance& instance);
    void note_exit(const Instance& instance, const Transition& transition, base::Generation generation, pid_t pid);
    void note(Instance& instance, model::Status before, const Transition& transition);
    void tell_survival(Instance& instance);
    void remove(Instance& instance);
    void settle();
    void close_sockets();

    Launcher& launcher_;
    Sockets& sockets_;
    Timers& timers_;
    Clock& clock_;
    Events& events_;
    Limits limits_;
    int depth_ = 0;
    std::set<std::string> sockets_due_; ///< apps that may need fewer sockets than they hold
};

} // namespace pm::engine
