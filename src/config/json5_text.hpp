// SPDX-License-Identifier: Apache-2.0
// JSON as people write it (JSON5: comments, trailing commas, keys without quotes, single quotes) as the JSON that YAML has in it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pm::config {

/// A text made from another one, and from where in that each part of it comes.
struct Rewritten {
    struct Step {
        std::size_t offset; ///< in `text`
        std::size_t origin; ///< the same place in the original; what follows goes on from there byte by byte
    };
    std::string text;
    std::vector<Step> steps; ///< in order; empty: nothing has moved

    /// Where in the original the byte at `offset` of `text` comes from.
    [[nodiscard]] std::size_t origin(std::size_t offset) const noexcept;
};

/// Nothing when `text` is not JSON5 whose value is a map or a list. Lines stay lines.
[[nodiscard]] std::optional<Rewritten> json5_as_json(std::string_view text);

} // namespace pm::config
