// SPDX-License-Identifier: Apache-2.0
// Which bus to look for pmd on: what --bus and PMD_BUS say, and where the embedded bus is.
#pragma once

#include "cli/context.hpp"

#include <string>
#include <vector>

namespace pm::cli {

inline constexpr const char* kSystemRuntimeDir = "/run/pmd"; ///< RuntimeDirectory= of pmd.service

struct BusChoice {
    enum class Kind { System, Session, Embedded, Address } kind = Kind::Embedded;
    std::string address;     ///< D-Bus address; empty for the system and the session bus
    std::string runtime_dir; ///< Embedded only
    std::string state_dir;   ///< Embedded only
    bool elsewhere = false;  ///< Embedded only: where a pmd may be that was started in other surroundings; none is started there
};

/// For messages: "system bus", "bus embedded at /run/user/1000/pmd".
[[nodiscard]] std::string to_string(const BusChoice& choice);

/// What to try, in order; only the last is started when there is no pmd. "auto" (the default) for root: the system bus and
/// the session bus where there is a sign of one, then the embedded bus. For others: the embedded bus, the session bus, the
/// embedded bus; the system's pmd is used when it is asked for. An embedded bus has other places where it may be (config::Locations). Fails with status 2 for a word that is neither a kind of bus
/// nor an address, and for directories in the environment that are no absolute paths.
[[nodiscard]] Outcome<std::vector<BusChoice>> bus_choices(const Context& context);

/// Fails unless `directory` is ours alone: a directory, owned by this user, closed to all others. Somebody else's bus
/// at a guessable place in /tmp must not be talked to. `of_system` is where the system's pmd has its things, for
/// anybody to see, and nothing to remove.
[[nodiscard]] Outcome<void> check_private(const std::string& directory,
                                          const std::string& of_system = kSystemRuntimeDir);

/// The socket of the embedded bus.
[[nodiscard]] std::string socket_of(const BusChoice& embedded);

} // namespace pm::cli
