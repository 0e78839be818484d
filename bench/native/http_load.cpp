// SPDX-License-Identifier: Apache-2.0
// HTTP clients without a second try: http-load PORT NEW KEPT. NEW of them open a connection for each request, KEPT keep theirs.
//
// Each line of stdin ends a phase: what was counted since the last one is printed as JSON. The end of stdin ends the program.
// A request is lost when no whole answer to it comes: refused, reset, closed (an end of file before an answer), cut (in the
// middle of one), hung (5 s), or wrong (not 200). After a loss a client waits 10 ms: what is down is not counted a million times.
#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string>
#include <string_view>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kPatience = std::chrono::seconds(5);
constexpr auto kAfterLoss = std::chrono::milliseconds(10);
constexpr int kTick = 5; ///< ms between two looks at who waits
constexpr std::array kKinds{"refused", "reset", "closed", "cut", "hung", "wrong"};
enum Kind { Refused, Reset, Closed, Cut, Hung, Wrong };

/// Times in microseconds, within 4 percent, in bounded memory.
class Histogram {
public:
    void add(std::uint64_t usec)
    {
        ++counts_[std::min(index(usec), counts_.size() - 1)];
        ++count_;
        most_ = std::max(most_, usec);
    }
    [[nodiscard]] double percentile_ms(double share) const
    {
        std::uint64_t seen = 0;
        for (std::size_t i = 0; i < counts_.size(); ++i)
            if ((seen += counts_[i]) > static_cast<std::uint64_t>(share * static_cast<double>(count_))) return static_cast<double>(value(i)) / 1000;
        return static_cast<double>(most_) / 1000;
    }
    [[nodiscard]] double most_ms() const { return static_cast<double>(most_) / 1000; }

private:
    static constexpr unsigned kBits = 6; ///< sub-buckets of a power of two: 64
    static std::size_t index(std::uint64_t usec)
    {
        const unsigned width = usec < (1U << kBits) ? 0 : static_cast<unsigned>(63 - __builtin_clzll(usec)) - kBits + 1;
        return (static_cast<std::size_t>(width) << kBits) + static_cast<std::size_t>(usec >> width);
    }
    static std::uint64_t value(std::size_t index)
    {
        return static_cast<std::uint64_t>(index & ((1U << kBits) - 1)) << (index >> kBits);
    }
    std::array<std::uint64_t, 2048> counts_{};
    std::uint64_t count_ = 0;
    std::uint64_t most_ = 0;
};

struct Counts {
    std::uint64_t answered = 0;
    std::array<std::uint64_t, kKinds.size()> lost{};
    Histogram times;
};

struct Client {
    bool keeps = false;
    int fd = -1;
    bool connected = false;
    bool waiting = false; ///< after a loss, until `due`
    Clock::time_point since{}, due{};
    std::string answer;
};

class Load {
public:
    Load(std::uint16_t port, int fresh, int kept) : epoll_(::epoll_create1(EPOLL_CLOEXEC)), clients_(static_cast<std::size_t>(fresh + kept))
    {
        to_.sin_family = AF_INET;
        to_.sin_port = htons(port);
        to_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        for (std::size_t i = 0; i < clients_.size(); ++i) clients_[i].keeps = i >= static_cast<std::size_t>(fresh);
        epoll_event wish{EPOLLIN, {.ptr = nullptr}};
        ::epoll_ctl(epoll_, EPOLL_CTL_ADD, STDIN_FILENO, &wish);
    }

    void run()
    {
        begin_ = Clock::now();
        for (Client& client : clients_) ask(client);
        for (std::array<epoll_event, 64> events{};;) {
            const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), kTick);
            for (int i = 0; i < count; ++i) {
                auto* client = static_cast<Client*>(events[static_cast<std::size_t>(i)].data.ptr);
                if (client != nullptr)
                    on_event(*client);
                else if (!on_command())
                    return;
            }
            look_at_all();
        }
    }

