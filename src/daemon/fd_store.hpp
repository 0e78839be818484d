// SPDX-License-Identifier: Apache-2.0
// Pipes and sockets kept by the service manager: sd_notify(3), FDSTORE=1, and sd_listen_fds_with_names(3) at the next start.
//
// systemd drops a pipe that nobody writes to any more by itself; a socket it keeps, whatever its state (FDPOLL=0). Nothing here waits for
// the manager: a notification that finds its socket full is queued, in order, until the socket takes it.
#pragma once

#include "channel/socket_depot.hpp"
#include "io/event_loop.hpp"
#include "io/log.hpp"
#include "logs/pipe_depot.hpp"

#include <deque>
#include <map>

namespace pm::daemon {

class FdStore final : public logs::PipeDepot, public channel::SocketDepot {
public:
    /// Takes over what the service manager kept for us; nothing where there is none.
    FdStore(io::EventLoop& loop, io::Log& log);
    [[nodiscard]] bool is_there() const noexcept { return static_cast<bool>(socket_); }

    void keep(const std::string& name, int fd) override;
    void drop(const std::string& name) override;
    [[nodiscard]] base::Fd take(const std::string& name) override;
    void store(const std::string& name, int fd) override;
    void discard(const std::string& name) override { drop(name); }
    [[nodiscard]] base::Fd recover(const std::string& name) override { return take(name); }
    /// Waits until the manager has done what it was told.
    void settle() override;
    /// Waits until its socket has taken what is queued; gives up when it takes nothing for a second.
    void flush();
    /// How many notifications wait for room in the manager's socket.
    [[nodiscard]] std::size_t queued() const noexcept { return queue_.size(); }
    /// Lets go of what no restored app asked for.
    void forget_rest();

private:
    struct Notification {
        std::string text;
        base::Fd fd; ///< a copy of its own; invalid where the text has none
    };
    void notify(std::string text, int fd);
    void enqueue(std::string text, int fd);
    void send_queued();
    void complain(int error);

    io::EventLoop& loop_;
    io::Log& log_;
    base::Fd socket_; ///< to the service manager; invalid: there is none
    std::deque<Notification> queue_;
    io::Source writable_; ///< there is room again
    std::map<std::string, base::Fd> kept_;
    bool complained_ = false;
};

} // namespace pm::daemon
