// SPDX-License-Identifier: Apache-2.0
// The one word pm-exec may say: which step failed, with which errno, on what.
#pragma once

#include "launch/wire.hpp"
#include "model/status.hpp"

namespace pm::launch::exec {

using model::LaunchStage;

/// Where reports go; until it is set they go to fd 0, where the orders come from.
void set_report_fd(int fd) noexcept;

struct Failure {
    LaunchStage stage;
    int error = 0; ///< errno
    const char* first = nullptr;
    const char* second = nullptr;
    wire::Form form = wire::Form::Plain;
    int number = 0;
};

/// Sends pmd a descriptor with kFilterMagic; 0 or -errno.
[[nodiscard]] long send_listener(int listener) noexcept;

/// Reports and exits with status 127.
[[noreturn]] void give_up(const Failure& failure) noexcept;

} // namespace pm::launch::exec
