// SPDX-License-Identifier: Apache-2.0
// Pipes and sockets kept by the service manager: sd_notify(3), FDSTORE=1, and sd_listen_fds_with_names(3) at the next start.
//
// systemd drops a pipe that nobody writes to any more by itself; a socket it keeps, whatever its state (FDPOLL=0). Notifications are sent without waiting: one that finds no
// room is lost, and its pipe ends with pmd, which is told once.
#pragma once

#include "channel/socket_depot.hpp"
#include "io/log.hpp"
#include "logs/pipe_depot.hpp"

#include <map>

namespace pm::daemon {

class FdStore final : public logs::PipeDepot, public channel::SocketDepot {
public:
    /// Takes over what the service manager kept for us; nothing where there is none.
    explicit FdStore(io::Log& log);
    [[nodiscard]] bool is_there() const noexcept { return static_cast<bool>(socket_); }

    void keep(const std::string& name, int fd) override;
    void drop(const std::string& name) override;
    [[nodiscard]] base::Fd take(const std::string& name) override;
    void store(const std::string& name, int fd) override;
    void discard(const std::string& name) override { drop(name); }
    [[nodiscard]] base::Fd recover(const std::string& name) override { return take(name); }
    void settle() override;
    /// Lets go of what no restored app asked for.
    void forget_rest();

private:
    void notify(const std::string& text, int fd);

    io::Log& log_;
    base::Fd socket_; ///< to the service manager; invalid: there is none
    std::map<std::string, base::Fd> kept_;
    bool complained_ = false;
};

} // namespace pm::daemon
