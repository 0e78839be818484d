// SPDX-License-Identifier: Apache-2.0
// What replaces the processes of an app though nothing is wrong with them yet: memory, the clock, changed files.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pm::model {

struct WatchSpec {
    bool on = false;
    std::vector<std::string> paths;     ///< files, directories and globs (base/glob), seen from cwd; empty: cwd
    std::vector<std::string> ignore;    ///< the same, not watched, with all that is in them
    std::chrono::milliseconds delay{200};            ///< nothing more must have changed for so long
    bool follow_symlinks = true;
    std::optional<std::uint32_t> depth; ///< so many directories below each of the paths; nothing: all
    std::chrono::milliseconds poll{0};               ///< files are looked at so often, for file systems that tell nothing; 0: never
    bool operator==(const WatchSpec&) const = default;
};

struct UpkeepSpec {
    std::optional<std::uint64_t> max_memory; ///< bytes that an instance may hold; beyond, it is replaced
    std::string cron;                        ///< when all instances are replaced (model/cron), as written; empty: never
    WatchSpec watch;
    bool operator==(const UpkeepSpec&) const = default;
};

} // namespace pm::model
