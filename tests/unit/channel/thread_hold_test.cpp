// SPDX-License-Identifier: Apache-2.0
#include "channel/thread_hold.hpp"

#include "io/event_loop.hpp"

#include <atomic>
#include <chrono>
#include <csignal>
#include <fstream>
#include <gtest/gtest.h>
#include <new>
#include <pthread.h>
#include <string>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace pm::channel {
namespace {

using namespace std::chrono_literals;

/// A process of two threads that both count for as long as they run.
class ThreadHoldTest : public ::testing::Test {
protected:
    struct Counts {
        std::atomic<std::uint64_t> first{0};
        std::atomic<std::uint64_t> second{0};
        std::atomic<pid_t> pid{0};
        std::atomic<bool> first_waits{false}; ///< in epoll_wait(2), from now on
    };
    ThreadHoldTest() : counts_(new (::mmap(nullptr, sizeof(Counts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) Counts) {}
    ~ThreadHoldTest() override
    {
        hold_.let_go_all();
        if (counts_->pid > 0) ::kill(counts_->pid, SIGKILL);
        if (child_ > 0) ::waitpid(child_, nullptr, 0);
        ::munmap(counts_, sizeof(Counts));
    }
    void make(bool second_blocks = false)
    {
        child_ = ::fork();
        if (child_ == 0) run(second_blocks);
        await_both();
    }
    /// By a child that ends with the number of the signal that ended it.
    void make_by_another()
    {
        child_ = ::fork();
        if (child_ == 0) {
            const pid_t pid = ::fork();
            if (pid == 0) run(false);
            int status = 0;
            ::waitpid(pid, &status, 0);
            ::_exit(WIFSIGNALED(status) ? WTERMSIG(status) : 0);
        }
        await_both();
    }
    [[noreturn]] void run(bool second_blocks)
    {
        counts_->pid = ::getpid();
        std::thread([this, second_blocks] {
            sigset_t term;
            sigemptyset(&term);
            sigaddset(&term, SIGTERM);
            if (second_blocks) ::pthread_sigmask(SIG_BLOCK, &term, nullptr);
            count(counts_->second);
        }).detach();
        const int nothing = ::epoll_create1(EPOLL_CLOEXEC);
        epoll_event event{};
        for (;; ++counts_->first)
            if (counts_->first_waits) ::epoll_wait(nothing, &event, 1, -1);
    }
    [[noreturn]] static void count(std::atomic<std::uint64_t>& counter)
    {
        for (;;) ++counter;
    }
    static void await_more(const std::atomic<std::uint64_t>& counter)
    {
        const auto deadline = std::chrono::steady_clock::now() + 30s;
        for (const std::uint64_t enough = counter + 1000; counter < enough;)
            if (std::chrono::steady_clock::now() > deadline) FAIL() << "it does not run";
    }
    void await_both() const
    {
        await_more(counts_->first);
        await_more(counts_->second);
    }
    /// False: ptrace is forbidden here.
    bool hold()
    {
        const pid_t pid = counts_->pid;
        ::kill(pid, SIGSTOP);
        siginfo_t info{};
        if (pid == child_) ::waitid(P_PID, static_cast<id_t>(pid), &info, WSTOPPED); // all its threads are
        hold_.hold(pid, SIGTERM);
        return !hold_.empty();
    }
    void first_waits()
    {
        counts_->first_waits = true;
        const std::string stat = "/proc/" + std::to_string(counts_->pid) + "/syscall";
        const auto deadline = std::chrono::steady_clock::now() + 30s;
        for (std::string line = "running"; line.starts_with("running");) {
            std::getline(std::ifstream(stat), line);
            if (std::chrono::steady_clock::now() > deadline) FAIL() << "it does not wait";
        }
    }
    void until_let_go()
    {
        while (!hold_.empty()) ASSERT_TRUE(loop_.run_once(30s));
    }

    io::EventLoop loop_;
    ThreadHold hold_{loop_};
    Counts* counts_ = nullptr;
    pid_t child_ = 0;
};

TEST_F(ThreadHoldTest, TheFirstRunsAlone)
{
    make();
    if (!hold()) GTEST_SKIP() << "ptrace(2) is forbidden here";
    const std::uint64_t before = counts_->second;
    ::kill(counts_->pid, SIGCONT);
    await_more(counts_->first);
    EXPECT_EQ(counts_->second, before);
    hold_.let_go_all();
    EXPECT_TRUE(hold_.empty());
    await_both();
}

TEST_F(ThreadHoldTest, AnotherOneWhereTheFirstWaitsInEpoll)
{
    make();
    first_waits();
    if (!hold()) GTEST_SKIP() << "ptrace(2) is forbidden here";
    const std::uint64_t before = counts_->first;
    ::kill(counts_->pid, SIGCONT);
    await_more(counts_->second);
    EXPECT_EQ(counts_->first, before) << "its wait would be interrupted";
    counts_->first_waits = false;
    hold_.let_go_all();
    await_both();
}

TEST_F(ThreadHoldTest, TheFirstAllTheSameWhereOthersBlockTheSignal)
{
    make(true);
    first_waits();
    if (!hold()) GTEST_SKIP() << "ptrace(2) is forbidden here";
    const std::uint64_t before = counts_->second;
    counts_->first_waits = false;
    ::kill(counts_->pid, SIGCONT);
    await_more(counts_->first);
    EXPECT_EQ(counts_->second, before);
}

TEST_F(ThreadHoldTest, AllAreLetGoInTime)
{
    make();
    if (!hold()) GTEST_SKIP() << "ptrace(2) is forbidden here";
    ::kill(counts_->pid, SIGCONT);
    hold_.runs_on(counts_->pid);
    until_let_go();
    await_both();
}

TEST_F(ThreadHoldTest, AndWhereNobodyTellsThatItRuns)
{
    make();
    if (!hold()) GTEST_SKIP() << "ptrace(2) is forbidden here";
    until_let_go();
    ::kill(counts_->pid, SIGCONT);
    await_both();
}

TEST_F(ThreadHoldTest, AProcessThatDiesUnderItIsGoneForItsParent)
{
    make();
    if (!hold()) GTEST_SKIP() << "ptrace(2) is forbidden here";
    ::kill(child_, SIGKILL);
    until_let_go();
    int status = 0;
    EXPECT_EQ(::waitpid(child_, &status, 0), child_);
    EXPECT_TRUE(WIFSIGNALED(status));
    child_ = counts_->pid = 0;
}

TEST_F(ThreadHoldTest, AndForSomebodyElse)
{
    make_by_another();
    if (!hold()) GTEST_SKIP() << "ptrace(2) is forbidden here";
    ::kill(counts_->pid, SIGKILL);
    until_let_go();
    int status = 0;
    EXPECT_EQ(::waitpid(child_, &status, 0), child_);
    EXPECT_EQ(WEXITSTATUS(status), SIGKILL);
    child_ = counts_->pid = 0;
}

TEST_F(ThreadHoldTest, OfWhatIsNotThereNothingIsHeld)
{
    hold_.hold(0x7ffffff0, SIGTERM);
    EXPECT_TRUE(hold_.empty());
}

} // namespace
} // namespace pm::channel
