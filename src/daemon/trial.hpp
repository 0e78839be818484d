// SPDX-License-Identifier: Apache-2.0
// Runs the pmd that is to be executed in our place with --check-upgrade: it says whether it can go on with what we have.
#pragma once

#include "base/error.hpp"
#include "base/fd.hpp"
#include "daemon/invocation.hpp"
#include "io/event_loop.hpp"

#include <functional>
#include <memory>
#include <string>
#include <sys/types.h>

namespace pm::daemon {

class Trial {
public:
    /// The last line of one that can.
    static constexpr std::string_view kGood = "ready to take over";

    /// `handover`: a memory file of daemon/handover.hpp. `done` is called once, from the loop, within seconds, and may
    /// destroy this. Error: it cannot be run.
    static base::Result<std::unique_ptr<Trial>> start(io::EventLoop& loop, const Invocation& invocation, const base::Fd& handover,
                                                      std::function<void(const base::Result<void>&)> done);
    ~Trial();
    Trial(const Trial&) = delete;
    Trial& operator=(const Trial&) = delete;

private:
    Trial(std::string program, std::function<void(const base::Result<void>&)> done)
        : program_(std::move(program)), done_(std::move(done))
    {
    }
    base::Result<void> spawn(const Invocation& invocation, int handover, int output);
    base::Result<void> watch(io::EventLoop& loop);
    void read();
    void end(bool in_time);

    std::string program_;
    std::function<void(const base::Result<void>&)> done_;
    pid_t pid_ = 0;
    base::Fd pidfd_;
    base::Fd output_;
    std::string said_;
    io::Source readable_;
    io::Source give_up_;
};

} // namespace pm::daemon
