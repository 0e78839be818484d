// SPDX-License-Identifier: Apache-2.0
#include "cli/interrupt.hpp"

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

} // namespace pm::cli
