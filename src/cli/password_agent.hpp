// SPDX-License-Identifier: Apache-2.0
// The one who asks at this terminal for a password when polkit wants one: pkttyagent(1), for as long as this lives.
#pragma once

#include <sys/types.h>

namespace pm::cli {

class PasswordAgent {
public:
    /// Starts it and waits, not for long, until polkit knows it. Without such a program nothing happens: a desktop may
    /// have an agent of its own, which pkttyagent leaves the asking to.
    PasswordAgent();
    ~PasswordAgent();
    PasswordAgent(const PasswordAgent&) = delete;
    PasswordAgent& operator=(const PasswordAgent&) = delete;

private:
    pid_t pid_ = -1;
};

} // namespace pm::cli
