// SPDX-License-Identifier: Apache-2.0
// Which connections the processes of an app have accepted and not closed: those that are local to where they listen.
// Connections that they made themselves, to a database or each other, are none of them.
#pragma once

#include "channel/app_process.hpp"
#include "channel/bound_place.hpp"

#include <chrono>
#include <optional>
#include <set>
#include <vector>

namespace pm::channel {

class AcceptedConnections {
public:
    /// A process that has more descriptors is busy.
    static constexpr std::size_t kMostDescriptors = 4'096;

    /// Remembers what the process listens on; false: its descriptors are hidden from us.
    [[nodiscard]] bool learn(const AppProcess& process);
    /// Some process listens, as far as was learned.
    [[nodiscard]] bool listens() const noexcept { return !places_.empty(); }
    /// True when the process has one, or it cannot be told. What it has just now is told exactly of one that is stopped.
    /// `idle_after`: one on which the process has answered last, so long ago at least, does not count.
    [[nodiscard]] bool any(const AppProcess& process, std::optional<std::chrono::milliseconds> idle_after);

private:
    enum class Kind { Accepted, Other, Unknown };
    [[nodiscard]] Kind kind_of(int socket) const;
    [[nodiscard]] bool is_ours(const BoundPlace& local) const;

    std::vector<BoundPlace> places_; ///< by their addresses alone
    std::set<ino_t> others_; ///< sockets that never are an accepted connection
};

} // namespace pm::channel
