// SPDX-License-Identifier: Apache-2.0
// What the parts of Supervisor share. Private to supervisor.cpp and supervisor_upkeep.cpp.
#pragma once

#include "base/text.hpp"
#include "engine/apply.hpp"
#include "engine/supervisor.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace pm::engine {

struct Supervisor::Impl {
    Impl(Launcher& launcher, Sockets& sockets, Channels& channels, Timers& timers, Clock& clock, Events& events, const Limits& limits)
        : driver(launcher, sockets, channels, timers, clock, events, limits)
    {
    }

    /// Refuses what is new while shutting down, or while too much is pending.
    [[nodiscard]] base::Result<void> admit() const
    {
        if (shutting_down) return base::fail(base::ErrorCode::Unavailable, "pmd is shutting down");
        if (driver.waiters.size() >= driver.limits().max_waiting)
            return base::fail(base::ErrorCode::LimitExceeded,
                        fmt::format("{} commands are waiting already; try again", driver.waiters.size()));
        return {};
    }

    /// The instances `verb` is to act on. What is being removed can be waited for, but not started.
    [[nodiscard]] base::Result<std::vector<Instance*>> subjects(Verb verb, std::string_view target, const May& may) const
    {
        auto selected = driver.table.select(target, may);
        if (!selected || verb == Verb::Stop || verb == Verb::Delete) return selected;
        std::erase_if(*selected, [](const Instance* instance) { return instance->leaving; });
        if (selected->empty())
            return base::fail(base::ErrorCode::NoSuchApp, fmt::format("'{}' is being deleted", base::printable(target)));
        return selected;
    }

    base::Result<void> restore(const SavedApp& saved)
    {
        if (driver.table.find(saved.spec->name) != nullptr)
            return base::fail(base::ErrorCode::AppExists, fmt::format("app '{}' exists already", saved.spec->name));
        const auto stays = [](const SavedInstance& instance) { return !instance.leaving || has_any_process(instance.machine); };
        if (std::ranges::none_of(saved.instances, stays)) return {}; // it was being deleted
        App& app = driver.add_app(saved.spec);
        app.origin = saved.origin;
        app.owner = saved.owner;
        app.created_at = saved.created_at;
        app.seen_listening = saved.seen_listening;
        for (const SavedInstance& instance : saved.instances)
            if (stays(instance)) driver.restore_instance(app, instance);
        driver.resume_sockets(app);
        return {};
    }

    /// Stops of apps that were being deleted and had not begun (Instance::held) are nobody's any more.
    void go_on_deleting()
    {
        std::vector<Instance*> leaving;
        for (const auto& [sequence, app] : driver.table.apps())
            for (const auto& [slot, instance] : app->instances)
                if (instance->leaving && !std::holds_alternative<Stopping>(instance->machine.state)) leaving.push_back(instance.get());
        for (Instance* instance : leaving) driver.feed(*instance, StopCommand{});
    }

    void reload(std::uint64_t waiter, const std::vector<Instance*>& subjects)
    {
        std::map<App*, std::vector<Instance*>> by_app;
        for (Instance* instance : subjects) by_app[instance->app].push_back(instance);
        for (auto& [app, instances] : by_app) driver.reloads.begin(waiter, *app, instances);
    }

    struct How {
        bool reloads = true;      ///< what is online; else it is restarted
        bool starts_rest = false; ///< what is not online, but is to run
    };
    void recycle(const std::string& name, const std::vector<base::InstanceId>& ids, const std::string& why, Done done, How how);

    Driver driver;
    bool shutting_down = false;
};

} // namespace pm::engine
