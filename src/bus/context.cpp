// SPDX-License-Identifier: Apache-2.0
#include "bus/context.hpp"

#include <algorithm>
#include <cstdlib>
#include <fmt/format.h>
#include <memory>
#include <systemd/sd-bus.h>

namespace pm::bus {

std::string app_path(const std::string& name)
{
    char* encoded = nullptr;
    if (sd_bus_path_encode("/org/pmd1/app", name.c_str(), &encoded) < 0) throw std::bad_alloc();
    const std::unique_ptr<char, decltype(&std::free)> owned(encoded, &std::free);
    return encoded;
}

base::Error summarise(const engine::Outcome& outcome)
{
    constexpr std::size_t kMostLines = 10;
    base::Error error{outcome.failures.front().error.code, {}};
    const std::size_t shown = std::min(outcome.failures.size(), kMostLines);
    for (std::size_t i = 0; i < shown; ++i) {
        const auto& failure = outcome.failures[i];
        if (i > 0) error.message += '\n';
        if (!failure.app.empty()) error.message += fmt::format("{} (id {}): ", failure.app, failure.id.value);
        error.message += failure.error.message;
    }
    if (outcome.failures.size() > shown)
        error.message += fmt::format("\nand {} more", outcome.failures.size() - shown);
    return error;
}

std::vector<logs::LogSource> log_sources(const Context& context, const std::string& app)
{
    std::vector<logs::LogSource> sources;
    const auto spec = context.supervisor.spec(app);
    const auto snapshot = context.supervisor.snapshot(app);
    if (!spec || !snapshot) return sources;
    // What instances that had no process yet will write to; how many CPUs there are does not matter until they start.
    const bool several = snapshot->instances.size() > 1 || model::resolve(spec->instances, 1) > 1;
    const auto user = spec->user.empty() ? nullptr : model::not_known_yet(spec->user);
    for (const model::InstanceSnapshot& instance : snapshot->instances) {
        auto paths = context.logs.paths_of(instance.id);
        if (!paths && context.logs.goes_to_journal(*spec)) paths = logs::LogPaths{};
        if (!paths) paths = logs::log_paths(*spec, instance.slot, several, context.log_dir, user);
        sources.push_back({app, instance.id, instance.slot, *std::move(paths), spec->logs});
    }
    return sources;
}

} // namespace pm::bus
