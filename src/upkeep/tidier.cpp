// SPDX-License-Identifier: Apache-2.0
#include "upkeep/tidier.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

namespace pm::upkeep {
namespace {

constexpr std::size_t kMostSaid = 4096;

bool same_file(const tidy::Orders& left, const tidy::Orders& right) { return left.path == right.path && left.user == right.user; }

void kill(const base::Fd& pidfd)
{
    if (pidfd) ::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0);
}

} // namespace

Tidier::Tidier(io::EventLoop& loop, Start start, std::function<void(const std::string&)> warn) : loop_(loop), start_(std::move(start)), warn_(std::move(warn)) {}

Tidier::~Tidier()
{
    for (const Run& run : running_) kill(run.pidfd); // what it had begun the next one goes on with
}

void Tidier::add(tidy::Orders orders)
{
    const auto same = std::ranges::find_if(waiting_, [&](const tidy::Orders& other) { return same_file(other, orders); });
    if (same != waiting_.end())
        *same = std::move(orders);
    else if (waiting_.size() < kMostWaiting)
        waiting_.push_back(std::move(orders));
    next();
}

void Tidier::next()
{
    for (auto entry = waiting_.begin(); entry != waiting_.end() && running_.size() < kMostRunning;) {
        const bool runs = std::ranges::any_of(running_, [&](const Run& run) { return run.orders.user == entry->user; });
        if (runs) {
            ++entry;
            continue;
        }
        tidy::Orders orders = std::move(*entry);
        entry = waiting_.erase(entry);
        if (!begin(std::move(orders))) return;
    }
}

bool Tidier::begin(tidy::Orders orders)
{
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0) return false;
    const auto run = running_.emplace(running_.end(), Run{std::move(orders), base::Fd(ends[0]), {}, {}, {}, {}});
    const base::Fd theirs(ends[1]);
    ::fcntl(theirs.get(), F_SETFL, 0); // it waits
    const std::string line = tidy::to_line(run->orders); // a path at most: the socket takes it whole
    auto readable = loop_.add_io(run->socket.get(), EPOLLIN, io::Priority::Deferred, [this, run](std::uint32_t) { hear(run); });
    auto timeout = loop_.add_timer(std::chrono::steady_clock::now() + kLongest, io::Priority::Deferred, [run] { kill(run->pidfd); });
    if (!readable || !timeout || ::send(run->socket.get(), line.data(), line.size(), MSG_NOSIGNAL | MSG_DONTWAIT) != static_cast<ssize_t>(line.size())) {
        running_.erase(run);
        return false;
    }
    auto pidfd = start_(theirs.get());
    if (!pidfd) {
        warn_(fmt::format("log files that were put aside are not tidied: {}", pidfd.error().message));
        running_.erase(run);
        return false;
    }
    run->pidfd = *std::move(pidfd);
    run->readable = *std::move(readable);
    run->timeout = *std::move(timeout);
    return true;
}

void Tidier::hear(std::list<Run>::iterator run)
{
    char buffer[1024];
    const ssize_t size = ::recv(run->socket.get(), buffer, sizeof buffer, MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (size > 0) {
        if (run->said.size() < kMostSaid) run->said.append(buffer, static_cast<std::size_t>(size));
        return;
    }
    end(run);
}

/// Its end of the socket is closed as it ends.
void Tidier::end(std::list<Run>::iterator run)
{
    if (!run->said.empty()) warn_("log files that were put aside: " + base::printable(run->said));
    run->readable.reset();
    run->timeout.reset();
    kill(run->pidfd);
    auto reaped = loop_.add_io(run->pidfd.get(), EPOLLIN, io::Priority::Deferred, [this, run](std::uint32_t) {
        siginfo_t info{};
        ::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(run->pidfd.get()), &info, WEXITED | WNOHANG); // or the launcher was first
        running_.erase(run);
        next();
    });
    if (reaped) run->readable = *std::move(reaped);
}

} // namespace pm::upkeep
