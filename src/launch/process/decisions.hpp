// SPDX-License-Identifier: Apache-2.0
// What is done only when the reason for it is written down: a pmd that is killed in between has done nothing that the next one does
// not know of. The engine decides in one turn of the loop; what comes of it is carried out in one of the next, when no more ends
// of processes are waiting.
#pragma once

#include "io/event_loop.hpp"

#include <functional>
#include <string>
#include <vector>

namespace pm::launch {

class Decisions {
public:
    /// `write_down` writes what was decided so far; empty: nobody reads it. `warn` gets sentences for the log.
    Decisions(io::EventLoop& loop, std::function<void()> write_down, std::function<void(const std::string&)> warn);

    /// Calls `act` from the loop, in the order of the calls.
    void once_written(std::function<void()> act);
    /// Now, as the loop may not turn again.
    void carry_out();
    [[nodiscard]] bool empty() const noexcept { return acts_.empty(); }

private:
    std::function<void()> write_down_;
    std::function<void(const std::string&)> warn_;
    std::vector<std::function<void()>> acts_;
    io::Source turn_;
};

} // namespace pm::launch
