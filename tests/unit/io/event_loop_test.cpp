// SPDX-License-Identifier: Apache-2.0
#include "base/fd.hpp"
#include "io/event_loop.hpp"

#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <memory>
#include <stdexcept>
#include <string>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace pm::io {
namespace {

using namespace std::chrono_literals;

struct Pipe {
    Pipe()
    {
        int ends[2];
        if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) throw std::runtime_error("pipe2");
        read = base::Fd(ends[0]);
        write = base::Fd(ends[1]);
    }
    void put() const { ASSERT_EQ(::write(write.get(), "x", 1), 1); }
    base::Fd read;
    base::Fd write;
};

/// Runs what is ready now, and nothing that has to be waited for.
void run_ready(EventLoop& loop, int turns = 20)
{
    for (int i = 0; i < turns; ++i) ASSERT_TRUE(loop.run_once(0us));
}

TEST(EventLoop, SourceMayDestroyItselfInItsCallback)
{
    EventLoop loop;
    const Pipe pipe;
    Source source;
    int calls = 0;
    auto token = std::make_shared<int>(7);
    const std::weak_ptr<int> alive = token;
    source = loop.add_io(pipe.read.get(), EPOLLIN, Priority::Normal, [&, token = std::move(token)](std::uint32_t) {
                     source.reset();
                     calls += *token; // the captures live until the callback returns
                 }).value();
    pipe.put();
    run_ready(loop);
    EXPECT_EQ(calls, 7);
    EXPECT_TRUE(alive.expired());
}

TEST(EventLoop, SourceMayBeReplacedInItsCallback)
{
    EventLoop loop;
    const Pipe pipe;
    Source source;
    std::string order;
    source = loop.add_io(pipe.read.get(), EPOLLIN, Priority::Normal, [&](std::uint32_t) {
                     order += 'a';
                     source = loop.add_deferred(Priority::Normal, [&] { order += 'b'; }).value();
                     source.set_enabled(true);
                 }).value();
    pipe.put();
    run_ready(loop);
    EXPECT_EQ(order, "ab");
}

TEST(EventLoop, ServesUrgentSourcesFirst)
{
    EventLoop loop;
    const Pipe pipe; // stays readable, as a flood does
    pipe.put();
    std::string order;
    auto output = loop.add_io(pipe.read.get(), EPOLLIN, Priority::Output, [&](std::uint32_t) { order += 'o'; }).value();
    auto normal = loop.add_deferred(Priority::Normal, [&] { order += 'n'; }).value();
    auto timer = loop.add_timer(model::TimePoint{}, Priority::Processes, [&] { order += 't'; }).value();
    normal.set_enabled(true);
    run_ready(loop, 4);
    EXPECT_EQ(order, "tnoo");
}

TEST(EventLoop, FloodsOfEqualPriorityTakeTurns)
{
    EventLoop loop;
    const Pipe one;
    const Pipe two;
    one.put();
    two.put();
    std::string order;
    auto a = loop.add_io(one.read.get(), EPOLLIN, Priority::Output, [&](std::uint32_t) { order += 'a'; }).value();
    auto b = loop.add_io(two.read.get(), EPOLLIN, Priority::Output, [&](std::uint32_t) { order += 'b'; }).value();
    run_ready(loop, 6);
    EXPECT_TRUE(order == "ababab" || order == "bababa") << order;
}

TEST(EventLoop, TimerNeverComesEarlyAndCanBeArmedAgain)
{
    EventLoop loop;
    int calls = 0;
    Source timer;
    model::TimePoint due = std::chrono::steady_clock::now() + 1ms + 1ns;
    timer = loop.add_timer(due, Priority::Processes, [&] {
                    EXPECT_GE(std::chrono::steady_clock::now(), due);
                    due = std::chrono::steady_clock::now() + 500us + 999ns;
                    if (++calls < 20) timer.set_time(due);
                    else loop.exit(3);
                }).value();
    EXPECT_EQ(loop.run(), 3);
    EXPECT_EQ(calls, 20);
}

TEST(EventLoop, DisabledTimerStaysSilent)
{
    EventLoop loop;
    int calls = 0;
    auto timer = loop.add_timer(model::TimePoint{}, Priority::Processes, [&] { ++calls; }).value();
    timer.set_enabled(false);
    run_ready(loop);
    EXPECT_EQ(calls, 0);
    timer.set_time(model::TimePoint{});
    run_ready(loop);
    EXPECT_EQ(calls, 1);
}

TEST(EventLoop, DescriptorStaysWatchedAfterBeingDisabledForAWhile)
{
    EventLoop loop;
    const Pipe pipe;
    pipe.put();
    int calls = 0;
    auto source = loop.add_io(pipe.read.get(), EPOLLIN, Priority::Normal, [&](std::uint32_t) { ++calls; }).value();
    source.set_enabled(false);
    run_ready(loop, 3);
    EXPECT_EQ(calls, 0);
    source.set_enabled(true);
    run_ready(loop, 3);
    EXPECT_EQ(calls, 3);
}

