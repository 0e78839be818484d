// SPDX-License-Identifier: Apache-2.0
// What replaces the processes of an app though nothing is wrong with them yet: memory, the clock.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace pm::model {

struct UpkeepSpec {
    std::optional<std::uint64_t> max_memory; ///< bytes that an instance may hold; beyond, it is replaced
    std::string cron;                        ///< when all instances are replaced (model/cron), as written; empty: never
    bool operator==(const UpkeepSpec&) const = default;
};

} // namespace pm::model
