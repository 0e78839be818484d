// SPDX-License-Identifier: Apache-2.0
#include "launch/systemd/invitation.hpp"

#include "io/fd_passing.hpp"
#include "launch/wire.hpp"

#include <cerrno>
#include <span>

namespace pm::launch {

int invite(const base::Fd& socket, const base::Fd& talk, const base::Fd& out, const base::Fd& err)
{
    char which = 0;
    int fds[3] = {talk.get(), -1, -1};
    std::size_t count = 1;
    if (out) fds[count++] = out.get(), which |= wire::kUnitOut;
    if (err) fds[count++] = err.get(), which |= wire::kUnitErr;
    return io::send_with_fds(socket.get(), {&which, 1}, std::span(fds, count)) < 0 ? errno : 0;
}

} // namespace pm::launch
