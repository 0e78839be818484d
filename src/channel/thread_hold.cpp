// SPDX-License-Identifier: Apache-2.0
#include "channel/thread_hold.hpp"

#include "channel/app_process.hpp"
#include "io/capabilities.hpp"

#include <algorithm>
#include <cerrno>
#include <sched.h>
#include <stdexcept>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace pm::channel {
namespace {

constexpr std::chrono::milliseconds kBetweenLooks{1};
constexpr std::chrono::milliseconds kLongestHold{100};
constexpr std::chrono::milliseconds kUntilTaken{100};
/// What a handler that ends its process takes for it where others have the processors.
constexpr std::chrono::milliseconds kUntilDone{20};
/// What the thread that is told by the handler takes to end the process.
constexpr std::chrono::milliseconds kUntilPassedOn{50};
constexpr std::chrono::milliseconds kLongestDying{50};
/// Each takes some system calls now and every millisecond; of who has more, none is held.
constexpr std::size_t kMostThreads = 1024;

bool is_end(int code) noexcept { return code == CLD_EXITED || code == CLD_KILLED || code == CLD_DUMPED; }

/// A dead one has been waited for, unless it is the first of a child of ours: that is its launcher's. Somebody else's wait may
/// have had it. Stops of the traced are told, too, whatever is asked for.
bool is_over(pid_t pid, pid_t thread)
{
    siginfo_t info{};
    const auto id = static_cast<id_t>(thread);
    if (::waitid(P_PID, id, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) < 0) return errno == ECHILD;
    if (info.si_pid != thread) return false;
    const bool ended = is_end(info.si_code);
    if (ended && thread == pid && parent_of(pid) == ::getpid()) return true;
    // A stop alone, of one that stopped: it may have ended since, and how is not ours to take.
    ::waitid(P_PID, id, &info, (ended ? WEXITED : WSTOPPED) | WNOHANG | __WALL);
    return ended;
}

/// One that dies cannot be let go.
bool let_go(pid_t thread) noexcept { return ::ptrace(PTRACE_DETACH, thread, nullptr, nullptr) == 0; }

/// Who takes the signal; 0: nobody knows.
pid_t taker_of(pid_t pid, const std::vector<pid_t>& threads, int signal)
{
    const auto takes = [&](pid_t thread) {
        const auto masks = masks_of_thread(pid, thread);
        return masks && !SignalMasks::has(masks->blocked, signal);
    };
    const bool first_takes = takes(pid);
    if (first_takes && !waits_in_epoll(pid, pid)) return pid;
    const auto found = std::ranges::find_if(threads, [&](pid_t thread) { return thread != pid && takes(thread); });
    if (found != threads.end()) return *found;
    if (first_takes) return pid;
    const auto waits = std::ranges::find_if(threads, [&](pid_t thread) { return waits_for_signal(pid, thread); });
    return waits == threads.end() ? 0 : *waits;
}

} // namespace

ThreadHold::ThreadHold(io::EventLoop& loop)
{
    auto timer = loop.add_timer(model::TimePoint::max(), io::Priority::Processes, [this] { turn(); });
    if (!timer) throw std::runtime_error(timer.error().message);
    timer_ = *std::move(timer);
    timer_.set_enabled(false);
}

void ThreadHold::hold(pid_t pid, int signal)
{
    const std::vector<pid_t> threads = threads_of(pid);
    if (threads.size() < 2 || threads.size() > kMostThreads) return;
    const pid_t taker = taker_of(pid, threads, signal);
    if (taker == 0) return;
    Held held{.signal = signal, .until = Clock::now() + kLongestHold};
    const io::PtraceAccess access;
    for (const pid_t thread : threads)
        if (thread != taker && ::ptrace(PTRACE_SEIZE, thread, nullptr, nullptr) == 0) held.threads.insert(thread);
    if (held.threads.empty()) return;
    processes_[pid] = std::move(held);
    timer_.set_time(Clock::now() + kBetweenLooks);
}

void ThreadHold::runs_on(pid_t pid)
{
    const auto found = processes_.find(pid);
    if (found == processes_.end()) return;
    found->second.stage = Stage::OneRuns;
    found->second.until = Clock::now() + kUntilTaken;
}

void ThreadHold::go_on(pid_t pid, Held& held, Clock::time_point now)
{
    if (held.stage == Stage::OneRuns && !held.taken) {
        const auto masks = AppProcess(pid).signals();
        held.taken = masks && !SignalMasks::has(masks->pending, held.signal);
        if (held.taken) held.until = now + kUntilDone;
    }
    if (now < held.until) return;
    held.stage = held.stage == Stage::OneRuns && held.threads.contains(pid) ? Stage::AllButTheFirstRun : Stage::LetGo;
    held.until = now + kUntilPassedOn;
}

void ThreadHold::sort_out(pid_t pid, Held& held)
{
    std::erase_if(held.threads, [&](pid_t thread) {
        if (is_over(pid, thread)) return true;
        const bool goes = held.stage == Stage::LetGo || (held.stage == Stage::AllButTheFirstRun && thread != pid);
        return goes && let_go(thread);
    });
}

void ThreadHold::turn()
{
    const auto now = Clock::now();
    for (auto& [pid, held] : processes_) {
        go_on(pid, held, now);
        sort_out(pid, held);
    }
    std::erase_if(processes_, [](const auto& entry) { return entry.second.threads.empty(); });
    if (processes_.empty())
        timer_.set_enabled(false);
    else
        timer_.set_time(now + kBetweenLooks);
}

void ThreadHold::let_go_all() noexcept
{
    const auto deadline = Clock::now() + kLongestDying;
    while (!processes_.empty()) {
        for (auto& [pid, held] : processes_) {
            held.stage = Stage::LetGo;
            sort_out(pid, held);
        }
        std::erase_if(processes_, [](const auto& entry) { return entry.second.threads.empty(); });
        if (Clock::now() >= deadline) return;
        ::sched_yield();
    }
}

} // namespace pm::channel
