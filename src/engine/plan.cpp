// SPDX-License-Identifier: Apache-2.0
#include "engine/plan.hpp"

#include "base/text.hpp"
#include "engine/dependencies.hpp"
#include "model/name_table.hpp"
#include "policy/changes.hpp"
#include "policy/unit_properties.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <set>
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
        case model::Status::Online:
        case model::Status::Unhealthy: break;
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

/// What the plan adds to what there is, which counts as long as it is there: what is on its way out may take its time, and
/// what an app was is kept as long as a process of it runs.
policy::Usage growth(const std::vector<PlannedApp>& plan)
{
    policy::Usage more;
    for (const PlannedApp& planned : plan) {
        if (!planned.spec) continue;
        const std::uint64_t present = planned.app ? planned.app->instances.size() : 0;
        const std::uint64_t fresh = planned.count > present ? planned.count - present : 0;
        const std::uint64_t held = planned.app ? planned.app->spec->listen.size() : 0;
        const bool differs = !planned.app || *planned.app->spec != *planned.spec;
        more += {planned.app ? 0U : 1U, fresh,
                 (planned.app ? 0 : policy::kBytesOfApp) + fresh * policy::kBytesOfInstance + (differs ? policy::bytes_of(*planned.spec) : 0),
                 planned.spec->listen.size() > held ? planned.spec->listen.size() - held : 0};
    }
    return more;
}

/// What is kept of the app: each spec once, however many of its processes were started with it.
policy::Usage usage_of(const App& app)
{
    std::set<const model::AppSpec*> specs{app.spec.get()};
    for (const auto& [slot, instance] : app.instances) {
        if (instance->running) specs.insert(instance->running.get());
        for (const auto& [generation, facts] : instance->others)
            if (facts.spec) specs.insert(facts.spec.get());
    }
    policy::Usage usage{1, app.instances.size(), policy::kBytesOfApp + app.instances.size() * policy::kBytesOfInstance, app.spec->listen.size()};
    for (const model::AppSpec* spec : specs) usage.bytes += policy::bytes_of(*spec);
    return usage;
}

} // namespace

base::Result<void> check_growth(const Table& table, const Limits& limits, uid_t owner, const policy::Usage& more)
{
    const auto is_master = [&](uid_t uid) { return uid == 0 || uid == limits.master; };
    policy::QuotaUsage present;
    for (const auto& [sequence, app] : table.apps()) {
        const policy::Usage counts{1, app->instances.size(), 0, app->spec->listen.size()};
        present.all += counts;
        if (!is_master(app->owner)) present.users += counts;
        if (app->owner == owner && !is_master(owner)) present.user += usage_of(*app);
    }
    const policy::QuotaBounds bounds{limits.of_user, {limits.max_apps, limits.max_instances, 0, limits.max_sockets}};
    return policy::check_quota(bounds, present, more, owner, is_master(owner));
}

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
    if (auto checked = check_growth(table, limits, options.owner, growth(plan)); !checked)
        return base::Unexpected(std::move(checked).error());
    return plan;
}

} // namespace pm::engine
