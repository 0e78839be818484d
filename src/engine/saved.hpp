// SPDX-License-Identifier: Apache-2.0
// All that the engine knows of an app, for the next pmd of this boot to go on with.
//
// Times are of CLOCK_MONOTONIC, which goes on while pmd is away and begins anew with the machine: what is saved is of no
// use after a reboot, and is kept where a reboot removes it.
#pragma once

#include "engine/ports.hpp"
#include "engine/step.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pm::engine {

/// A process beside the current one.
struct SavedProcess {
    pid_t pid = 0;
    std::shared_ptr<const model::AppSpec> spec; ///< null: the app's
};

struct SavedInstance {
    base::InstanceId id;
    base::Slot slot;
    Machine machine;
    pid_t pid = 0;
    std::string reason;
    model::WallTime since{};
    std::uint64_t restarts = 0;
    std::optional<model::ExitInfo> last_exit;
    bool leaving = false; ///< to be removed as soon as it rests
    std::map<base::Generation, SavedProcess> others{};
    std::shared_ptr<const model::AppSpec> running; ///< what the process was started with; may be null
    bool finished = false; ///< stopped, as it ended by itself
};

struct SavedApp {
    std::shared_ptr<const model::AppSpec> spec;
    std::string origin;
    uid_t owner = 0;
    model::WallTime created_at{};
    std::uint64_t sequence = 0; ///< order of creation
    std::vector<SavedInstance> instances;
    bool seen_listening = false; ///< what it is to do again before it is ready
};

/// Of the processes that were told to go, and have had no signal yet.
[[nodiscard]] inline std::vector<ProcessKey> told_to_go(const SavedApp& app)
{
    std::vector<ProcessKey> keys;
    for (const SavedInstance& instance : app.instances) {
        const auto* stopping = std::get_if<Stopping>(&instance.machine.state);
        if (stopping != nullptr && stopping->asked) keys.push_back({instance.id, instance.machine.generation});
        for (const Leaver& leaver : instance.machine.leavers)
            if (leaver.stopping.asked) keys.push_back({instance.id, leaver.generation});
    }
    return keys;
}

/// Of the processes that `app` has.
[[nodiscard]] inline std::vector<ProcessKey> keys_of(const SavedApp& app)
{
    std::vector<ProcessKey> keys;
    for (const SavedInstance& instance : app.instances) {
        if (has_process(instance.machine.state)) keys.push_back({instance.id, instance.machine.generation});
        for (const auto& [generation, process] : instance.others) keys.push_back({instance.id, generation});
    }
    return keys;
}

} // namespace pm::engine
