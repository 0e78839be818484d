// SPDX-License-Identifier: Apache-2.0
// What pmd has pm-tidy do with the files that were put aside of one log file: JSON, one line.
#pragma once

#include "base/error.hpp"
#include "model/app_spec.hpp"
#include "model/identity.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace pm::tidy {

struct Orders {
    std::optional<model::Identity> user; ///< whose rights the process takes on; nothing: it keeps those of pmd
    std::string path;                    ///< of the log file, absolute
    std::uint32_t keep = 0;
    bool compress = false;
    std::uint64_t budget = 0; ///< 0: no bound
    bool operator==(const Orders&) const = default;
};

/// With its end.
[[nodiscard]] std::string to_line(const Orders& orders);
[[nodiscard]] base::Result<Orders> orders_from(std::string_view line);

/// "<path>.20261201T080412.123456Z": sorted by name they are sorted by time. `when`: since 1970.
[[nodiscard]] std::string name_aside(const std::string& path, std::chrono::microseconds when);
/// Is `name` one of those of the log file `base`, both without their directory, compressed or not?
[[nodiscard]] bool is_aside(std::string_view base, std::string_view name);

} // namespace pm::tidy
