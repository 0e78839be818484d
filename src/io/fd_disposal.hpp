// SPDX-License-Identifier: Apache-2.0
// Gets rid of descriptors that somebody sent, without waiting for it.
//
// The last close of a descriptor may take as long as its sender likes: a TCP socket with SO_LINGER and unsent data is enough.
// Taking a message off a socket closes what came with it, and so does closing a socket in which messages wait. A child does
// either in pmd's place; it lives for milliseconds.
#pragma once

#include "base/fd.hpp"
#include "io/event_loop.hpp"

#include <deque>
#include <functional>
#include <list>

namespace pm::io {

class FdDisposal {
public:
    explicit FdDisposal(EventLoop& loop) : loop_(loop) {}
    ~FdDisposal();
    FdDisposal(const FdDisposal&) = delete;
    FdDisposal& operator=(const FdDisposal&) = delete;

    /// Takes the first message, and all descriptors with it, off a socket; then calls `done`, from the loop. False when there
    /// are too many children: try again later.
    [[nodiscard]] bool drop_message(int socket, std::function<void()> done);
    /// Closes a socket and what waits in it.
    void close(base::Fd socket);

private:
    struct Child {
        base::Fd pidfd;
        Source ended;
        std::function<void()> done;
    };
    [[nodiscard]] bool start(int socket, int wait_for, std::function<void()> done);
    bool close_now(base::Fd& socket);
    void on_ended(std::list<Child>::iterator child);

    EventLoop& loop_;
    std::list<Child> children_;
    std::deque<base::Fd> waiting_; ///< to be closed when there are fewer children
};

} // namespace pm::io
