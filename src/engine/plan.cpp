// SPDX-License-Identifier: Apache-2.0
#include "engine/plan.hpp"

#include "base/text.hpp"
#include "engine/dependencies.hpp"
#include "model/name_table.hpp"
#include "policy/changes.hpp"
#include "policy/unit_properties.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <unordered_set>

namespace pm::engine {
namespace {

using base::ErrorCode;
using base::fail;
using Names = std::unordered_set<std::string_view>;

constexpr model::NameTable<PlanAction, 7> kPlanActions{{{
    {PlanAction::Add, "add"},
    {PlanAction::Change, "change"},
    {PlanAction::Adjust, "adjust"},
    {PlanAction::Scale, "scale"},
    {PlanAction::Start, "start"},
    {PlanAction::Keep, "keep"},
    {PlanAction::Remove, "remove"},
}}};

/// Why an app that does not differ has something to start; empty: it has not.
std::string resting(const App& app)
{
    for (const Instance* instance : app.staying()) {
        switch (status_of(instance->machine.state)) {
        case model::Status::Waiting:
        case model::Status::Starting:
        case model::Status::Online: break;
        case model::Status::Stopped: return "stopped";
        case model::Status::Errored: return "errored: " + instance->reason;
        case model::Status::Backoff: return "waiting to restart";
        case model::Status::Stopping:
            if (std::get<Stopping>(instance->machine.state).then != Then::Again) return "stopping";
            break;
        }
    }
    return {};
}

bool exists(const App* app) { return app != nullptr && app->staying_count() > 0; }

bool is_same_program(const App& app, const model::AppSpec& spec, const ApplyOptions& options)
{
    return app.spec->script == spec.script && app.spec->cwd == spec.cwd && app.origin == options.origin;
}

/// Which program an app is, as far as another one of its name is not the same.
std::string program_of(const App& app, const model::AppSpec& other, const ApplyOptions& options)
{
    std::string text = base::printable(app.spec->script);
    if (app.spec->script == other.script && app.spec->cwd != other.cwd) text += " in " + base::printable(app.spec->cwd);
    if (app.origin != options.origin) text += ", from " + base::printable(app.origin);
    return text;
}

base::Result<void> check_name(const App* app, const model::AppSpec& spec, const ApplyOptions& options)
{
    if (app && app->owner != options.owner)
        return fail(ErrorCode::AppExists, fmt::format("app '{}' belongs to user {}", spec.name, app->owner));
    if (options.take_over || !exists(app) || is_same_program(*app, spec, options)) return {};
    return fail(ErrorCode::AppExists,
                fmt::format("there is an app '{}' already ({}): give another --name, or --force to replace it", spec.name,
                            program_of(*app, spec, options)));
}

std::shared_ptr<const model::AppSpec> wanted_spec(const App* app, const model::AppSpec& spec, const ApplyOptions& options)
{
    auto wanted = std::make_shared<model::AppSpec>(spec);
    if (!options.update_env && exists(app) && is_same_program(*app, spec, options)) wanted->env = app->spec->env;
    return wanted;
}

PlannedApp plan_one(App* app, const model::AppSpec& spec, const ApplyOptions& options, const Limits& limits)
{
    PlannedApp planned{.item = {spec.name, PlanAction::Keep, ""},
                       .app = app,
                       .spec = wanted_spec(app, spec, options),
                       .count = model::resolve(spec.instances, limits.cpus)};
    const std::uint32_t current = app ? app->staying_count() : 0;
    if (current == 0) { // new, or on its way out: then it is taken back with the new spec
        planned.item.action = PlanAction::Add;
        return planned;
    }
    const auto changes = policy::spec_changes(*app->spec, *planned.spec);
    if (!changes.empty()) {
        planned.item.action = policy::live_changes(*app->spec, *planned.spec) ? PlanAction::Adjust : PlanAction::Change;
        planned.item.why = fmt::format("{} changed", fmt::join(changes, ", "));
    }
    if (planned.count != current) {
        if (changes.empty()) planned.item.action = PlanAction::Scale;
        const bool first = planned.item.why.empty();
        planned.item.why += fmt::format("{}{} -> {} instances", first ? "" : "; ", current, planned.count);
    }
    if (planned.item.action == PlanAction::Keep && options.start && spec.autostart) planned.item.why = resting(*app);
    if (planned.item.action == PlanAction::Keep && !planned.item.why.empty()) planned.item.action = PlanAction::Start;
    if (app->origin != options.origin && !app->origin.empty())
        planned.item.why += (planned.item.why.empty() ? "was loaded from " : "; was loaded from ") + app->origin;
    return planned;
}

void plan_removals(std::vector<PlannedApp>& plan, const Table& table, const Names& named, const ApplyOptions& options)
{
    if (!options.prune || options.origin.empty()) return;
    const Names declared(options.declared.begin(), options.declared.end());
    for (const auto& [sequence, app] : table.apps()) {
        const bool theirs = app->owner == options.owner && app->origin == options.origin;
        const bool there = named.contains(app->name) || declared.contains(app->name);
        if (theirs && !there && app->staying_count() > 0)
            plan.push_back({.item = {app->name, PlanAction::Remove, "not in " + options.origin}, .app = app.get()});
    }
}

base::Result<void> check_limits(const std::vector<PlannedApp>& plan, const Table& table, const Limits& limits)
{
    std::uint64_t apps = table.apps().size();
    std::uint64_t instances = table.instance_count();
    for (const PlannedApp& planned : plan) {
        if (!planned.spec) continue;
        // What is on its way out still counts: it may take its time.
        const std::uint64_t present = planned.app ? planned.app->instances.size() : 0;
        if (!planned.app) ++apps;
        if (planned.count > present) instances += planned.count - present;
    }
    if (apps > limits.max_apps)
        return fail(ErrorCode::LimitExceeded,
                    fmt::format("{} apps would be more than the {} that are allowed (max_apps in pmd.yaml)", apps, limits.max_apps));
    if (instances > limits.max_instances)
        return fail(ErrorCode::LimitExceeded, fmt::format("{} instances would be more than the {} that are allowed (max_instances in pmd.yaml)",
                                                          instances, limits.max_instances));
    return {};
}

} // namespace

std::string_view to_string(PlanAction action) noexcept { return kPlanActions.name(action); }

base::Result<std::vector<PlannedApp>> make_plan(const Table& table, std::span<const model::AppSpec> specs,
                                                const ApplyOptions& options, const Limits& limits)
{
    std::vector<PlannedApp> plan;
    Names named;
    for (const model::AppSpec& spec : specs) {
        if (!named.insert(spec.name).second)
            return fail(ErrorCode::InvalidArgument, fmt::format("app '{}' is declared twice", spec.name));
        App* app = table.find(spec.name);
        if (auto free = check_name(app, spec, options); !free) return base::Unexpected(std::move(free).error());
        plan.push_back(plan_one(app, spec, options, limits));
    }
    plan_removals(plan, table, named, options);
    if (auto checked = check_dependencies(table, specs, options.may_miss_dependencies); !checked)
        return base::Unexpected(std::move(checked).error());
    if (auto checked = check_limits(plan, table, limits); !checked)
        return base::Unexpected(std::move(checked).error());
    return plan;
}

} // namespace pm::engine
