// SPDX-License-Identifier: Apache-2.0
// The text of an address to listen on: "8000", "127.0.0.1:8000", "[::]:8000", "udp://*:53", "unix:/run/x.sock",
// "unix:@name".
//
// Pure: an IP address is a number, a name is refused with a hint. Nobody is asked what a name means, as the answer
// would change behind the app file's back.
#pragma once

#include "model/listen_address.hpp"

#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace pm::config {

struct ListenText {
    model::ListenAddress address; ///< kind, type, host and port; a unix path as written, "~" and all
    bool with_type = false;       ///< "tcp://" and "udp://" say the type
};

/// The error is what is wrong and what was expected.
[[nodiscard]] tl::expected<ListenText, std::string> listen_from(std::string_view text);

/// Bytes of a path or name that sockaddr_un holds, unix(7).
inline constexpr std::size_t kMaxSocketPath = 107;

} // namespace pm::config
