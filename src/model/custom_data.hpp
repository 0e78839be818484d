// SPDX-License-Identifier: Apache-2.0
// What a program tells of itself over its message channel, in PM2's words: custom metrics (axm:monitor) and actions
// (axm:action) that pmctl can trigger. Plain data, within bounds, and no longer there than the process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <variant>

namespace pm::model {

using MetricValue = std::variant<bool, std::int64_t, double, std::string>;

struct CustomMetric {
    MetricValue value;
    std::string unit; ///< "req/min"; may be empty
    std::string type; ///< what kind of measurement, in the program's own words; may be empty
    bool operator==(const CustomMetric&) const = default;
};

struct CustomAction {
    std::string type;        ///< "custom", "internal" (of a library); may be empty
    std::uint32_t arity = 0; ///< parameters of its function, of which the last one takes the reply
    std::string comment;     ///< for people; may be empty
    bool operator==(const CustomAction&) const = default;
};

/// The bounds of one process's CustomData; what is beyond them is not kept.
struct CustomBounds {
    static constexpr std::size_t kMetrics = 100;
    static constexpr std::size_t kActions = 100;
    static constexpr std::size_t kName = 128; ///< bytes
    static constexpr std::size_t kText = 256; ///< bytes of a value, a comment
    static constexpr std::size_t kWord = 32;  ///< bytes of a unit, a type
};

/// By name; names are printable.
struct CustomData {
    std::map<std::string, CustomMetric> metrics;
    std::map<std::string, CustomAction> actions;
    bool operator==(const CustomData&) const = default;
};

} // namespace pm::model
