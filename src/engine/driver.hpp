// SPDX-License-Identifier: Apache-2.0
// Carries out what the state machine decides: one event to one instance, then ports, timer, notices and watches.
#pragma once

#include "engine/dependencies.hpp"
#include "engine/notices.hpp"
#include "engine/reloads.hpp"
#include "engine/waiters.hpp"

#include <set>
#include <type_traits>
#include <utility>

namespace pm::engine {

class Driver {
public:
    Driver(Launcher& launcher, Sockets& sockets, Channels& channels, Timers& timers, Clock& clock, Events& events, Limits limits)
        : launcher_(launcher), sockets_(sockets), channels_(channels), timers_(timers), clock_(clock), events_(events), limits_(limits)
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
    /// Has the instance stopped, and removed when `goal` is Delete. While an app that depends on it is ending, the stop is
    /// held back. `gently`: it may finish what it has, where it can be told to.
    void stop(std::uint64_t waiter, Instance& instance, Verb goal, bool gently = false);
    /// The instance is not to end after all: stops of it that are held back are dropped.
    void drop_held(Instance& instance);
    /// Starts what rests of the apps that `app` needs, as far as `may` says so.
    void start_needs(std::uint64_t waiter, const App& app, const May& may);
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
    /// Goes on with what `saved` says.
    void restore_instance(App& app, const SavedInstance& saved);
    /// Adopts the processes of what was restored. When all of it is, as some are launched anew, in the order of their dependencies.
    void adopt_processes();

    Table table;
    Dependencies dependencies{table};
    Waiters waiters;
    Notices notices;
    Reloads reloads{*this};

    /// The process runs, as `pid`; said something; is gone. Processes that nobody knows are passed over.
    void running(ProcessKey key, pid_t pid);
    void main_exited(ProcessKey key, const model::ExitInfo& exit);
    void said(ProcessKey key, const Event& event);
    void ready(ProcessKey key, model::ReadyWhen by);
    void status(ProcessKey key, std::string text);
    void gone(ProcessKey key, const model::ExitInfo& exit);

    [[nodiscard]] Launcher& launcher() noexcept { return launcher_; }
    [[nodiscard]] Channels& channels() noexcept { return channels_; }
    [[nodiscard]] const Clock& clock() const noexcept { return clock_; }
    Limits& limits() noexcept { return limits_; }
    [[nodiscard]] const Limits& limits() const noexcept { return limits_; }

    /// An instance of the app is in another state, or the app of another file: what waits for it, and what waits of it, is looked
    /// at again before the next answers are given.
    void moved(const App& app);

private:
    struct Depth {
        explicit Depth(int& depth) : count(depth) { ++count; }
        ~Depth() { --count; }
        Depth(const Depth&) = delete;
        Depth& operator=(const Depth&) = delete;
        int& count;
    };
    [[nodiscard]] Circumstances circumstances_of(const Instance& instance);
    /// What waits for other apps goes on as far as their states let it.
    void look_again();
    void look_at_waiting(Instance& instance);
    void look_at_held(Instance& instance);
    void carry_out_held(Instance& instance);
    void carry_out(Instance& instance, Action action);
    void carry_out_beside(Instance& instance, const SideAction& side);
    void act(ProcessKey key, const model::AppSpec& spec, Action action);
    /// Which process is the current one may have changed.
    void follow_current(Instance& instance, base::Generation before);
    void launch(Instance& instance, base::Generation generation);
    [[nodiscard]] LaunchRequest request_of(const Instance& instance, base::Generation generation, std::shared_ptr<const model::AppSpec> spec) const;
    [[nodiscard]] Instance* holder_of(ProcessKey key) const;
    void arm(Instance& instance);
    void note_exit(const Instance& instance, const Transition& transition, pid_t pid);
    void note(Instance& instance, model::Status before, const Transition& transition);
    void tell_survival(Instance& instance, const Survivor& survivor);
    void remove(Instance& instance);
    void settle();
    void close_sockets();

    Launcher& launcher_;
    Sockets& sockets_;
    Channels& channels_;
    Timers& timers_;
    Clock& clock_;
    Events& events_;
    Limits limits_;
    int depth_ = 0;
    std::vector<ProcessKey> to_adopt_;
    std::vector<ProcessKey> refused_;   ///< of the step that is carried out: told to go by message, and cannot be
    std::set<std::string> moved_;       ///< apps with an instance in another state, or of another file, since the last look_again()
    std::set<base::InstanceId> waiting_; ///< instances in the state Waiting
    std::set<base::InstanceId> held_;    ///< instances with a stop that is held back
    std::set<std::string> sockets_due_; ///< apps that may need fewer sockets than they hold
};

} // namespace pm::engine
