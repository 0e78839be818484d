// SPDX-License-Identifier: Apache-2.0
// A server on the test's own loop that answers what it is told to.
#pragma once

#include "base/fd.hpp"
#include "io/event_loop.hpp"

#include <arpa/inet.h>
#include <array>
#include <gtest/gtest.h>
#include <list>
#include <string>
#include <sys/epoll.h>
#include <sys/socket.h>

namespace pm::io::test {

class Answering {
public:
    explicit Answering(EventLoop& loop, int family = AF_INET) : loop_(loop)
    {
        listener_ = base::Fd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        sockaddr_storage any{};
        any.ss_family = static_cast<sa_family_t>(family);
        if (family == AF_INET)
            reinterpret_cast<sockaddr_in&>(any).sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        else
            reinterpret_cast<sockaddr_in6&>(any).sin6_addr = in6addr_loopback;
        socklen_t size = family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
        EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&any), size), 0);
        EXPECT_EQ(::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&any), &size), 0);
        port = ntohs(family == AF_INET ? reinterpret_cast<sockaddr_in&>(any).sin_port : reinterpret_cast<sockaddr_in6&>(any).sin6_port);
    }
    /// From now on connections are taken.
    void listen()
    {
        EXPECT_EQ(::listen(listener_.get(), 8), 0);
        accepting_ = *loop_.add_io(listener_.get(), EPOLLIN, Priority::Normal, [this](std::uint32_t) { accept(); });
    }

    std::string answer; ///< empty: it says nothing
    bool hang_up = true;
    std::string asked;  ///< by the last one
    int connections = 0;
    std::uint16_t port = 0;

private:
    struct Connection {
        base::Fd fd;
        Source readable;
    };
    void accept()
    {
        base::Fd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (!fd) return;
        ++connections;
        connections_.emplace_back();
        Connection& connection = connections_.back();
        connection.fd = std::move(fd);
        connection.readable = *loop_.add_io(connection.fd.get(), EPOLLIN, Priority::Normal, [this, &connection](std::uint32_t) { serve(connection); });
    }
    void serve(Connection& connection)
    {
        std::array<char, 4096> bytes{};
        const ssize_t got = ::recv(connection.fd.get(), bytes.data(), bytes.size(), 0);
        if (got > 0) asked.assign(bytes.data(), static_cast<std::size_t>(got));
        if (got > 0) ::send(connection.fd.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
        if (got > 0 && !hang_up) return;
        connection.readable.reset();
        connection.fd.reset();
    }

    EventLoop& loop_;
    base::Fd listener_;
    Source accepting_;
    std::list<Connection> connections_;
};

} // namespace pm::io::test
