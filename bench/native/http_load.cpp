// SPDX-License-Identifier: Apache-2.0
// Clients of an HTTP server that take what they get: each request is sent once, and answered or lost, of one kind.
//
// Usage: http-load PORT SHORT KEPT BODY [TIMEOUT_MS]
//   SHORT clients make a connection for each request (Connection: close), KEPT clients keep theirs. Each sends its next
//   request when the last one is answered; after a lost one it waits 10 ms. A kept connection that the server ends by
//   Connection: close, or between two requests, is made anew, and nothing was lost.
// Prints {"going_ns"} when each client has had its first answer or loss. At the end of its standard input, or SIGTERM, no
// request is sent any more; those on their way are waited for, and the report is printed. Times are CLOCK_MONOTONIC.
#include "event_board.hpp"
#include "histogram.hpp"
#include "http_answer.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cinttypes>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <utility>
#include <vector>

namespace {

using pm::bench::Histogram;
using pm::bench::HttpAnswer;
using pm::bench::now_ns;

enum class Loss {
    Refused, ///< no connection was to be had
    Reset,   ///< the connection was reset before any answer
    Closed,  ///< it was closed before any answer
    Cut,     ///< it ended in the middle of the answer
    Timeout, ///< nothing, or not all, within the time
    Wrong,   ///< the answer is not the one that was expected
};
constexpr std::array<const char*, 6> kLossNames{"refused", "reset", "closed", "cut", "timeout", "wrong"};
constexpr std::uint64_t kMs = 1'000'000;
constexpr std::uint64_t kPauseNs = 10 * kMs; ///< after a loss: else a port that is closed would be asked without end
constexpr int kTickMs = 10;                  ///< how exactly pauses and timeouts are kept
constexpr std::size_t kMaxTold = 64;         ///< losses that are told one by one

std::runtime_error failed(const char* what)
{
    return std::runtime_error(std::string(what) + ": " + strerror(errno));
}

/// What all clients of one sort have seen.
struct Tally {
    const char* name;
    std::uint64_t last_ns; ///< of the last answer
    std::uint64_t gap_ns = 0;
    std::uint64_t reopened = 0;
    std::array<std::uint64_t, kLossNames.size()> lost{};
    Histogram latency{};

    void answered(std::uint64_t begin, std::uint64_t now)
    {
        latency.add(now - begin);
        gap_ends(now);
        last_ns = now;
    }
    void gap_ends(std::uint64_t now) { gap_ns = std::max(gap_ns, now - last_ns); }
};

struct Told {
    const char* clients;
    Loss kind;
    std::uint64_t sent_ns;
    std::uint64_t lost_ns;
    unsigned number; ///< of the request on its connection, from 0
};

/// What the clients share.
struct Run {
    sockaddr_in server{};
    std::string body;
    std::uint64_t timeout_ns = 5000 * kMs;
    int epoll = -1;
    bool ending = false;
    std::vector<Told> told;
};

class Client {
public:
    Client(Run& run, Tally& tally, bool keeps) : run_(&run), tally_(&tally), keeps_(keeps) {}

    bool at_rest() const { return state_ == State::Paused; }
    bool has_begun() const { return outcomes_ > 0; }

    /// Goes on when a pause, or the patience with a request, is over.
    void tick(std::uint64_t now)
    {
        if (now < until_) return;
        if (state_ == State::Paused) {
            if (!run_->ending) open();
        } else if (state_ == State::Closing) {
            again();
        } else {
            lose(Loss::Timeout);
        }
    }

    void ready()
    {
        if (state_ == State::Connecting) send();
        char buffer[4096];
        while (state_ == State::Waiting || state_ == State::Closing || state_ == State::Between) {
            const ssize_t got = recv(fd_, buffer, sizeof buffer, 0);
            if (got > 0) {
                take({buffer, static_cast<std::size_t>(got)});
            } else if (got < 0 && errno == EAGAIN) {
                if (state_ == State::Between) ask();
                return;
            } else {
                end_of_connection(got < 0);
            }
        }
    }

    /// Nothing more is sent; true when nothing is on its way either.
    bool end()
    {
        if (state_ == State::Closing || state_ == State::Between) rest();
        return at_rest();
    }

private:
    enum class State {
        Paused,     ///< no connection, until `until_`
        Connecting, ///< the request is not sent yet
        Waiting,    ///< for the answer
        Between,    ///< answered, and kept; what else the server has to say is read first
        Closing,    ///< answered, not kept; the server is to close
    };

