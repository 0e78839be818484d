// SPDX-License-Identifier: Apache-2.0
#include "channel/thread_hold.hpp"

#include "io/event_loop.hpp"

#include <atomic>
#include <chrono>
#include <csignal>
#include <gtest/gtest.h>
#include <new>
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
    };
    void SetUp() override
    {
        counts_ = new (::mmap(nullptr, sizeof(Counts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) Counts;
        pid_ = ::fork();
        if (pid_ == 0) {
            std::thread([this] { count(counts_->second); }).detach();
            count(counts_->first);
        }
        await_more(counts_->first);
        await_more(counts_->second);
    }
    void TearDown() override
    {
        hold_.let_go_all();
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
        ::munmap(counts_, sizeof(Counts));
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
    void stop() const
    {
        ::kill(pid_, SIGSTOP);
        ASSERT_EQ(::waitpid(pid_, nullptr, WUNTRACED), pid_); // all its threads are
    }
    /// False: ptrace is forbidden here.
    bool hold_second(std::chrono::milliseconds longest)
    {
        stop();
        hold_.hold(pid_, longest);
        return !hold_.empty();
    }

    io::EventLoop loop_;
    ThreadHold hold_{loop_};
    Counts* counts_ = nullptr;
    pid_t pid_ = 0;
};

TEST_F(ThreadHoldTest, OnlyTheFirstThreadRunsUntilTheOthersAreLetGo)
{
    if (!hold_second(1h)) GTEST_SKIP() << "ptrace(2) is forbidden here";
    const std::uint64_t before = counts_->second;
    ::kill(pid_, SIGCONT);
    await_more(counts_->first);
    EXPECT_EQ(counts_->second, before);
    hold_.let_go_all();
    EXPECT_TRUE(hold_.empty());
    await_more(counts_->second);
}

TEST_F(ThreadHoldTest, TheyAreLetGoInTime)
{
    if (!hold_second(1h)) GTEST_SKIP() << "ptrace(2) is forbidden here";
    ::kill(pid_, SIGCONT);
    hold_.let_go_after(pid_, 1ms);
    while (!hold_.empty()) ASSERT_TRUE(loop_.run_once(30s));
    await_more(counts_->second);
}

TEST_F(ThreadHoldTest, AProcessThatDiesUnderItIsGoneForItsParent)
{
    if (!hold_second(1h)) GTEST_SKIP() << "ptrace(2) is forbidden here";
    ::kill(pid_, SIGKILL);
    while (!hold_.empty()) ASSERT_TRUE(loop_.run_once(30s));
    int status = 0;
    EXPECT_EQ(::waitpid(pid_, &status, 0), pid_);
    EXPECT_TRUE(WIFSIGNALED(status));
    pid_ = ::fork(); // for TearDown
    if (pid_ == 0) ::pause();
}

TEST_F(ThreadHoldTest, OfWhatIsNotThereNothingIsHeld)
{
    hold_.hold(0x7ffffff0, 1h);
    EXPECT_TRUE(hold_.empty());
}

} // namespace
} // namespace pm::channel
