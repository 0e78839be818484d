// SPDX-License-Identifier: Apache-2.0
#include "policy/environment.hpp"

#include "base/text.hpp"
#include "model/program.hpp"
#include "policy/listen_variables.hpp"

#include <limits>

namespace pm::policy {
namespace {

/// Counts `variable` up by the slot (pm2: increment_var). What is no number stays as it is.
void increment(Environment& env, const std::string& variable, base::Slot slot)
{
    std::string& value = env[variable];
    const auto first = value.empty() ? std::optional<std::int64_t>(0) : base::parse_number<std::int64_t>(value);
    if (!first || *first > std::numeric_limits<std::int64_t>::max() - slot.value) return;
    value = std::to_string(*first + slot.value);
}

bool runs_python(const model::AppSpec& spec)
{
    const std::string_view program = spec.interpreter ? *spec.interpreter : model::interpreter_for(spec.script);
    const auto slash = program.rfind('/');
    return program.substr(slash == std::string_view::npos ? 0 : slash + 1).starts_with("python");
}

} // namespace

Environment environment(const model::AppSpec& spec, const Identity& identity, const Environment& base)
{
    Environment env = spec.env;
    if (!spec.env_from_caller) env.insert(base.begin(), base.end());
    // Buffered output would reach the logs in blocks of 4 KiB, long after it was written.
    if (runs_python(spec)) env.try_emplace("PYTHONUNBUFFERED", "1");

    if (!spec.cwd.empty()) env.try_emplace("PWD", spec.cwd); // as a shell that enters it sets it
    for (auto& [name, value] : listen_variables(spec)) env[name] = std::move(value);
    const std::string slot = std::to_string(identity.slot.value);
    const std::string id = std::to_string(identity.id.value);
    if (!spec.instance_var.empty()) env[spec.instance_var] = slot;
    if (!spec.increment_var.empty()) increment(env, spec.increment_var, identity.slot);
    env["PM_NAME"] = spec.name;
    env["PM_ID"] = id;
    env["PM_INSTANCE"] = slot;
    env["PM_NAMESPACE"] = spec.name_space;
    env["PM_GENERATION"] = std::to_string(identity.generation.value);
    env["name"] = spec.name;
    env["pm_id"] = id;
    return env;
}

} // namespace pm::policy