    void open()
    {
        begin_ns_ = now_ns();
        until_ = begin_ns_ + run_->timeout_ns;
        number_ = 0;
        fd_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd_ < 0) throw failed("socket");
        state_ = State::Connecting;
        if (connect(fd_, reinterpret_cast<const sockaddr*>(&run_->server), sizeof run_->server) < 0 && errno != EINPROGRESS) {
            if (errno != ECONNREFUSED) throw failed("connect");
            return lose(Loss::Refused);
        }
        epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data = {.ptr = this}};
        if (epoll_ctl(run_->epoll, EPOLL_CTL_ADD, fd_, &event) < 0) throw failed("epoll_ctl");
    }

    void send()
    {
        static constexpr std::string_view kShort = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        static constexpr std::string_view kKept = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
        const std::string_view request = keeps_ ? kKept : kShort;
        answer_.clear();
        if (::send(fd_, request.data(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size())) {
            state_ = State::Waiting;
        } else if (errno != EAGAIN && number_ > 0) {
            reopen(); // not sent: the connection had ended before
        } else if (errno != EAGAIN) {
            lose(errno == ECONNREFUSED ? Loss::Refused : Loss::Reset);
        }
    }

    /// The next request of a kept connection.
    void ask()
    {
        if (run_->ending) return rest();
        begin_ns_ = now_ns();
        until_ = begin_ns_ + run_->timeout_ns;
        ++number_;
        send();
    }

    void take(std::string_view data)
    {
        if (state_ == State::Closing) return; // nothing that was asked for
        if (state_ == State::Between) return reopen();
        switch (answer_.add(data, run_->body)) {
        case HttpAnswer::State::Partial: return;
        case HttpAnswer::State::Wrong: return lose(Loss::Wrong);
        case HttpAnswer::State::Complete: break;
        }
        ++outcomes_;
        tally_->answered(begin_ns_, now_ns());
        if (!keeps_) {
            state_ = State::Closing;
        } else if (answer_.closes()) {
            reopen();
        } else {
            state_ = State::Between;
        }
    }

    void end_of_connection(bool reset)
    {
        if (state_ == State::Closing) return again();
        if (state_ == State::Between) return reopen();
        if (!answer_.empty()) return lose(Loss::Cut);
        lose(reset ? Loss::Reset : Loss::Closed);
    }

    void reopen()
    {
        ++tally_->reopened;
        again();
    }
    void again()
    {
        rest();
        if (!run_->ending) open();
    }
    void rest()
    {
        if (fd_ >= 0) close(std::exchange(fd_, -1));
        state_ = State::Paused;
    }

    void lose(Loss kind)
    {
        const std::uint64_t now = now_ns();
        ++outcomes_;
        ++tally_->lost[static_cast<std::size_t>(kind)];
        if (run_->told.size() < kMaxTold) run_->told.push_back({tally_->name, kind, begin_ns_, now, number_});
        rest();
        until_ = now + kPauseNs;
    }

    Run* run_;
    Tally* tally_;
    bool keeps_;
    State state_ = State::Paused;
    int fd_ = -1;
    unsigned number_ = 0;
    std::uint64_t outcomes_ = 0;
    std::uint64_t begin_ns_ = 0;
    std::uint64_t until_ = 0;
    HttpAnswer answer_;
};

/// The loop, until the end is asked for and nothing is on its way.
class Load {
public:
    Load(std::uint16_t port, std::size_t shorts, std::size_t kept, std::string body, std::uint64_t timeout_ms)
        : begin_ns_(now_ns()), tallies_{Tally{.name = "short", .last_ns = begin_ns_}, Tally{.name = "kept", .last_ns = begin_ns_}}
    {
        run_.server.sin_family = AF_INET;
        run_.server.sin_port = htons(port);
        run_.server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        run_.body = std::move(body);
        run_.timeout_ns = timeout_ms * kMs;
        run_.epoll = epoll_create1(EPOLL_CLOEXEC);
        sigset_t signals;
        sigemptyset(&signals);
        sigaddset(&signals, SIGTERM);
        sigprocmask(SIG_BLOCK, &signals, nullptr);
        for (const int fd : ends_ = {STDIN_FILENO, signalfd(-1, &signals, SFD_CLOEXEC)}) watch(fd);
        clients_.reserve(shorts + kept);
        for (std::size_t i = 0; i < shorts + kept; ++i) clients_.emplace_back(run_, tallies_[i < shorts ? 0 : 1], i >= shorts);
    }

