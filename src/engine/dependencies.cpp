// SPDX-License-Identifier: Apache-2.0
#include "engine/dependencies.hpp"

#include "base/text.hpp"
#include "engine/snapshots.hpp"
#include "model/dependency_order.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <ranges>
#include <unordered_set>

namespace pm::engine {
namespace {

using policy::DependencyVerdict;

constexpr std::size_t kMostNamed = 256; ///< beyond, the end of the machine is less orderly; a unit stays small

bool is_resting(const Instance& instance)
{
    const model::Status status = status_of(instance.machine.state);
    return status == model::Status::Stopped || status == model::Status::Errored;
}

/// What came after SIGKILL and is still there holds nobody back any more.
bool is_ending(const Instance& instance)
{
    if (!instance.held.empty()) return true;
    const Machine& machine = instance.machine;
    if (const auto* stopping = std::get_if<Stopping>(&machine.state))
        return stopping->then == Then::Stay && !survived(*stopping);
    return std::holds_alternative<Stopped>(machine.state) &&
           std::ranges::any_of(machine.leavers, [](const Leaver& leaver) { return !survived(leaver.stopping); });
}

} // namespace

void Dependencies::moved(const std::string& app) { verdicts_.erase(app); }

const DependencyVerdict& Dependencies::verdict_on(const std::string& name, Condition condition)
{
    auto& known = verdicts_[name];
    if (const auto found = known.find(condition); found != known.end()) return found->second;
    std::vector<model::InstanceSnapshot> instances;
    if (const App* app = table_.find(name))
        for (const Instance* instance : app->staying()) instances.push_back(snapshot_of(*instance, {}));
    return known.emplace(condition, policy::dependency_verdict(name, condition, instances)).first->second;
}

DependencyVerdict Dependencies::verdict(const App& app)
{
    const policy::DependencyVerdict met = policy::Met{};
    const DependencyVerdict* worst = &met;
    for (const auto& [name, condition] : app.spec->depends_on) {
        const DependencyVerdict& one = verdict_on(name, condition); // stays where it is while others come
        if (one.index() > worst->index()) worst = &one;
    }
    return *worst;
}

bool Dependencies::is_stalled(const App& app)
{
    std::vector<const App*> open{&app};
    std::unordered_set<const App*> seen{&app};
    while (!open.empty()) {
        const App* at = open.back();
        open.pop_back();
        for (const auto& [name, condition] : at->spec->depends_on) {
            const App* need = table_.find(name);
            if (need == nullptr || !std::holds_alternative<policy::NotYet>(verdict_on(name, condition)) || !seen.insert(need).second) continue;
            for (const Instance* instance : need->staying()) {
                if (std::holds_alternative<Backoff>(instance->machine.state)) return true;
                if (std::holds_alternative<Waiting>(instance->machine.state)) open.push_back(need);
            }
        }
    }
    return false;
}

std::vector<Instance*> Dependencies::resting_needs(const App& app)
{
    std::vector<Instance*> resting;
    std::vector<const App*> open{&app};
    std::unordered_set<const App*> seen{&app};
    while (!open.empty()) {
        const App* at = open.back();
        open.pop_back();
        for (const auto& [name, condition] : at->spec->depends_on) {
            const App* need = table_.find(name);
            if (need == nullptr || !seen.insert(need).second) continue;
            if (std::holds_alternative<policy::Met>(verdict_on(name, condition))) continue;
            open.push_back(need);
            for (Instance* instance : need->staying())
                if (is_resting(*instance)) resting.push_back(instance);
        }
    }
    std::ranges::reverse(resting);
    return resting;
}

const std::vector<std::string>& Dependencies::dependents(const std::string& app)
{
    static const std::vector<std::string> none;
    if (stale_) index();
    const auto found = dependents_.find(app);
    return found == dependents_.end() ? none : found->second;
}

bool Dependencies::are_dependents_ending(const std::string& app)
{
    return std::ranges::any_of(dependents(app), [this](const std::string& name) {
        const App* dependent = table_.find(name);
        return dependent != nullptr && std::ranges::any_of(dependent->instances, [](const auto& slot) { return is_ending(*slot.second); });
    });
}

EndOrder Dependencies::end_order(const Instance& instance)
{
    EndOrder order{.before_us = dependents(instance.app->name), .after_us = {}};
    for (const auto& [name, condition] : instance.app->spec->depends_on) {
        const App* need = table_.find(name);
        if (need == nullptr) continue;
        for (const auto& [slot, one] : need->instances) {
            if (!has_process(one->machine.state) || order.after_us.size() >= kMostNamed) continue;
            if (std::ranges::find(one->known_dependents, instance.app->name) != one->known_dependents.end()) continue;
            order.after_us.push_back({name, slot, one->machine.generation});
        }
    }
    if (order.before_us.size() > kMostNamed) order.before_us.resize(kMostNamed);
    return order;
}

void Dependencies::index()
{
    stale_ = false;
    dependents_.clear();
    for (const auto& [sequence, app] : table_.apps())
        for (const auto& [name, condition] : app->spec->depends_on) dependents_[name].push_back(app->name);
}

std::vector<Instance*> dependents_first(const std::vector<Instance*>& instances)
{
    std::vector<const App*> apps;
    std::unordered_map<const App*, std::vector<Instance*>> of_app;
    for (Instance* instance : instances) {
        auto& list = of_app[instance->app];
        if (list.empty()) apps.push_back(instance->app);
        list.push_back(instance);
    }
    // The order of what is needed first, of the reverse, is the reverse of the order of what ends first.
    std::vector<model::DependencyNode> nodes;
    for (const App* app : std::views::reverse(apps)) nodes.push_back({app->name, &app->spec->depends_on});
    std::vector<Instance*> ordered;
    for (const std::size_t at : std::views::reverse(model::dependencies_first(nodes))) {
        const auto& list = of_app[apps[apps.size() - 1 - at]];
        ordered.insert(ordered.end(), list.begin(), list.end());
    }
    return ordered;
}

base::Result<void> check_dependencies(const Table& table, std::span<const model::AppSpec> specs, bool may_be_missing)
{
    if (std::ranges::all_of(specs, [](const model::AppSpec& spec) { return spec.depends_on.empty(); })) return {};
    std::unordered_set<std::string_view> given;
    std::vector<model::DependencyNode> nodes;
    for (const model::AppSpec& spec : specs) {
        given.insert(spec.name);
        nodes.push_back({spec.name, &spec.depends_on});
    }
    for (const auto& [sequence, app] : table.apps())
        if (!given.contains(app->name)) nodes.push_back({app->name, &app->spec->depends_on});
    for (const model::AppSpec& spec : specs) {
        if (may_be_missing) break;
        for (const auto& [name, condition] : spec.depends_on) {
            const App* need = table.find(name);
            if (given.contains(name) || (need != nullptr && need->staying_count() > 0)) continue;
            return base::fail(base::ErrorCode::InvalidSpec,
                              fmt::format("app '{}' depends on '{}', which is neither in the file nor loaded: add or start it first",
                                          spec.name, base::printable(name)));
        }
    }
    if (const auto cycle = model::dependency_cycle(nodes); !cycle.empty())
        return base::fail(base::ErrorCode::InvalidSpec,
                          fmt::format("apps depend on each other in a circle: {}", base::printable(base::join(cycle, " -> "))));
    return {};
}

} // namespace pm::engine
