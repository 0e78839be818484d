// SPDX-License-Identifier: Apache-2.0
// pmd's end of the talk with one pm-exec (wire.hpp): orders out; a hello, a listener, a report of failure or the end of
// file in.
#pragma once

#include "launch/process/watched.hpp"
#include "model/status.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <sys/types.h>

namespace pm::launch {

/// Both ends of a stream socket pair, above 0, 1 and 2, which a child is about to overwrite.
struct SocketEnds {
    base::Fd ours;
    base::Fd theirs;
};
/// Nothing, with errno, when there is none to be had.
[[nodiscard]] std::optional<SocketEnds> make_socket_pair();
/// Moves an fd above 0, 1 and 2.
void lift(base::Fd& fd);

class Talk {
public:
    /// Sends as much of `orders` as the socket takes before there is anybody to read them. `greeted`: a hello comes first.
    /// `sockets` go with the first byte. 0, or errno when they could not be sent.
    int begin(base::Fd socket, std::string orders, bool greeted = false, std::span<const int> sockets = {});
    [[nodiscard]] base::Result<void> watch(io::EventLoop& loop, std::function<void(std::uint32_t)> on_ready);
    /// Sends more when `events` say that there is room; true when there may be something to read.
    bool ready(std::uint32_t events);

    enum class Heard {
        Nothing, ///< not yet, or pm-exec ended in the middle: its exit tells the rest
        Hello,   ///< pid() is known now; read on
        Filter,  ///< listener() is the one of the filter pm-exec installed; read on
        Running, ///< execve succeeded
        Failed,  ///< failure() is known now
    };
    /// Running and Failed end the talk.
    [[nodiscard]] Heard read();
    [[nodiscard]] pid_t pid() const noexcept { return pid_; }
    [[nodiscard]] base::Fd& listener() noexcept { return listener_; }
    [[nodiscard]] const model::ExitInfo& failure() const noexcept { return failure_; }
    [[nodiscard]] bool open() const noexcept { return static_cast<bool>(socket_.fd); }
    void end() noexcept;

private:
    void send();
    int send_with(std::span<const int> sockets);

    Watched socket_;
    std::string unsent_;
    bool awaits_hello_ = false;
    pid_t pid_ = 0;
    base::Fd listener_;
    model::ExitInfo failure_;
};

} // namespace pm::launch