    void work()
    {
        bool going = false;
        for (std::uint64_t ticked = 0; !ended();) {
            wait();
            const std::uint64_t now = now_ns();
            if (now - ticked < kTickMs * kMs) continue;
            ticked = now;
            for (Client& client : clients_) client.tick(now);
            if (!going &&
                std::all_of(clients_.begin(), clients_.end(), [](const Client& client) { return client.has_begun(); })) {
                going = true;
                printf("{\"going_ns\":%" PRIu64 "}\n", now);
                fflush(stdout);
            }
        }
    }

    void report()
    {
        printf("{\"seconds\":%.6f", static_cast<double>(end_ns_ - begin_ns_) / 1e9);
        for (Tally& tally : tallies_) print(tally);
        printf(",\"losses\":[");
        for (std::size_t i = 0; i < run_.told.size(); ++i) {
            const Told& told = run_.told[i];
            printf("%s{\"clients\":\"%s\",\"kind\":\"%s\",\"sent_ns\":%" PRIu64 ",\"lost_ns\":%" PRIu64 ",\"number\":%u}",
                   i == 0 ? "" : ",", told.clients, kLossNames[static_cast<std::size_t>(told.kind)], told.sent_ns, told.lost_ns,
                   told.number);
        }
        printf("]}\n");
    }

private:
    void watch(int fd)
    {
        epoll_event event{.events = EPOLLIN, .data = {.ptr = nullptr}};
        if (epoll_ctl(run_.epoll, EPOLL_CTL_ADD, fd, &event) < 0) throw failed("epoll_ctl: standard input must be a pipe");
    }

    void wait()
    {
        std::array<epoll_event, 64> events{};
        const int count = epoll_wait(run_.epoll, events.data(), events.size(), kTickMs);
        if (count < 0 && errno != EINTR) throw failed("epoll_wait");
        for (int i = 0; i < count; ++i) {
            if (events[static_cast<std::size_t>(i)].data.ptr == nullptr) {
                begin_end();
            } else {
                static_cast<Client*>(events[static_cast<std::size_t>(i)].data.ptr)->ready();
            }
        }
    }

    void begin_end()
    {
        if (std::exchange(run_.ending, true)) return;
        end_ns_ = now_ns();
        for (const int fd : ends_) epoll_ctl(run_.epoll, EPOLL_CTL_DEL, fd, nullptr);
    }

    bool ended()
    {
        if (!run_.ending) return false;
        bool all = true;
        for (Client& client : clients_) all = client.end() && all;
        return all;
    }

    void print(Tally& tally) const
    {
        const auto us = [](std::uint64_t ns) { return static_cast<double>(ns) / 1e3; };
        if (tally.last_ns < end_ns_) tally.gap_ends(end_ns_);
        printf(",\"%s\":{\"answered\":%" PRIu64 ",\"reopened\":%" PRIu64
               ",\"p50_us\":%.1f,\"p99_us\":%.1f,\"max_us\":%.1f,\"gap_us\":%.1f,\"lost\":{",
               tally.name, tally.latency.count(), tally.reopened, us(tally.latency.percentile(0.5)),
               us(tally.latency.percentile(0.99)), us(tally.latency.max()), us(tally.gap_ns));
        for (std::size_t kind = 0; kind < kLossNames.size(); ++kind) {
            printf("%s\"%s\":%" PRIu64, kind == 0 ? "" : ",", kLossNames[kind], tally.lost[kind]);
        }
        printf("}}");
    }

    std::uint64_t begin_ns_;
    std::uint64_t end_ns_ = 0;
    std::array<Tally, 2> tallies_;
    std::array<int, 2> ends_{}; ///< what is readable when the end is asked for
    Run run_;
    std::vector<Client> clients_;
};

} // namespace

int main(int argc, char** argv)
{
    if (argc < 5) {
        fputs("usage: http-load PORT SHORT KEPT BODY [TIMEOUT_MS]\n", stderr);
        return 2;
    }
    try {
        const auto number = [&](int index) { return strtoul(argv[index], nullptr, 10); };
        Load load(static_cast<std::uint16_t>(number(1)), number(2), number(3), argv[4], argc > 5 ? number(5) : 5000);
        load.work();
        load.report();
        return 0;
    } catch (const std::exception& error) {
        fprintf(stderr, "http-load: %s\n", error.what());
        return 1;
    }
}
