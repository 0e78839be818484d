// SPDX-License-Identifier: Apache-2.0
// pmd's end of one message channel: lines in, lines and open sockets out.
//
// An open socket goes with the first byte of its line, and nothing else follows before the other end said that it has it
// (NODE_HANDLE_ACK; three tries), as Node does. What the other end does not read waits here, up to a bound; from well before it
// on nothing more is read from who does not read.
#pragma once

#include "base/fd.hpp"
#include "channel/node_lines.hpp"
#include "channel/node_protocol.hpp"
#include "io/event_loop.hpp"

#include <deque>
#include <memory>

namespace pm::channel {

using SharedFd = std::shared_ptr<const base::Fd>;

/// A line on its way to the process, with its end.
struct NodeParcel {
    std::string text;
    SharedFd fd{};           ///< goes with it; null: none
    bool connection = false; ///< `fd` is one that was accepted, not a socket that is held
    std::int64_t number = 0; ///< with `fd`: of the query it answers, or of the connection
    std::string key{};       ///< with `fd`: of the reply
    std::string stored{};    ///< with `fd`: the name by which the next pmd finds it; empty: it does not
    bool internal = true;    ///< Node's own, not the app's
    int tries = 0;
};

/// What another pmd needs to go on in the middle of the talk.
struct NodeLinkState {
    bool marked = false;          ///< the other end is Bun
    std::string begun;            ///< of a line that did not come to its end
    std::string unsent;           ///< the rest of a line of which a part was sent
    std::deque<NodeParcel> queue; ///< the first is `sent` when that is true
    bool sent = false;            ///< waits for the word that its socket arrived
};

class NodeLinkEvents {
public:
    virtual ~NodeLinkEvents() = default;
    /// `line` holds until the return.
    virtual void on_line(const NodeMessage& message, std::string_view line) = 0;
    /// The other end is closed, or a line was too long. The last call.
    virtual void on_end(bool too_long) = 0;
    /// The other end could not take the socket.
    virtual void on_undelivered(const NodeParcel& parcel) = 0;
    /// What state() tells is not what it was.
    virtual void on_state() = 0;
};

class NodeLink : public std::enable_shared_from_this<NodeLink> {
public:
    static constexpr std::size_t kMostLine = std::size_t{4} << 20;
    static constexpr std::size_t kMostUnsent = std::size_t{8} << 20;

    using State = NodeLinkState;

    /// `events` must outlive this, or close() be called first.
    static base::Result<std::shared_ptr<NodeLink>> open(io::EventLoop& loop, base::Fd fd, NodeLinkEvents& events,
                                                        State state = {});

    /// Sends it, or keeps it until there is room. False: closed, or too much waits.
    bool post(NodeParcel parcel);
    /// The process has ended: reads what it said last, as far as there is no end to it. Not from inside a callback of this.
    void read_rest();
    void close() noexcept;
    [[nodiscard]] bool is_open() const noexcept { return static_cast<bool>(fd_); }
    [[nodiscard]] int fd() const noexcept { return fd_.get(); }
    /// Messages of the app's own that wait are not in it.
    [[nodiscard]] State state() const;

private:
    NodeLink(base::Fd fd, NodeLinkEvents& events, State state);
    void on_ready(std::uint32_t events);
    bool read();
    [[nodiscard]] bool take(std::string_view line);
    void arrived(bool whole);
    void end(bool too_long);
    void flush();
    [[nodiscard]] bool pick_next();
    [[nodiscard]] bool write_some();
    void written();
    void wait_for();

    base::Fd fd_;
    NodeLinkEvents* events_;
    io::Source source_;
    NodeLines lines_{kMostLine};
    std::deque<NodeParcel> queue_;
    std::size_t queued_ = 0; ///< bytes of queue_
    NodeParcel writing_;     ///< empty text: nothing
    std::size_t offset_ = 0; ///< of it was sent
    NodeParcel sent_;        ///< waits for the word that its socket arrived; empty text: nothing
    std::size_t acks_ = 0;   ///< to be said
    bool marked_ = false;
    bool broken_ = false; ///< nothing can be sent any more
    std::uint32_t waits_for_ = 0;
};

} // namespace pm::channel
