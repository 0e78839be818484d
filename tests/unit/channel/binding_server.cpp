// SPDX-License-Identifier: Apache-2.0
// A program that binds by itself and knows nothing of pmd. "binding-server MODE PLACE": PLACE is a port of 127.0.0.1
// ("any:PORT" of all addresses), a unix path or "@name"; it answers each connection with its pid. Says what it does, a line for
// each step.
#include <arpa/inet.h>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <netinet/in.h>
#include <string>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <thread>
#include <time.h>
#include <unistd.h>

namespace {

std::string place;

void say(const char* step, int result)
{
    std::printf("%s %s\n", step, result < 0 ? std::strerror(errno) : "ok");
    std::fflush(stdout);
}

int make(bool reuseport = false)
{
    const bool local = place[0] == '/' || place[0] == '@';
    const int fd = ::socket(local ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (reuseport) ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    return fd;
}

int bind_to_place(int fd)
{
    if (place[0] == '/' || place[0] == '@') {
        sockaddr_un at{};
        at.sun_family = AF_UNIX;
        std::memcpy(at.sun_path, place.data(), place.size());
        if (place[0] == '@') at.sun_path[0] = '\0';
        return ::bind(fd, reinterpret_cast<sockaddr*>(&at),
                      static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + place.size()));
    }
    const bool any = place.starts_with("any:");
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(any ? INADDR_ANY : INADDR_LOOPBACK);
    at.sin_port = htons(static_cast<std::uint16_t>(std::atoi(place.c_str() + (any ? 4 : 0))));
    return ::bind(fd, reinterpret_cast<sockaddr*>(&at), sizeof at);
}

volatile std::sig_atomic_t told_to_end = 0;

/// What was accepted is answered.
void end_on_sigterm()
{
    struct sigaction action {};
    action.sa_handler = [](int) { told_to_end = 1; };
    ::sigaction(SIGTERM, &action, nullptr);
}

std::atomic<std::uint64_t> turns = 0; ///< of threads that must not run while another one ends the process

/// Counts in no hurry, and ends: status 3 when one of them ran meanwhile.
[[noreturn]] void end_alone()
{
    const std::uint64_t before = turns;
    timespec begun{}, now{};
    ::clock_gettime(CLOCK_MONOTONIC, &begun);
    do
        ::clock_gettime(CLOCK_MONOTONIC, &now);
    while ((now.tv_sec - begun.tv_sec) * 1'000'000'000 + now.tv_nsec - begun.tv_nsec < 1'000'000);
    ::_exit(turns == before ? 0 : 3);
}

void count_in_a_thread()
{
    std::thread([] {
        for (;;) ++turns;
    }).detach();
}

/// As Go's runtime, whose handler ends the process on any thread.
void end_in_the_handler()
{
    count_in_a_thread();
    count_in_a_thread();
    struct sigaction action {};
    action.sa_handler = [](int) { end_alone(); };
    ::sigaction(SIGTERM, &action, nullptr);
}

int signal_pipe[2];

/// As deno, whose handler tells a thread, which ends the process; the first thread is the one that accepts.
void end_in_a_thread()
{
    if (::pipe2(signal_pipe, O_CLOEXEC) < 0) std::abort();
    std::thread([] {
        char byte = 0;
        while (::read(signal_pipe[0], &byte, 1) < 1) {
        }
        end_alone();
    }).detach();
    struct sigaction action {};
    action.sa_handler = [](int) { (void)!::write(signal_pipe[1], "x", 1); };
    ::sigaction(SIGTERM, &action, nullptr);
}

[[noreturn]] void wait_in_epoll(int fd)
{
    epoll_event event{.events = EPOLLIN, .data = {}};
    const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
    ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    for (;; ++turns) ::epoll_wait(epoll, &event, 1, -1);
}

/// As many servers of several threads: one waits for the signal that all block.
void end_in_a_waiting_thread()
{
    static sigset_t term;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    ::pthread_sigmask(SIG_BLOCK, &term, nullptr);
    count_in_a_thread();
    std::thread([] {
        int number = 0;
        ::sigwait(&term, &number);
        end_alone();
    }).detach();
}

void serve(int fd)
{
    while (told_to_end == 0) {
        const int client = ::accept(fd, nullptr, nullptr);
        if (client < 0 && errno == EINTR) continue;
        if (client < 0) return say("accept", -1);
        const std::string answer = std::to_string(::getpid()) + "\n";
        if (::write(client, answer.data(), answer.size()) < 0) say("write", -1);
        ::close(client);
    }
}

void bind_and_listen(int fd, const char* name = "bind")
{
    const int bound = bind_to_place(fd);
    say(name, bound);
    if (bound == 0) say("listen", ::listen(fd, 16));
}

/// Children that bind, listen and close without end, all at once; some are killed in the middle.
void storm(int children)
{
    for (int i = 0; i < children; ++i) {
        if (::fork() != 0) continue;
        if (i % 7 == 0) ::alarm(1);
        for (int round = 0; round < 20 || i % 7 == 0; ++round) {
            const int fd = make();
            if (bind_to_place(fd) == 0) ::listen(fd, 16);
            ::close(fd);
        }
        std::_Exit(0);
    }
    while (::wait(nullptr) > 0) {
    }
    say("storm", 0);
}

} // namespace

int main(int, char** arguments)
{
    const std::string mode = arguments[1];
    place = arguments[2];
    if (mode == "probe") { // looks whether the port is free, as some programs do
        const int fd = make();
        say("probe", bind_to_place(fd));
        ::close(fd);
    }
    end_on_sigterm();
    if (mode == "handler-ends") end_in_the_handler();
    if (mode == "thread-ends") end_in_a_thread();
    if (mode == "waiter-ends") end_in_a_waiting_thread();
    if (mode == "unlink") ::unlink(place.c_str());
    if (mode == "storm") storm(100);
    const int fd = make();
    if (mode == "nonblocking") ::fcntl(fd, F_SETFL, O_NONBLOCK);
    if (mode == "hold")
        say("bind", bind_to_place(fd));
    else
        std::thread([fd] { bind_and_listen(fd); }).join(); // not the thread that the process is named after
    if (mode == "twice" || mode == "reuseport") bind_and_listen(make(mode == "reuseport"), "again");
    if (mode == "flags") std::printf("cloexec %d nonblock %d\n", ::fcntl(fd, F_GETFD), (::fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
    std::fflush(stdout);
    if (mode == "hold" || mode == "nonblocking") ::pause();
    if (mode == "thread-ends") wait_in_epoll(fd);
    serve(fd);
}
