// SPDX-License-Identifier: Apache-2.0
#include "cli/interrupt.hpp"

#include <poll.h>
#include <sys/signalfd.h>

namespace pm::cli {

Interrupt::Interrupt()
{
    sigset_t wanted;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGINT);
    sigprocmask(SIG_BLOCK, &wanted, &before_);
    fd_ = base::Fd(signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK));
}

Interrupt::~Interrupt()
{
    // Take what was pressed, so that restoring the mask does not kill us after the work is done.
    signalfd_siginfo info{};
    while (fd_ && read(fd_.get(), &info, sizeof info) > 0) {
    }
    sigprocmask(SIG_SETMASK, &before_, nullptr);
}

bool Interrupt::pressed() const noexcept
{
    pollfd pending{fd_.get(), POLLIN, 0};
    return poll(&pending, 1, 0) == 1;
}

} // namespace pm::cli
