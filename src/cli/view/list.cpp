// SPDX-License-Identifier: Apache-2.0
#include "cli/view/list.hpp"

#include "base/text.hpp"
#include "cli/view/table.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace pm::cli {
namespace {

using Less = bool (*)(const Row&, const Row&);
struct Order {
    std::string_view name;
    Less less;
};

constexpr std::array kOrders{
    Order{"name", [](const Row& a, const Row& b) { return a.app < b.app; }},
    Order{"namespace", [](const Row& a, const Row& b) { return a.name_space < b.name_space; }},
    Order{"id", [](const Row& a, const Row& b) { return a.id < b.id; }},
    Order{"pid", [](const Row& a, const Row& b) { return a.pid < b.pid; }},
    Order{"uptime", [](const Row& a, const Row& b) { return a.uptime_usec < b.uptime_usec; }},
    Order{"restarts", [](const Row& a, const Row& b) { return a.restarts < b.restarts; }},
    Order{"status", [](const Row& a, const Row& b) { return a.status < b.status; }},
    Order{"cpu", [](const Row& a, const Row& b) { return a.cpu_percent < b.cpu_percent; }},
    Order{"memory", [](const Row& a, const Row& b) { return a.memory_bytes < b.memory_bytes; }},
    Order{"user", [](const Row& a, const Row& b) { return a.user < b.user; }},
};

std::vector<Cell> cells(const Row& row, bool unicode)
{
    const bool runs = row.pid != 0;
    const std::string_view nothing = "-";
    const auto when = [&](bool known, std::string text) { return Cell{known ? std::move(text) : std::string(nothing)}; };
    return {{std::to_string(row.id)},
            {base::printable(row.app), Colour::Bold},
            {base::printable(row.name_space)},
            when(runs, std::to_string(row.pid)),
            when(runs, base::format_duration(std::chrono::microseconds(row.uptime_usec))),
            {std::to_string(row.restarts)},
            {(unicode ? "\xe2\x97\x8f " : "") + row.status, colour_of_status(row.status)},
            when(runs, fmt::format("{:.1f}%", row.cpu_percent)),
            when(runs, base::format_bytes(row.memory_bytes)),
            {base::printable(row.user)},
            {base::printable(row.reason), Colour::Dim}};
}

} // namespace

Outcome<void> sort_rows(std::vector<Row>& rows, std::string_view order)
{
    const auto colon = order.find(':');
    const std::string_view direction = colon == std::string_view::npos ? "asc" : order.substr(colon + 1);
    const std::string_view field = order.substr(0, colon);
    const auto found = std::ranges::find(kOrders, field, &Order::name);
    if (found == kOrders.end() || (direction != "asc" && direction != "desc")) {
        std::vector<std::string> names;
        for (const Order& known : kOrders) names.emplace_back(known.name);
        return failed(kUsage, fmt::format("cannot sort by '{}': expected one of {}, then ':desc' or nothing", order,
                                          base::join(names, ", ")));
    }
    const auto by = [&](const Row& a, const Row& b) {
        return direction == "asc" ? found->less(a, b) : found->less(b, a);
    };
    std::ranges::stable_sort(rows, by);
    return {};
}

std::string list_table(const std::vector<Row>& rows, const Terminal& terminal)
{
    static const std::vector<Column> kColumns{
        {"id", true},           {"name", false, 0, 12}, {"namespace", false, 2, 7}, {"pid", true, 5},
        {"uptime", true, 7},    {"restarts", true, 8},  {"status"},                 {"cpu", true, 4},
        {"mem", true, 6},       {"user", false, 1, 6},  {"reason", false, 3, 16},
    };
    std::vector<std::vector<Cell>> lines;
    lines.reserve(rows.size());
    for (const Row& row : rows) lines.push_back(cells(row, terminal.unicode && terminal.is_terminal));
    return render(kColumns, lines, terminal);
}

std::string list_json(const std::vector<Row>& rows)
{
    auto list = nlohmann::ordered_json::array();
    for (const Row& row : rows) {
        nlohmann::ordered_json item;
        item["id"] = row.id;
        item["name"] = row.app;
        item["namespace"] = row.name_space;
        item["slot"] = row.slot;
        item["pid"] = row.pid != 0 ? nlohmann::ordered_json(row.pid) : nlohmann::ordered_json();
        item["status"] = row.status;
        item["reason"] = row.reason;
        item["uptime_usec"] = row.pid != 0 ? nlohmann::ordered_json(row.uptime_usec) : nlohmann::ordered_json();
        item["restarts"] = row.restarts;
        item["unstable_restarts"] = row.unstable_restarts;
        item["cpu_percent"] = row.cpu_percent;
        item["memory_bytes"] = row.memory_bytes;
        item["user"] = row.user;
        list.push_back(std::move(item));
    }
    return list.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

} // namespace pm::cli
