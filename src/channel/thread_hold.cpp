// SPDX-License-Identifier: Apache-2.0
#include "channel/thread_hold.hpp"

#include "base/text.hpp"

#include <cerrno>
#include <dirent.h>
#include <fmt/format.h>
#include <memory>
#include <sched.h>
#include <stdexcept>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <vector>

namespace pm::channel {
namespace {

constexpr std::chrono::milliseconds kBetweenLooks{1};
/// Each takes some system calls now and every millisecond; of who has more, none is held.
constexpr std::size_t kMostThreads = 1024;
constexpr std::chrono::milliseconds kLongestDying{50};

struct CloseDirectory {
    void operator()(DIR* directory) const noexcept { ::closedir(directory); }
};

} // namespace

ThreadHold::ThreadHold(io::EventLoop& loop)
{
    auto timer = loop.add_timer(model::TimePoint::max(), io::Priority::Processes, [this] { turn(); });
    if (!timer) throw std::runtime_error(timer.error().message);
    timer_ = *std::move(timer);
    timer_.set_enabled(false);
}

void ThreadHold::hold(pid_t pid, std::chrono::milliseconds longest)
{
    const std::unique_ptr<DIR, CloseDirectory> tasks(::opendir(fmt::format("/proc/{}/task", pid).c_str()));
    if (!tasks) return;
    std::vector<pid_t> others;
    while (const dirent* entry = ::readdir(tasks.get()))
        if (const auto thread = base::parse_number<pid_t>(entry->d_name); thread && *thread != pid) others.push_back(*thread);
    if (threads_.size() + others.size() > kMostThreads) return;
    const auto until = Clock::now() + longest;
    for (const pid_t thread : others)
        if (::ptrace(PTRACE_SEIZE, thread, nullptr, nullptr) == 0) threads_.insert_or_assign(thread, Thread{pid, until});
    if (!threads_.empty()) timer_.set_time(Clock::now() + kBetweenLooks);
}

void ThreadHold::let_go_after(pid_t pid, std::chrono::milliseconds time)
{
    const auto until = Clock::now() + time;
    for (auto& [thread, held] : threads_)
        if (held.process == pid) held.until = std::min(held.until, until);
}

/// One that dies cannot be let go; it is waited for. Somebody else's wait may have had it. Stops of the traced are told, too,
/// whatever is asked for.
bool ThreadHold::is_over(pid_t thread, bool let_go) noexcept
{
    siginfo_t info{};
    if (::waitid(P_PID, static_cast<id_t>(thread), &info, WEXITED | WNOHANG | __WALL) < 0) return errno == ECHILD;
    if (info.si_pid == thread && info.si_code != CLD_TRAPPED && info.si_code != CLD_STOPPED) return true;
    return let_go && ::ptrace(PTRACE_DETACH, thread, nullptr, nullptr) == 0;
}

void ThreadHold::turn()
{
    const auto now = Clock::now();
    std::erase_if(threads_, [&](const auto& entry) { return is_over(entry.first, now >= entry.second.until); });
    if (threads_.empty())
        timer_.set_enabled(false);
    else
        timer_.set_time(now + kBetweenLooks);
}

void ThreadHold::let_go_all() noexcept
{
    const auto deadline = Clock::now() + kLongestDying;
    while (!threads_.empty()) {
        std::erase_if(threads_, [](const auto& entry) { return is_over(entry.first, true); });
        if (Clock::now() >= deadline) return;
        ::sched_yield();
    }
}

} // namespace pm::channel
