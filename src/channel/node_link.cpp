// SPDX-License-Identifier: Apache-2.0
#include "channel/node_link.hpp"

#include "io/fd_passing.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <utility>

namespace pm::channel {
namespace {

using Kind = NodeMessage::Kind;

constexpr std::size_t kReadAtOnce = std::size_t{64} << 10;
/// So much unsent says that the other end does not read.
constexpr std::size_t kUnsentEnough = std::size_t{1} << 20;
constexpr int kMostTimesSent = 3;
constexpr int kMostFds = 64;

/// Closes what came along: nobody here has a use for sockets of an app.
void close_received(const msghdr& message)
{
    for (const cmsghdr* head = CMSG_FIRSTHDR(&message); head != nullptr;
         head = CMSG_NXTHDR(const_cast<msghdr*>(&message), const_cast<cmsghdr*>(head))) {
        if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS) continue;
        const std::size_t count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < count; ++i) {
            int fd = -1;
            std::memcpy(&fd, CMSG_DATA(head) + i * sizeof fd, sizeof fd);
            const base::Fd closed(fd);
        }
    }
}

ssize_t receive(int fd, std::array<char, kReadAtOnce>& buffer)
{
    alignas(cmsghdr) char control[CMSG_SPACE(kMostFds * sizeof(int))];
    iovec piece{buffer.data(), buffer.size()};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    const ssize_t got = ::recvmsg(fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (got >= 0) close_received(message);
    return got;
}

bool try_again(int error) noexcept
{
    return error == EAGAIN || error == EINTR;
}

} // namespace

NodeLink::NodeLink(base::Fd fd, NodeLinkEvents& events, State state)
    : fd_(std::move(fd)), events_(&events), queue_(std::move(state.queue)), marked_(state.marked)
{
    lines_.set_rest(std::move(state.begun));
    if (state.sent && !queue_.empty()) {
        sent_ = std::move(queue_.front());
        queue_.pop_front();
    }
    writing_.text = std::move(state.unsent);
    for (const NodeParcel& parcel : queue_) queued_ += parcel.text.size();
}

base::Result<std::shared_ptr<NodeLink>> NodeLink::open(io::EventLoop& loop, base::Fd fd, NodeLinkEvents& events, State state)
{
    const std::shared_ptr<NodeLink> link(new NodeLink(std::move(fd), events, std::move(state)));
    auto source = loop.add_io(link->fd_.get(), EPOLLIN, io::Priority::Output,
                              [self = link.get()](std::uint32_t ready) { self->on_ready(ready); });
    if (!source) return tl::unexpected(std::move(source).error());
    link->source_ = *std::move(source);
    link->waits_for_ = EPOLLIN;
    link->flush();
    return link;
}

bool NodeLink::post(NodeParcel parcel)
{
    if (!fd_ || broken_ || queued_ + parcel.text.size() > kMostUnsent) return false;
    if (marked_ && parcel.internal) parcel.text.insert(parcel.text.begin(), kBunMark);
    queued_ += parcel.text.size();
    queue_.push_back(std::move(parcel));
    flush();
    return true;
}

void NodeLink::close() noexcept
{
    source_.reset();
    fd_.reset();
    queue_.clear();
    writing_ = sent_ = {};
    queued_ = 0;
}

NodeLink::State NodeLink::state() const
{
    State state{.marked = marked_, .begun = lines_.rest()};
    state.sent = !sent_.text.empty() || (writing_.fd && offset_ > 0);
    if (!sent_.text.empty()) state.queue.push_back(sent_);
    if (writing_.fd) state.queue.push_back(writing_);
    if (offset_ > 0 || (!writing_.fd && writing_.internal)) state.unsent = writing_.text.substr(offset_);
    for (const NodeParcel& parcel : queue_)
        if (parcel.internal) state.queue.push_back(parcel);
    return state;
}