TEST(EventLoop, NoIoEventsStillTellsOfTheOtherEndGoing)
{
    EventLoop loop;
    Pipe pipe;
    std::uint32_t seen = 0;
    auto source = loop.add_io(pipe.write.get(), EPOLLOUT, Priority::Normal, [&](std::uint32_t e) { seen |= e; }).value();
    source.set_io_events(0);
    run_ready(loop, 3);
    EXPECT_EQ(seen, 0u);
    pipe.read.reset();
    run_ready(loop, 1);
    EXPECT_NE(seen & EPOLLERR, 0u);
}

TEST(EventLoop, SignalArrivesAsAnEventAgainAndAgain)
{
    EventLoop loop;
    int seen = 0;
    auto source = loop.add_signal(SIGUSR1, [&](int signal) { seen += signal; }).value();
    for (int i = 1; i <= 2; ++i) {
        ASSERT_EQ(raise(SIGUSR1), 0);
        run_ready(loop, 3);
        EXPECT_EQ(seen, i * SIGUSR1);
    }
}

TEST(EventLoop, DeferredRunsOncePerRequest)
{
    EventLoop loop;
    int calls = 0;
    auto source = loop.add_deferred(Priority::Deferred, [&] { ++calls; }).value();
    run_ready(loop, 3);
    EXPECT_EQ(calls, 0);
    for (int i = 1; i <= 2; ++i) {
        source.set_enabled(true);
        source.set_enabled(true);
        run_ready(loop, 3);
        EXPECT_EQ(calls, i);
    }
}

TEST(EventLoop, PrepareRunsBeforeEachWait)
{
    EventLoop loop;
    int calls = 0;
    auto source = loop.add_prepare([&] { ++calls; }).value();
    run_ready(loop, 7);
    EXPECT_EQ(calls, 7);
    source.reset();
    run_ready(loop, 3);
    EXPECT_EQ(calls, 7);
}

TEST(EventLoop, ExceptionsEndAtTheCallback)
{
    EventLoop loop;
    const Pipe pipe;
    pipe.put();
    int calls = 0;
    auto io = loop.add_io(pipe.read.get(), EPOLLIN, Priority::Output, [&](std::uint32_t) {
                      if (++calls == 1) throw std::runtime_error("boom");
                      throw 42;
                  }).value();
    run_ready(loop, 2);
    EXPECT_EQ(calls, 2); // still watched
}

/// Where a service manager listens, as sd_notify(3) finds it in the environment.
struct ServiceManager {
    ServiceManager()
    {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        socklen_t length = sizeof(sa_family_t); // no name given: the kernel makes an abstract one up
        socket = base::Fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        if (bind(socket.get(), reinterpret_cast<sockaddr*>(&address), length) < 0) throw std::runtime_error("bind");
        length = sizeof address;
        getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &length);
        setenv("NOTIFY_SOCKET", ("@" + std::string(address.sun_path + 1, length - sizeof(sa_family_t) - 1)).c_str(), 1);
        setenv("WATCHDOG_USEC", "20000", 1);
    }
    ~ServiceManager()
    {
        unsetenv("NOTIFY_SOCKET");
        unsetenv("WATCHDOG_USEC");
    }
    [[nodiscard]] std::string told() const
    {
        std::string text(100, '\0');
        const ssize_t count = recv(socket.get(), text.data(), text.size(), 0);
        text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
        return text;
    }
    base::Fd socket;
};

TEST(EventLoop, AnIdleLoopServesTheWatchdog)
{
    const ServiceManager manager;
    EventLoop loop;
    int pings = 0;
    auto source = loop.add_io(manager.socket.get(), EPOLLIN, Priority::Normal, [&](std::uint32_t) {
                          EXPECT_EQ(manager.told(), "WATCHDOG=1");
                          if (++pings == 3) loop.exit(0);
                      }).value();
    auto give_up = loop.add_timer(model::TimePoint::clock::now() + 5s, Priority::Normal, [&] { loop.exit(1); }).value();
    ASSERT_TRUE(loop.serve_watchdog());
    EXPECT_EQ(loop.run(), 0) << "after " << pings << " pings";
}

TEST(EventLoop, NoWatchdogIsServedWhereNoneIsDemanded)
{
    EventLoop loop;
    EXPECT_FALSE(loop.serve_watchdog());
}

TEST(EventLoop, BadDescriptorIsAnError)
{
    EventLoop loop;
    EXPECT_FALSE(loop.add_io(-1, EPOLLIN, Priority::Normal, [](std::uint32_t) {}).has_value());
}

} // namespace
} // namespace pm::io
