// SPDX-License-Identifier: Apache-2.0
// One message in a notify socket, looked at and left there.
#pragma once

#include "channel/notify_message.hpp"

#include <array>
#include <string_view>
#include <sys/socket.h>

namespace pm::channel {

struct NotifyDatagram {
    std::array<char, kMostNotifyBytes> bytes;
    std::size_t size = 0;     ///< of `bytes`
    ucred sender{};           ///< as the kernel knows it; pid 0: in another pid namespace
    bool is_message = false;  ///< the kernel names a sender
    bool whole = false;       ///< else it has more bytes
    bool descriptors = false; ///< some came with it; they are not received

    [[nodiscard]] std::string_view text() const noexcept { return {bytes.data(), size}; }
    /// The next message of `socket`, which stays the next one. False: there is none.
    bool peek(int socket);
};

} // namespace pm::channel
