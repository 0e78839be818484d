// SPDX-License-Identifier: Apache-2.0
// A process that shares its socket and does not catch kill_signal is ended between two requests.
//
// Such a program dies of the signal in the middle of what it does. Told to go, it is therefore watched until it has no
// accepted connection (QuietMoment), and gets the signal while it is stopped: none of its code runs any more, and connections
// that wait in the queue of the socket are left to its siblings. From half of the drain time on connections on which nothing
// moves do not count any more; at its end the signal comes as it is (the engine's deadline), which also bounds how long anything
// can stay stopped when pmd dies with it stopped.
//
// A program that catches the signal ends by itself; but not each does so without dropping what it has just accepted, and many a
// runtime (Node's, Go's, deno's) catches it with nobody to tell. So a quiet moment is sought for a short time, and then it gets its
// signal in any case. At a quiet moment its other threads are held (ThreadHold) until one has taken it.
#pragma once

#include "channel/quiet_moment.hpp"
#include "channel/thread_hold.hpp"
#include "engine/ports.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>

namespace pm::channel {

class QuietEnd final : public engine::Channels {
public:
    using ClusterOf = std::function<model::ClusterMode(const model::AppSpec&)>;
    using Members = std::function<std::vector<pid_t>(engine::ProcessKey)>;
    /// For programs that catch the signal.
    static constexpr std::chrono::milliseconds kShortWait{3'000};

    /// `members`: the living processes of a launched one. `persist`: writes down what is decided; before anything is stopped, so that
    /// the pmd after one that dies knows who was to go (wake()).
    QuietEnd(io::EventLoop& loop, ClusterOf cluster_of, Members members, std::function<void()> persist = {});
    /// Before the loop runs; it must outlive this.
    void set_events(engine::ChannelEvents& events) noexcept { events_ = &events; }

    base::Result<engine::ChannelEnds> connect(const engine::LaunchRequest& request, const model::SharedIdentity& user) override;
    void reconnect(const engine::LaunchRequest& request, const model::SharedIdentity& user) override;
    void runs(engine::ProcessKey key, pid_t pid) override;
    bool dismiss(engine::ProcessKey key) override;
    void ended(engine::ProcessKey key) override { processes_.erase(key); }
    /// It was told to go by an earlier pmd, which may have died with it stopped: it runs on.
    void wake(engine::ProcessKey key);
    /// Before another pmd is executed in the place of this one: nothing is left stopped.
    void let_go() { hold_.let_go_all(); }

private:
    struct Process {
        std::shared_ptr<const model::AppSpec> spec;
        pid_t pid = 0;
        std::optional<QuietMoment> moment{};
        io::Source timer{}; ///< before the wait, of a short one, or after it
        int looks = 0;      ///< that found the signal blocked
        model::TimePoint told{};
    };
    enum class Manner { DiesOfIt, Blocks, Ignores, Catches };

    void note(const engine::LaunchRequest& request);
    [[nodiscard]] static Manner manner_of(const Process& process);
    /// False: it is not to be waited for.
    [[nodiscard]] bool begin(engine::ProcessKey key, Process& process);
    [[nodiscard]] bool wait_shortly(engine::ProcessKey key, Process& process);
    [[nodiscard]] bool begin_later(engine::ProcessKey key, Process& process);
    void found(engine::ProcessKey key);
    void end(engine::ProcessKey key);
    void tell(engine::ProcessKey key);
    void give_up(engine::ProcessKey key);
    void look_for_signal(engine::ProcessKey key);

    io::EventLoop& loop_;
    ClusterOf cluster_of_;
    Members members_;
    std::function<void()> persist_;
    engine::ChannelEvents* events_ = nullptr;
    std::map<engine::ProcessKey, Process> processes_;
    ThreadHold hold_;
};

} // namespace pm::channel
