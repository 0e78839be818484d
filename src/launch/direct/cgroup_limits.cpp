// SPDX-License-Identifier: Apache-2.0
#include "launch/direct/cgroup_limits.hpp"

#include "base/text.hpp"
#include "policy/unit_properties.hpp"

#include <algorithm>
#include <array>

namespace pm::launch {
namespace {

constexpr std::uint64_t kInfinity = model::ResourceControl::kInfinity;
constexpr std::uint64_t kPeriodUsec = 100'000; ///< the kernel's own, and systemd's

std::string amount(std::uint64_t value) { return value == kInfinity ? "max" : std::to_string(value); }

/// CPU time in a period, from that in a second; the kernel takes no less than a millisecond.
std::string quota(std::uint64_t per_second)
{
    if (per_second == kInfinity) return "max " + std::to_string(kPeriodUsec);
    return std::to_string(std::max<std::uint64_t>(per_second / (1'000'000 / kPeriodUsec), 1000)) + " " +
           std::to_string(kPeriodUsec);
}

std::string weight(std::uint64_t value) { return std::to_string(value == kInfinity ? 100 : value); }
std::string io_weight(std::uint64_t value) { return "default " + weight(value); }

struct Row {
    std::string_view property;
    std::string_view key;
    std::string_view controller;
    std::string_view file;
    std::string (*text)(std::uint64_t);
};

constexpr std::array kRows{
    Row{"MemoryLow", "memory_low", "memory", "memory.low", amount},
    Row{"MemoryHigh", "memory_high", "memory", "memory.high", amount},
    Row{"MemoryMax", "memory_max", "memory", "memory.max", amount},
    Row{"MemorySwapMax", "memory_swap_max", "memory", "memory.swap.max", amount},
    Row{"CPUQuotaPerSecUSec", "cpu", "cpu", "cpu.max", quota},
    Row{"CPUWeight", "cpu_weight", "cpu", "cpu.weight", weight},
    Row{"IOWeight", "io_weight", "io", "io.weight", io_weight},
    Row{"TasksMax", "tasks", "pids", "pids.max", amount},
};

} // namespace

std::optional<CgroupLimit> cgroup_limit(const model::UnitProperty& property)
{
    const auto row = std::find_if(kRows.begin(), kRows.end(), [&](const Row& one) { return one.property == property.name; });
    const auto* value = std::get_if<std::uint64_t>(&property.value);
    if (row == kRows.end() || value == nullptr) return std::nullopt;
    return CgroupLimit{row->key, row->controller, row->file, row->text(*value)};
}

std::string limits_not_enforced(const model::AppSpec& spec, const std::function<bool(std::string_view)>& has_controller)
{
    const bool together = spec.limits.scope == model::LimitScope::App;
    std::vector<std::string> keys;
    for (const model::UnitProperty& property : together ? policy::slice_properties(spec) : policy::instance_properties(spec)) {
        const auto limit = cgroup_limit(property);
        if (limit && (together || !has_controller(limit->controller))) keys.emplace_back(limit->key);
    }
    if (keys.empty()) return {};
    const std::string who = "limits not enforced: " + base::join(keys, ", ") + ": ";
    if (together) return who + "'scope: app' needs the systemd launcher";
    return who + "pmd has no cgroup with the controllers for it here";
}

} // namespace pm::launch
