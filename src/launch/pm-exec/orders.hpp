// SPDX-License-Identifier: Apache-2.0
// The decoder of the wire format: bytes in, pointers into them out, or nothing when a single rule is broken.
#pragma once

#include "launch/wire.hpp"

#include <cstddef>
#include <cstdint>

namespace pm::launch::exec {

/// A list of texts, closed by a null pointer as execve(2) wants it.
struct Texts {
    char** items = nullptr;
    std::size_t count = 0;
};

/// A number that may be absent.
struct Number {
    bool given = false;
    std::int64_t value = 0;
};

struct Orders {
    wire::CommandKind kind = wire::CommandKind::Direct;
    std::int64_t flags = 0;
    Texts arguments;
    Texts file_head;
    Texts environment;
    Texts base;
    Texts environment_files;
    char* script = nullptr;
    char* directory = nullptr;
    char* fallback = nullptr;
    Number sockets;
    Number bind_filter;
    Number umask, nice, oom_score, uid, gid;
    const wire::LimitOrder* limits[32] = {};
    std::size_t limit_count = 0;
    const std::uint32_t* groups = nullptr;
    std::size_t group_count = 0;
    bool set_groups = false;
};

/// True when `header` can begin orders: magic, version, and a size within the bound.
[[nodiscard]] bool acceptable(const wire::OrdersHeader& header) noexcept;

/// Decodes `size` bytes at `data` (aligned to 8), which must hold exactly one set of orders. `orders` points into
/// `data` afterwards. False: malformed, or no memory for the lists.
[[nodiscard]] bool decode(char* data, std::size_t size, Orders& orders) noexcept;

} // namespace pm::launch::exec
