// SPDX-License-Identifier: Apache-2.0
// Keeps threads of a stopped process that gets a signal from running when it runs on (ptrace(2)), for a moment.
//
// A process that is stopped and gets a signal runs on with all its threads at once, and any of them takes the signal. Where the
// handler ends the process (Go's runtime), or has another thread end it (deno's), a third one can accept a connection before it is
// over, which is lost then. So one thread runs alone until it has taken the signal and done with it: the first, which most handlers
// expect. Where that one waits in epoll_wait(2) it is probably the one that accepts: another one takes the signal, then all others run,
// and the first one last, a tenth of a second later at most if the machine is not busy; it finds its wait interrupted, as by the signal.
//
// Where all block the signal, the one that waits for it (sigwait(3)) is the one that runs.
//
// Threads that die under it are the tracer's to be waited for: until then the process is not gone for its parent. A first thread is
// waited for only if pmd is not the parent, who needs to know how it ended. A pmd that dies lets go of them all. Where ptrace is
// forbidden, a debugger has the process already, or its threads are very many, nothing is held.
#pragma once

#include "io/event_loop.hpp"

#include <chrono>
#include <map>
#include <set>
#include <sys/types.h>

namespace pm::channel {

class ThreadHold {
public:
    explicit ThreadHold(io::EventLoop& loop);
    ~ThreadHold() { let_go_all(); }
    ThreadHold(const ThreadHold&) = delete;
    ThreadHold& operator=(const ThreadHold&) = delete;

    /// `pid` is stopped by a signal, and is to get `signal`. Its threads are let go within two tenths of a second in any case.
    void hold(pid_t pid, int signal);
    /// It has got it, and runs on.
    void runs_on(pid_t pid);
    /// At once; what is dying is waited for, which takes no time worth mentioning.
    void let_go_all() noexcept;
    [[nodiscard]] bool empty() const noexcept { return processes_.empty(); }

private:
    using Clock = std::chrono::steady_clock;
    enum class Stage { Stopped, OneRuns, AllButTheFirstRun, LetGo };
    struct Held {
        int signal = 0;
        std::set<pid_t> threads{}; ///< that are traced
        Stage stage = Stage::Stopped;
        bool taken = false;
        Clock::time_point until{}; ///< of the stage
    };
    void turn();
    void go_on(pid_t pid, Held& held, Clock::time_point now);
    /// Those that are over, or are let go in this stage, are held no more.
    static void sort_out(pid_t pid, Held& held);

    std::map<pid_t, Held> processes_;
    io::Source timer_;
};

} // namespace pm::channel
