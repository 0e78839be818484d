// SPDX-License-Identifier: Apache-2.0
// Sockets that are held for apps: as long as a process has them or is to get them.
#include "engine/driver.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace pm::engine {
namespace {

using model::Status;

bool rests_entirely(const Instance& instance)
{
    const Status status = status_of(instance.machine.state);
    return (status == Status::Stopped || status == Status::Errored) && !has_any_process(instance.machine);
}

bool rests(const App& app)
{
    return std::ranges::all_of(app.instances, [](const auto& slot) { return rests_entirely(*slot.second); });
}

/// An app at rest needs none; else what its next process will get, and what those that run have.
std::vector<model::ListenAddress> needed_sockets(const App& app)
{
    std::vector<model::ListenAddress> needed;
    std::set<const model::AppSpec*> specs;
    for (const auto& [slot, instance] : app.instances) {
        if (rests_entirely(*instance)) continue;
        specs.insert(app.spec.get());
        if (has_process(instance->machine.state)) specs.insert(instance->running.get());
        for (const auto& [generation, facts] : instance->others) specs.insert(facts.spec.get());
    }
    for (const model::AppSpec* spec : specs) needed.insert(needed.end(), spec->listen.begin(), spec->listen.end());
    return needed;
}

} // namespace

base::Result<void> Driver::hold_sockets(const model::AppSpec& spec, uid_t owner)
{
    if (spec.listen.empty()) return {};
    if (App* app = table.find(spec.name)) app->listens = true;
    sockets_due_.insert(spec.name);
    return sockets_.hold(spec, owner);
}

void Driver::resume_sockets(App& app)
{
    for (const auto& [slot, instance] : app.instances) {
        const Status status = status_of(instance->machine.state);
        if (status == Status::Stopped || status == Status::Errored) continue;
        for (const auto* spec : {app.spec.get(), instance->running.get()}) {
            if (spec->listen.empty()) continue;
            app.listens = true;
            sockets_.resume(*spec, app.owner);
        }
    }
}

void Driver::close_sockets()
{
    for (const std::string& name : std::exchange(sockets_due_, {})) {
        App* app = table.find(name);
        const auto needed = app ? needed_sockets(*app) : std::vector<model::ListenAddress>();
        sockets_.keep_only(name, needed);
        if (app && !rests(*app)) continue;
        channels_.rests(name);
        if (app) app->listens = app->seen_listening = false;
    }
}

} // namespace pm::engine
