// SPDX-License-Identifier: Apache-2.0
// A web server in C++ that takes the sockets pmd holds for it (LISTEN_FDS, sd_listen_fds(3)), says when it is ready (READY=1,
// sd_notify(3)) and loses no request when it is replaced. No library is needed for either.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace {

constexpr int kFirstSocket = 3;
constexpr int kPatience = 5'000; ///< ms for a client to say what it wants

volatile std::sig_atomic_t asked_to_stop = 0;
void on_signal(int) { asked_to_stop = 1; }

/// -1: nobody gave us one.
int given_socket()
{
    const char* const pid = std::getenv("LISTEN_PID");
    const char* const count = std::getenv("LISTEN_FDS");
    const bool ours = pid != nullptr && count != nullptr && std::atol(pid) == getpid() && std::atol(count) > 0;
    return ours ? kFirstSocket : -1;
}

void tell_ready()
{
    const char* const path = std::getenv("NOTIFY_SOCKET");
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path == nullptr || std::strlen(path) >= sizeof address.sun_path) return;
    std::strcpy(address.sun_path, path);
    const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ::sendto(socket, "READY=1", 7, MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    ::close(socket);
}

void answer(int client)
{
    std::string request;
    char piece[4096];
    pollfd readable{client, POLLIN, 0};
    while (request.find("\r\n\r\n") == std::string::npos && request.size() < sizeof piece && ::poll(&readable, 1, kPatience) > 0) {
        const ssize_t got = ::read(client, piece, sizeof piece);
        if (got <= 0) break;
        request.append(piece, static_cast<std::size_t>(got));
    }
    constexpr char kAnswer[] = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nhey\n";
    if (!request.empty()) (void)!::send(client, kAnswer, sizeof kAnswer - 1, MSG_NOSIGNAL);
    ::close(client);
}

} // namespace

int main()
{
    const int socket = given_socket();
    if (socket < 0) {
        std::fprintf(stderr, "hey: no socket was given to it; see cpp-server.yaml\n");
        return 2;
    }
    // Another instance may be faster with a connection that both were told of: accept must not wait then.
    ::fcntl(socket, F_SETFL, ::fcntl(socket, F_GETFL) | O_NONBLOCK);
    struct sigaction action = {};
    action.sa_handler = on_signal;
    sigaction(SIGTERM, &action, nullptr);
    sigaction(SIGINT, &action, nullptr);
    // The signals come while it waits for a connection, and at no other time: what was accepted is answered.
    sigset_t blocked, waiting;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    sigaddset(&blocked, SIGINT);
    sigprocmask(SIG_BLOCK, &blocked, &waiting);
    tell_ready();
    while (asked_to_stop == 0) {
        pollfd acceptable{socket, POLLIN, 0};
        if (::ppoll(&acceptable, 1, nullptr, &waiting) <= 0) continue;
        if (const int client = ::accept4(socket, nullptr, nullptr, SOCK_CLOEXEC); client >= 0) answer(client);
    }
    return 0;
}
