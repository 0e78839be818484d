// SPDX-License-Identifier: Apache-2.0
// One table per enum: the only place where a value and its name on the wire meet.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

namespace pm::model {

template <typename Value, std::size_t Size>
struct NameTable {
    struct Row {
        Value value;
        std::string_view name;
    };
    std::array<Row, Size> rows;

    /// The name of `value`; empty when the table has no such row.
    [[nodiscard]] constexpr std::string_view name(Value value) const noexcept
    {
        for (const Row& row : rows)
            if (row.value == value) return row.name;
        return {};
    }
    [[nodiscard]] constexpr std::optional<Value> value(std::string_view name) const noexcept
    {
        for (const Row& row : rows)
            if (row.name == name) return row.value;
        return std::nullopt;
    }
};

} // namespace pm::model