private:
    void ask(Client& client)
    {
        client.since = Clock::now();
        client.answer.clear();
        client.waiting = false;
        if (client.fd >= 0) return send_request(client);
        client.fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        const int on = 1;
        ::setsockopt(client.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        client.connected = false;
        const int failed = ::connect(client.fd, reinterpret_cast<const sockaddr*>(&to_), sizeof to_);
        if (failed < 0 && errno != EINPROGRESS) return lose(client, errno == ECONNREFUSED ? Refused : Reset);
        epoll_event wish{EPOLLIN | EPOLLOUT, {.ptr = &client}};
        ::epoll_ctl(epoll_, EPOLL_CTL_ADD, client.fd, &wish);
    }

    void send_request(Client& client)
    {
        constexpr std::string_view kNew = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        constexpr std::string_view kKept = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
        const std::string_view text = client.keeps ? kKept : kNew;
        if (::send(client.fd, text.data(), text.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(text.size())) lose(client, errno == EPIPE ? Closed : Reset);
    }

    void on_event(Client& client)
    {
        if (client.fd < 0) return;
        if (!client.connected) {
            int error = 0;
            socklen_t size = sizeof error;
            ::getsockopt(client.fd, SOL_SOCKET, SO_ERROR, &error, &size);
            if (error != 0) return lose(client, error == ECONNREFUSED ? Refused : Reset);
            client.connected = true;
            epoll_event wish{EPOLLIN, {.ptr = &client}};
            ::epoll_ctl(epoll_, EPOLL_CTL_MOD, client.fd, &wish);
            return send_request(client);
        }
        std::array<char, 4096> piece;
        const ssize_t got = ::recv(client.fd, piece.data(), piece.size(), 0);
        if (got < 0 && errno == EAGAIN) return;
        if (got <= 0) return lose(client, !client.answer.empty() ? Cut : got < 0 ? Reset : Closed);
        client.answer.append(piece.data(), static_cast<std::size_t>(got));
        judge(client);
    }

    void judge(Client& client)
    {
        const std::string_view answer = client.answer;
        const std::size_t end = answer.find("\r\n\r\n");
        if (end == answer.npos) return;
        if (!answer.starts_with("HTTP/1.1 200 ")) return lose(client, Wrong);
        const std::size_t at = answer.find("Content-Length: ");
        std::size_t length = 0;
        if (at == answer.npos || at > end) return lose(client, Wrong);
        std::from_chars(answer.data() + at + std::strlen("Content-Length: "), answer.data() + end, length);
        if (answer.size() < end + 4 + length) return;
        Counts& counts = counts_[client.keeps];
        ++counts.answered;
        counts.times.add(static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - client.since).count()));
        if (!client.keeps || answer.substr(0, end).find("Connection: close") != answer.npos) close(client);
        ask(client);
    }

    static void close(Client& client)
    {
        ::close(client.fd);
        client.fd = -1;
    }

    void lose(Client& client, Kind kind)
    {
        ++counts_[client.keeps].lost[static_cast<std::size_t>(kind)];
        close(client);
        client.waiting = true;
        client.due = Clock::now() + kAfterLoss;
    }

    void look_at_all()
    {
        const auto now = Clock::now();
        if (now < next_look_) return;
        next_look_ = now + std::chrono::milliseconds(kTick);
        for (Client& client : clients_) {
            if (client.waiting && client.due <= now)
                ask(client);
            else if (!client.waiting && now - client.since > kPatience)
                lose(client, Hung);
        }
    }

    /// False at the end of stdin.
    bool on_command()
    {
        std::array<char, 256> text;
        const ssize_t got = ::read(STDIN_FILENO, text.data(), text.size());
        if (got <= 0) return false;
        for (ssize_t i = 0; i < got; ++i)
            if (text[static_cast<std::size_t>(i)] == '\n') print();
        return true;
    }

    void print()
    {
        const auto now = Clock::now();
        std::printf("{\"seconds\": %.6f", std::chrono::duration<double>(now - begin_).count());
        for (const bool keeps : {false, true}) {
            const Counts& counts = counts_[keeps];
            std::printf(", \"%s\": {\"answered\": %llu, \"p50_ms\": %.3f, \"p99_ms\": %.3f, \"max_ms\": %.3f", keeps ? "kept" : "new",
                        static_cast<unsigned long long>(counts.answered), counts.times.percentile_ms(0.5), counts.times.percentile_ms(0.99),
                        counts.times.most_ms());
            for (std::size_t i = 0; i < kKinds.size(); ++i) std::printf(", \"%s\": %llu", kKinds[i], static_cast<unsigned long long>(counts.lost[i]));
            std::printf("}");
        }
        std::printf("}\n");
        std::fflush(stdout);
        counts_ = {};
        begin_ = now;
    }

    int epoll_;
    sockaddr_in to_{};
    std::vector<Client> clients_;
    std::array<Counts, 2> counts_{}; ///< by Client::keeps
    Clock::time_point begin_{}, next_look_{};
};

} // namespace

int main(int argc, char** argv)
{
    if (argc != 4) {
        std::fprintf(stderr, "usage: http-load PORT NEW KEPT\n");
        return 2;
    }
    Load(static_cast<std::uint16_t>(std::atoi(argv[1])), std::atoi(argv[2]), std::atoi(argv[3])).run();
    return 0;
}
