// SPDX-License-Identifier: Apache-2.0
#include "policy/own_rights.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace pm::policy {
namespace {

class Collector {
public:
    explicit Collector(const model::AppSpec& spec) : spec_(spec) {}

    template <typename Value>
    void add_if(bool exceeds, std::string_view key, const Value& value)
    {
        if (exceeds)
            found_.push_back({spec_.name, std::string(key), base::printable(fmt::format("{}: {}", key, value))});
    }
    std::vector<Excess> take() && { return std::move(found_); }

private:
    const model::AppSpec& spec_;
    std::vector<Excess> found_;
};

constexpr std::uint32_t kUsualWeight = 100; // systemd.resource-control(5)

/// systemd.exec(5): settings that take away from a process and give nothing, whatever their value. One that lays out the
/// file system (BindPaths=, RootDirectory= ...) could lead a program with setuid astray.
constexpr std::string_view kShutOut[] = {
    "LockPersonality",     "MemoryDenyWriteExecute", "NoNewPrivileges",      "PrivateDevices",          "PrivateNetwork",
    "PrivateTmp",          "ProtectClock",           "ProtectControlGroups", "ProtectHostname",         "ProtectKernelLogs",
    "ProtectKernelModules", "ProtectKernelTunables", "ProtectSystem",        "RestrictAddressFamilies", "RestrictNamespaces",
    "RestrictRealtime",    "RestrictSUIDSGID",       "SystemCallArchitectures", "SystemCallErrorNumber", "SystemCallFilter"};

bool shuts_out(std::string_view setting)
{
    return std::ranges::find(kShutOut, setting) != std::end(kShutOut);
}

bool is_pmd_output(const std::string& path) { return path == "/dev/stdout" || path == "/dev/stderr"; }

} // namespace

void make_own(model::AppSpec& spec, const Loader& loader)
{
    // A number is taken for a name first where accounts are looked up: the name is what cannot be misunderstood.
    if (spec.user.empty() || spec.user == std::to_string(loader.uid)) spec.user = loader.name;
    spec.logs.folder = std::to_string(loader.uid);
}

std::vector<Excess> excesses_of(const model::AppSpec& spec, const Loader& loader)
{
    Collector found(spec);
    found.add_if(spec.user != loader.name, "user", spec.user);
    found.add_if(!spec.group.empty(), "group", spec.group);
    found.add_if(spec.nice && *spec.nice < 0, "nice", spec.nice.value_or(0));
    found.add_if(spec.oom_score_adj && *spec.oom_score_adj < 0, "oom_score_adj", spec.oom_score_adj.value_or(0));
    for (const model::ResourceLimit& limit : spec.rlimits)
        found.add_if(limit.hard > loader.hard_limit(limit.resource), "rlimits", model::resource_name(limit.resource));
    const model::ResourceControl& limits = spec.limits;
    const auto share = [&](std::string_view key, const std::optional<std::uint32_t>& weight) {
        found.add_if(weight.value_or(kUsualWeight) > kUsualWeight, key, weight.value_or(0));
    };
    found.add_if(limits.memory_low.value_or(0) > 0, "limits.memory_low", limits.memory_low.value_or(0));
    share("limits.cpu_weight", limits.cpu_weight);
    share("limits.io_weight", limits.io_weight);
    const std::uint64_t tasks = limits.tasks.value_or(0);
    const bool unlimited = tasks == model::ResourceControl::kInfinity;
    found.add_if(tasks > loader.most_tasks, "limits.tasks", unlimited ? "infinity" : std::to_string(tasks));
    for (const model::SandboxSetting& setting : spec.sandbox)
        found.add_if(!shuts_out(setting.name), "sandbox." + setting.name, base::join(setting.lines, " "));
    const model::LogSpec& logs = spec.logs;
    found.add_if(is_pmd_output(logs.out_file), "out_file", logs.out_file);
    found.add_if(is_pmd_output(logs.error_file), "error_file", logs.error_file);
    found.add_if(is_pmd_output(logs.log_file), "log_file", logs.log_file);
    return std::move(found).take();
}

} // namespace pm::policy
