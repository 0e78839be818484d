// SPDX-License-Identifier: Apache-2.0
// Where held sockets are kept so that they outlive pmd, with the connections that wait in them.
#pragma once

#include "base/fd.hpp"

#include <string>

namespace pm::channel {

class SocketDepot {
public:
    virtual ~SocketDepot() = default;
    /// Keeps a copy of `fd` under `name`.
    virtual void store(const std::string& name, int fd) = 0;
    /// Closes the copy, soon.
    virtual void discard(const std::string& name) = 0;
    /// What an earlier pmd kept under `name`; invalid when there is none.
    [[nodiscard]] virtual base::Fd recover(const std::string& name) = 0;
    /// Waits, a second at most, until what was discarded is closed: the address of a copy is not free.
    virtual void settle() = 0;
};

} // namespace pm::channel