void NodeLink::on_ready(std::uint32_t ready)
{
    const auto alive = shared_from_this();
    if ((ready & EPOLLOUT) != 0) flush();
    if (fd_ && (ready & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) (void)read();
    if (fd_) wait_for();
}

void NodeLink::read_rest()
{
    constexpr int kMostPieces = 16;
    const auto alive = shared_from_this();
    for (int count = 0; count < kMostPieces && fd_; ++count)
        if (!read()) return;
}

/// One piece a turn: whoever talks without end lets others have theirs. False: there was none.
bool NodeLink::read()
{
    std::array<char, kReadAtOnce> buffer;
    const ssize_t got = receive(fd_.get(), buffer);
    if (got < 0 && try_again(errno)) return false;
    if (got <= 0) return end(false), false;
    const bool had_rest = !lines_.rest().empty();
    const std::string_view bytes(buffer.data(), static_cast<std::size_t>(got));
    if (!lines_.feed(bytes, [this](std::string_view line) { return take(line); })) return end(true), false;
    if (!fd_) return false;
    flush();
    if (fd_ && (had_rest || !lines_.rest().empty())) events_->on_state();
    return static_cast<bool>(fd_);
}

bool NodeLink::take(std::string_view line)
{
    const NodeMessage message = read_message(line);
    if (message.marked) marked_ = true;
    if (message.kind == Kind::HandleAck || message.kind == Kind::HandleNack) {
        arrived(message.kind == Kind::HandleAck);
        return static_cast<bool>(fd_);
    }
    if (message.kind == Kind::Handle) ++acks_;
    events_->on_line(message, line);
    return static_cast<bool>(fd_);
}

void NodeLink::arrived(bool whole)
{
    if (sent_.text.empty()) return;
    NodeParcel parcel = std::exchange(sent_, {});
    if (!whole && ++parcel.tries < kMostTimesSent) {
        queued_ += parcel.text.size();
        queue_.push_front(std::move(parcel));
    } else if (!whole) {
        events_->on_undelivered(parcel);
    }
    flush();
    if (fd_) events_->on_state();
}

void NodeLink::end(bool too_long)
{
    close();
    events_->on_end(too_long);
}

void NodeLink::flush()
{
    while (fd_ && !broken_ && (!writing_.text.empty() || pick_next()))
        if (!write_some()) break;
    if (fd_) wait_for();
}

bool NodeLink::pick_next()
{
    if (acks_ > 0) {
        --acks_;
        writing_.text = (marked_ ? std::string(1, kBunMark) : "") + handle_ack();
        return true;
    }
    if (queue_.empty() || !sent_.text.empty()) return false;
    writing_ = std::move(queue_.front());
    queue_.pop_front();
    queued_ -= writing_.text.size();
    return true;
}

bool NodeLink::write_some()
{
    const std::string_view left = std::string_view(writing_.text).substr(offset_);
    const int along = writing_.fd && offset_ == 0 ? writing_.fd->get() : -1;
    const ssize_t sent = io::send_with_fds(fd_.get(), left, {&along, along >= 0 ? 1U : 0U});
    if (sent < 0 && try_again(errno)) {
        events_->on_state();
        return false;
    }
    if (sent < 0) { // the end is read next, from the loop
        broken_ = true;
        queue_.clear();
        queued_ = 0;
        return false;
    }
    offset_ += static_cast<std::size_t>(sent);
    if (offset_ == writing_.text.size()) written();
    return true;
}

void NodeLink::written()
{
    const bool with_socket = writing_.fd != nullptr;
    if (with_socket) {
        sent_ = std::move(writing_);
        events_->on_state();
    }
    writing_ = {};
    offset_ = 0;
}

void NodeLink::wait_for()
{
    std::uint32_t wanted = queued_ + writing_.text.size() > kUnsentEnough && !broken_ ? 0U : std::uint32_t{EPOLLIN};
    if (!broken_ && !writing_.text.empty()) wanted |= EPOLLOUT;
    if (wanted == waits_for_) return;
    waits_for_ = wanted;
    source_.set_io_events(wanted);
}

} // namespace pm::channel
