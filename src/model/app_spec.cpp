// SPDX-License-Identifier: Apache-2.0
#include "model/app_spec.hpp"

#include "model/name_table.hpp"

#include <algorithm>

namespace pm::model {
namespace {

constexpr NameTable<DependencyCondition, 3> kConditions{{{{DependencyCondition::Ready, "ready"},
                                                           {DependencyCondition::Started, "started"},
                                                           {DependencyCondition::Completed, "completed"}}}};
constexpr NameTable<KillMode, 2> kKillModes{{{{KillMode::Group, "group"}, {KillMode::Main, "main"}}}};
constexpr NameTable<LimitScope, 2> kLimitScopes{{{{LimitScope::Instance, "instance"}, {LimitScope::App, "app"}}}};
constexpr NameTable<LogType, 2> kLogTypes{{{{LogType::Raw, "raw"}, {LogType::Json, "json"}}}};
constexpr NameTable<LogTarget, 3> kLogTargets{
    {{{LogTarget::Default, "default"}, {LogTarget::Journal, "journal"}, {LogTarget::Files, "files"}}}};
constexpr NameTable<int, 16> kResources{{{
    {RLIMIT_AS, "as"},
    {RLIMIT_CORE, "core"},
    {RLIMIT_CPU, "cpu"},
    {RLIMIT_DATA, "data"},
    {RLIMIT_FSIZE, "fsize"},
    {RLIMIT_LOCKS, "locks"},
    {RLIMIT_MEMLOCK, "memlock"},
    {RLIMIT_MSGQUEUE, "msgqueue"},
    {RLIMIT_NICE, "nice"},
    {RLIMIT_NOFILE, "nofile"},
    {RLIMIT_NPROC, "nproc"},
    {RLIMIT_RSS, "rss"},
    {RLIMIT_RTPRIO, "rtprio"},
    {RLIMIT_RTTIME, "rttime"},
    {RLIMIT_SIGPENDING, "sigpending"},
    {RLIMIT_STACK, "stack"},
}}};

} // namespace

std::uint32_t resolve(InstanceCount count, std::uint32_t cpus) noexcept
{
    const std::int64_t wanted = count.kind == InstanceCount::Kind::PerCpu
                                    ? static_cast<std::int64_t>(cpus) + count.number
                                    : count.number;
    return static_cast<std::uint32_t>(std::max<std::int64_t>(wanted, 1));
}

std::string_view to_string(DependencyCondition condition) noexcept { return kConditions.name(condition); }
std::optional<DependencyCondition> dependency_condition_from(std::string_view name) noexcept { return kConditions.value(name); }
std::string_view to_string(KillMode mode) noexcept { return kKillModes.name(mode); }
std::optional<KillMode> kill_mode_from(std::string_view name) noexcept { return kKillModes.value(name); }
std::string_view to_string(LimitScope scope) noexcept { return kLimitScopes.name(scope); }
std::optional<LimitScope> limit_scope_from(std::string_view name) noexcept { return kLimitScopes.value(name); }
std::string_view to_string(LogType type) noexcept { return kLogTypes.name(type); }
std::optional<LogType> log_type_from(std::string_view name) noexcept { return kLogTypes.value(name); }
std::string_view to_string(LogTarget target) noexcept { return kLogTargets.name(target); }
std::optional<LogTarget> log_target_from(std::string_view name) noexcept { return kLogTargets.value(name); }

std::vector<std::string_view> file_keys(const LogSpec& logs)
{
    std::vector<std::string_view> keys;
    const auto note = [&](bool set, std::string_view key) {
        if (set) keys.push_back(key);
    };
    note(!logs.out_file.empty(), "out_file");
    note(!logs.error_file.empty(), "error_file");
    note(!logs.log_file.empty(), "log_file");
    note(logs.merge_logs, "merge_logs");
    note(logs.type != LogType::Raw, "log_type");
    note(!logs.date_format.empty(), "log_date_format");
    note(logs.rotate.is_on(), "rotate");
    return keys;
}

std::string_view resource_name(int resource) noexcept { return kResources.name(resource); }
std::optional<int> resource_from(std::string_view name) noexcept { return kResources.value(name); }

std::vector<std::string_view> resource_names()
{
    std::vector<std::string_view> names;
    for (const auto& row : kResources.rows) names.push_back(row.name);
    return names;
}

} // namespace pm::model
