// SPDX-License-Identifier: Apache-2.0
#include "policy/unit_properties.hpp"

#include "policy/serving.hpp"

#include <algorithm>
#include <array>
#include <chrono>

namespace pm::policy {
namespace {

using model::AppSpec;
using model::LimitScope;
using model::ResourceControl;

constexpr std::uint64_t kInfinity = ResourceControl::kInfinity;
constexpr std::uint64_t kUsecPerPercent = 10'000; ///< of a second of CPU time

/// One limit as a property. All are of type t.
struct Limit {
    const char* property;
    std::optional<std::uint64_t> (*value)(const ResourceControl&);
    std::optional<std::uint64_t> none; ///< what takes the limit away; unset: nothing does
};

template <auto Member>
std::optional<std::uint64_t> plain(const ResourceControl& limits)
{
    const auto& value = limits.*Member;
    return value ? std::optional<std::uint64_t>(*value) : std::nullopt;
}

std::optional<std::uint64_t> quota(const ResourceControl& limits)
{
    return limits.cpu ? std::optional(*limits.cpu * kUsecPerPercent) : std::nullopt;
}

constexpr std::array kLimits{
    Limit{"MemoryLow", plain<&ResourceControl::memory_low>, 0},
    Limit{"MemoryHigh", plain<&ResourceControl::memory_high>, kInfinity},
    Limit{"MemoryMax", plain<&ResourceControl::memory_max>, kInfinity},
    Limit{"MemorySwapMax", plain<&ResourceControl::memory_swap_max>, kInfinity},
    Limit{"CPUQuotaPerSecUSec", quota, kInfinity},
    Limit{"CPUWeight", plain<&ResourceControl::cpu_weight>, kInfinity},
    Limit{"IOWeight", plain<&ResourceControl::io_weight>, kInfinity},
    Limit{"TasksMax", plain<&ResourceControl::tasks>, std::nullopt},
};

/// The limits of `spec` if they are of that scope, else none.
ResourceControl of_scope(const AppSpec& spec, LimitScope scope)
{
    return spec.limits.scope == scope ? spec.limits : ResourceControl{.scope = scope};
}

Properties properties_of(const ResourceControl& limits)
{
    Properties properties;
    for (const Limit& limit : kLimits)
        if (const auto value = limit.value(limits)) properties.push_back({limit.property, *value});
    return properties;
}

std::optional<Properties> change_of(const ResourceControl& before, const ResourceControl& after)
{
    Properties properties;
    for (const Limit& limit : kLimits) {
        const auto value = limit.value(after);
        if (value == limit.value(before)) continue;
        if (!value && !limit.none) return std::nullopt;
        properties.push_back({limit.property, value ? *value : *limit.none});
    }
    return properties;
}

/// "LimitNOFILE" for RLIMIT_NOFILE.
std::string limit_property(int resource)
{
    std::string name = "Limit";
    for (const char c : model::resource_name(resource)) name += static_cast<char>(c - 'a' + 'A'); // they are all letters
    return name;
}

void add_rlimits(Properties& properties, const AppSpec& spec)
{
    for (const model::ResourceLimit& limit : spec.rlimits) {
        const std::string name = limit_property(limit.resource);
        // The hard one first: systemd takes it for both until the soft one comes.
        properties.push_back({name, std::uint64_t{limit.hard}});
        properties.push_back({name + "Soft", std::uint64_t{limit.soft}});
    }
}

void add_rights(Properties& properties, const AppSpec& spec)
{
    properties.push_back({"UMask", spec.umask.value_or(0022)});
    if (spec.nice) properties.push_back({"Nice", std::int32_t{*spec.nice}});
    if (spec.oom_score_adj) properties.push_back({"OOMScoreAdjust", std::int32_t{*spec.oom_score_adj}});
}

/// Should systemd stop the unit by itself, as it does when the machine shuts down, it stops it as pmd would.
void add_stop(Properties& properties, const AppSpec& spec)
{
    const bool group = spec.kill_mode == model::KillMode::Group;
    properties.push_back({"KillMode", std::string(group ? "control-group" : "process")});
    properties.push_back({"KillSignal", std::int32_t{spec.kill_signal}});
    const auto timeout = std::chrono::duration_cast<std::chrono::microseconds>(spec.kill_timeout).count();
    properties.push_back({"TimeoutStopUSec", static_cast<std::uint64_t>(timeout)});
}

/// pm-exec tells pmd of bind(2) by a filter of its own, seccomp(2), which a SystemCallFilter= of the app must let it install.
bool installs_filter(const AppSpec& spec)
{
    const model::ClusterMode mode = cluster_of(spec);
    return spec.listen.empty() && (mode == model::ClusterMode::Transparent || mode == model::ClusterMode::ReusePortBpf);
}

bool filters_system_calls(const AppSpec& spec)
{
    return std::ranges::any_of(spec.sandbox, [](const model::SandboxSetting& setting) { return setting.name == "SystemCallFilter"; });
}

} // namespace

Properties instance_properties(const AppSpec& spec)
{
    Properties properties = properties_of(of_scope(spec, LimitScope::Instance));
    add_rlimits(properties, spec);
    add_rights(properties, spec);
    add_stop(properties, spec);
    for (const model::SandboxSetting& setting : spec.sandbox)
        properties.insert(properties.end(), setting.properties.begin(), setting.properties.end());
    if (installs_filter(spec) && filters_system_calls(spec))
        properties.push_back({"SystemCallFilter", model::NameFilter{true, {"seccomp"}}});
    return properties;
}

Properties slice_properties(const AppSpec& spec) { return properties_of(of_scope(spec, LimitScope::App)); }

std::optional<LimitChange> live_changes(const AppSpec& before, const AppSpec& after)
{
    AppSpec limited = before;
    limited.instances = after.instances;
    limited.limits = after.limits;
    limited.depends_on = after.depends_on; // looked at when it is started
    limited.upkeep = after.upkeep;         // looked at by upkeep/ while it runs
    // Looked at by logs/ for each line, where lines go to files before and after.
    if (before.logs.rotate.is_on() == after.logs.rotate.is_on()) limited.logs.rotate = after.logs.rotate;
    if (limited != after) return std::nullopt;
    const auto change = [&](LimitScope scope) { return change_of(of_scope(before, scope), of_scope(after, scope)); };
    auto instance = change(LimitScope::Instance);
    auto slice = change(LimitScope::App);
    if (!instance || !slice) return std::nullopt;
    return LimitChange{*std::move(instance), *std::move(slice)};
}

} // namespace pm::policy
