// SPDX-License-Identifier: Apache-2.0
// Keeps all threads but the first of a stopped process from running when it runs on (ptrace(2)), for a moment.
//
// A process that is stopped and gets a signal runs on with all its threads at once, and any of them takes the signal. Where the
// handler ends the process, as that of Go's runtime and of Node does by default, another thread can accept a connection before it
// is over, which is lost then. With the others held the first thread takes the signal, before it does anything else.
//
// Threads that die under it are the tracer's to be waited for: until then the process is not gone for its parent. A pmd that dies
// lets go of them all. Where ptrace is forbidden, a debugger has the process already, or its threads are very many, nothing is held.
#pragma once

#include "io/event_loop.hpp"

#include <chrono>
#include <map>
#include <sys/types.h>

namespace pm::channel {

class ThreadHold {
public:
    explicit ThreadHold(io::EventLoop& loop);
    ~ThreadHold() { let_go_all(); }
    ThreadHold(const ThreadHold&) = delete;
    ThreadHold& operator=(const ThreadHold&) = delete;

    /// `pid` is stopped by a signal; its threads are let go after `longest` in any case.
    void hold(pid_t pid, std::chrono::milliseconds longest);
    /// Those of `pid` are let go after `time`.
    void let_go_after(pid_t pid, std::chrono::milliseconds time);
    /// At once; what is dying is waited for, which takes no time worth mentioning.
    void let_go_all() noexcept;
    [[nodiscard]] bool empty() const noexcept { return threads_.empty(); }

private:
    using Clock = std::chrono::steady_clock;
    struct Thread {
        pid_t process = 0;
        Clock::time_point until;
    };
    void turn();
    [[nodiscard]] static bool is_over(pid_t thread, bool let_go) noexcept;

    std::map<pid_t, Thread> threads_;
    io::Source timer_;
};

} // namespace pm::channel
