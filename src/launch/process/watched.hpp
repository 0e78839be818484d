// SPDX-License-Identifier: Apache-2.0
// An fd together with the source that watches it.
#pragma once

#include "base/fd.hpp"
#include "io/event_loop.hpp"

#include <utility>

namespace pm::launch {

/// The source goes first.
struct Watched {
    base::Fd fd;
    io::Source source;
    Watched() = default;
    Watched(Watched&&) noexcept = default;
    Watched& operator=(Watched&& other) noexcept
    {
        source.reset();
        fd = std::move(other.fd);
        source = std::move(other.source);
        return *this;
    }
    void reset() noexcept
    {
        source.reset();
        fd.reset();
    }
};

} // namespace pm::launch
