// SPDX-License-Identifier: Apache-2.0
// The private dbus-daemon of a pmd that has no other bus: a child of pmd that ends with it.
//
// pmd owns it, so there is no second thing to find or clean up: the socket lives in pmd's 0700 runtime directory, one
// per user, guarded by pmd's lock; if the dbus-daemon dies, pmd starts another and the apps notice nothing.
#pragma once

#include "base/error.hpp"
#include "base/fd.hpp"
#include "io/event_loop.hpp"

#include <functional>
#include <string>
#include <sys/types.h>

namespace pm::io {

class EmbeddedBus {
public:
    /// Starts dbus-daemon on <directory>/bus, which `address` names, and waits (bounded, start-up only) until it listens. `on_end` is called
    /// from the loop when it ends by itself.
    static base::Result<EmbeddedBus> start(EventLoop& loop, const std::string& directory, const std::string& address,
                                           std::function<void()> on_end);
    /// Goes on with one that this process started before it executed another program: `pidfd` is of our child `pid`.
    static base::Result<EmbeddedBus> adopt(EventLoop& loop, const std::string& directory, pid_t pid, base::Fd pidfd,
                                           std::function<void()> on_end);
    EmbeddedBus(EmbeddedBus&& other) noexcept;
    EmbeddedBus& operator=(EmbeddedBus&& other) noexcept;
    /// Ends the dbus-daemon and removes its files.
    ~EmbeddedBus();

    /// False when its socket is not at its place any more: nobody can connect.
    [[nodiscard]] bool is_reachable() const;
    [[nodiscard]] pid_t pid() const noexcept { return pid_; }
    /// This object's.
    [[nodiscard]] int pidfd() const noexcept { return pidfd_.get(); }

private:
    EmbeddedBus() = default;
    base::Result<void> watch(EventLoop& loop, std::function<void()> on_end);
    void end() noexcept;

    std::string directory_;
    pid_t pid_ = 0;
    ino_t socket_ = 0; ///< of its file
    base::Fd pidfd_;
    Source watch_;
};

} // namespace pm::io
