// SPDX-License-Identifier: Apache-2.0
#include "io/fd_disposal.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

namespace pm::io {
namespace {

constexpr std::size_t kMostChildren = 32;
/// A close that lingers ends with the signal that ends its process.
constexpr itimerval kLifetime{{0, 0}, {0, 50'000}};

/// Keeps nothing of pmd's but the two descriptors, which become 3 and 4. Only what is safe after fork(2).
[[noreturn]] void run_child(int socket, int wait_for)
{
    struct sigaction usual {};
    usual.sa_handler = SIG_DFL;
    ::sigaction(SIGALRM, &usual, nullptr);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    const int high_socket = ::fcntl(socket, F_DUPFD, 5);
    const int high_wait = wait_for < 0 ? -1 : ::fcntl(wait_for, F_DUPFD, 5);
    ::dup2(high_socket, 3);
    if (high_wait >= 0) ::dup2(high_wait, 4);
    ::syscall(SYS_close_range, high_wait >= 0 ? 5U : 4U, ~0U, 0U);
    char byte = 0;
    if (high_wait >= 0)
        while (::read(4, &byte, 1) < 0 && errno == EINTR) {
        }
    ::setitimer(ITIMER_REAL, &kLifetime, nullptr);
    if (high_wait < 0) ::recv(3, &byte, 1, MSG_DONTWAIT); // without room for descriptors: they are closed, not received
    ::_exit(0);
}

void reap(const base::Fd& pidfd) noexcept
{
    siginfo_t info{};
    // A launcher that reaps all children may have been here before.
    (void)::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(pidfd.get()), &info, WEXITED | WNOHANG);
}

} // namespace

FdDisposal::~FdDisposal()
{
    for (Child& child : children_) {
        child.ended.reset();
        (void)::syscall(SYS_pidfd_send_signal, child.pidfd.get(), SIGKILL, nullptr, 0);
        reap(child.pidfd);
    }
}

bool FdDisposal::start(int socket, int wait_for, std::function<void()> done)
{
    if (children_.size() >= kMostChildren) return false;
    const pid_t pid = ::fork();
    if (pid < 0) return false;
    if (pid == 0) run_child(socket, wait_for);
    children_.push_back({base::Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))), {}, std::move(done)});
    const auto child = std::prev(children_.end());
    auto ended = loop_.add_io(child->pidfd.get(), EPOLLIN, Priority::Normal, [this, child](std::uint32_t) { on_ended(child); });
    if (ended) {
        child->ended = *std::move(ended);
        return true;
    }
    ::kill(pid, SIGKILL); // not reaped yet, so it is the one we mean
    ::waitpid(pid, nullptr, 0);
    children_.erase(child);
    return false;
}

bool FdDisposal::drop_message(int socket, std::function<void()> done) { return start(socket, -1, std::move(done)); }

/// The child must be the last to have it open: it waits until we have closed ours.
bool FdDisposal::close_now(base::Fd& socket)
{
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) < 0) return false;
    const base::Fd wait_for(ends[0]);
    const base::Fd go(ends[1]);
    if (!start(socket.get(), wait_for.get(), {})) return false;
    socket.reset();
    return true;
}

void FdDisposal::close(base::Fd socket)
{
    waiting_.push_back(std::move(socket));
    while (!waiting_.empty() && close_now(waiting_.front())) waiting_.pop_front();
}

void FdDisposal::on_ended(std::list<Child>::iterator child)
{
    reap(child->pidfd);
    const auto done = std::move(child->done);
    children_.erase(child);
    while (!waiting_.empty() && close_now(waiting_.front())) waiting_.pop_front();
    if (done) done();
}

} // namespace pm::io
