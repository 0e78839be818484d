// SPDX-License-Identifier: Apache-2.0
#include "io/probe.hpp"

#include "base/text.hpp"
#include "io/acting_as.hpp"

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <utility>

namespace pm::io {
namespace {

constexpr std::size_t kMostLine = 4096;

struct Address {
    sockaddr_storage bytes{};
    socklen_t size = 0;
};

Address address_of(const std::string& host, std::uint16_t port)
{
    Address address;
    if (host.find(':') != std::string::npos) {
        auto& six = reinterpret_cast<sockaddr_in6&>(address.bytes);
        six.sin6_family = AF_INET6;
        six.sin6_port = htons(port);
        ::inet_pton(AF_INET6, host.c_str(), &six.sin6_addr);
        address.size = sizeof six;
    } else {
        auto& four = reinterpret_cast<sockaddr_in&>(address.bytes);
        four.sin_family = AF_INET;
        four.sin_port = htons(port);
        ::inet_pton(AF_INET, host.c_str(), &four.sin_addr);
        address.size = sizeof four;
    }
    return address;
}

/// A port that nobody listens at may be the one that the kernel gives the socket itself, which is then connected with itself (tcp(7)).
bool is_its_own_peer(const base::Fd& socket)
{
    Address own{{}, sizeof(sockaddr_storage)};
    Address peer{{}, sizeof(sockaddr_storage)};
    ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&own.bytes), &own.size);
    ::getpeername(socket.get(), reinterpret_cast<sockaddr*>(&peer.bytes), &peer.size);
    return own.size == peer.size && std::memcmp(&own.bytes, &peer.bytes, own.size) == 0;
}

} // namespace

int http_status(std::string_view line)
{
    if (!line.starts_with("HTTP/1.") || line.size() < 12 || line[8] != ' ' || (line.size() > 12 && line[12] != ' ')) return 0;
    const int status = base::parse_number<int>(line.substr(9, 3)).value_or(0);
    return status >= 100 ? status : 0;
}

Probe::Probe(EventLoop& loop, const model::HealthTarget& target, model::SharedIdentity user, model::Duration timeout, Done done)
    : loop_(loop), target_(target), user_(std::move(user)), done_(std::move(done))
{
    if (target.kind == model::HealthTarget::Kind::Http)
        request_ = fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: pmd\r\nAccept: */*\r\nConnection: close\r\n\r\n", target.path,
                               model::host_and_port(target));
    auto timer = loop.add_timer(std::chrono::steady_clock::now() + timeout, Priority::Normal, [this, timeout] {
        fail(failure_.empty() ? fmt::format("no {} within {}", connected_ ? "answer" : "connection", base::format_duration(timeout)) : failure_);
    });
    if (timer) timeout_ = *std::move(timer);
    const bool local = target.host == "localhost";
    if (local) next_host_ = "::1";
    connect(local ? "127.0.0.1" : target.host);
}

/// A socket is its maker's: what the app's user may not reach, pmd does not reach for him.
base::Fd Probe::make_socket(int family) const
{
    const ActingAs acting(user_.get());
    if (acting.error() != 0) {
        errno = acting.error();
        return {};
    }
    return base::Fd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

void Probe::connect(const std::string& host)
{
    const Address address = address_of(host, target_.port);
    events_.reset();
    socket_ = make_socket(address.bytes.ss_family);
    if (!socket_) return finish_soon(std::strerror(errno));
    if (::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address.bytes), address.size) < 0 && errno != EINPROGRESS)
        return refused(errno);
    auto events = loop_.add_io(socket_.get(), EPOLLOUT, Priority::Normal, [this](std::uint32_t) { on_event(); });
    if (events)
        events_ = *std::move(events);
    else
        finish_soon(events.error().message);
}

void Probe::refused(int error)
{
    if (next_host_.empty()) return finish_soon(std::strerror(error));
    connect(std::exchange(next_host_, {}));
}

void Probe::on_event()
{
    if (!connected_) return connected();
    if (!request_.empty()) return write();
    read();
}

void Probe::connected()
{
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error == 0 && is_its_own_peer(socket_)) error = ECONNREFUSED;
    if (error != 0) return refused(error);
    connected_ = true;
    if (request_.empty()) return finish({});
    write();
}

void Probe::write()
{
    const ssize_t sent = ::send(socket_.get(), request_.data(), request_.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) return fail(std::strerror(errno));
    request_.erase(0, sent > 0 ? static_cast<std::size_t>(sent) : 0);
    if (request_.empty()) events_.set_io_events(EPOLLIN);
}

void Probe::read()
{
    std::array<char, kMostLine> bytes{};
    const ssize_t got = ::recv(socket_.get(), bytes.data(), bytes.size(), 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got < 0) return fail(std::strerror(errno));
    if (got == 0) return fail("closed the connection without an answer");
    answer_.append(bytes.data(), static_cast<std::size_t>(got));
    const std::size_t end = answer_.find_first_of("\r\n");
    if (end == std::string::npos && answer_.size() < kMostLine) return;
    const int status = http_status(std::string_view(answer_).substr(0, end));
    if (status == 0) return fail("answered something that is not HTTP");
    if (status < 200 || status > 399) return fail(fmt::format("answered {}", status));
    finish({});
}

void Probe::fail(const std::string& why)
{
    const std::string asked = model::to_string(target_);
    finish(base::fail(base::ErrorCode::Failed, fmt::format("{}: {}", asked.substr(0, asked.find('?')), why))); // a query may be secret
}

/// The call may destroy this.
void Probe::finish(const base::Result<void>& result)
{
    events_.reset();
    timeout_.reset();
    socket_.reset();
    if (const Done done = std::exchange(done_, {})) done(result);
}

/// Not from inside the call that began it.
void Probe::finish_soon(std::string why)
{
    failure_ = std::move(why);
    events_.reset();
    timeout_.set_time(std::chrono::steady_clock::now());
}

} // namespace pm::io
