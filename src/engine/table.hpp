// SPDX-License-Identifier: Apache-2.0
// The apps and their instances: who exists, under which number, and what a target selects. Decides nothing.
#pragma once

#include "engine/step.hpp"
#include "engine/supervisor.hpp"
#include "policy/target.hpp"

#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace pm::engine {

struct App;

/// A command's interest in one instance; see waiters.hpp.
struct Watch {
    std::uint64_t waiter = 0;
    Verb goal{};
    base::Generation after; ///< Restart: only a later generation counts
};

/// A stop that waits until the apps that depend on this one have ended.
struct HeldStop {
    std::uint64_t waiter = 0;
    Verb goal{}; ///< Stop or Delete
};

/// What is known of a process beside its state.
struct ProcessFacts {
    pid_t pid = 0;
    std::shared_ptr<const model::AppSpec> spec; ///< what it was started with
};

struct Instance {
    App* app = nullptr;
    base::InstanceId id;
    base::Slot slot;
    Machine machine;
    pid_t pid = 0;
    std::string reason;
    std::string recycled;                          ///< why it is about to be replaced, where no command asked for it
    model::WallTime since{};
    std::uint64_t restarts = 0;
    std::optional<model::ExitInfo> last_exit;
    bool stalled = false;                          ///< Waiting for what has failed and waits for its next try
    std::string unhealthy;                         ///< Online: why its checks fail; empty: they do not
    bool finished = false;                         ///< Stopped: it ended by itself, and is not to be started again
    bool leaving = false;                          ///< to be removed as soon as it rests
    std::optional<model::TimePoint> armed;         ///< what the timer is set to
    std::shared_ptr<const model::AppSpec> running; ///< what the last process was started with
    std::map<base::Generation, ProcessFacts> others; ///< the successor and leavers
    std::vector<Watch> watches;
    std::vector<HeldStop> held;
    std::vector<std::string> known_dependents;     ///< at its last launch, by this pmd

    [[nodiscard]] ProcessKey key() const noexcept { return {id, machine.generation}; }
    [[nodiscard]] bool is_successor(base::Generation generation) const noexcept
    {
        return machine.successor && machine.successor->generation == generation;
    }
    /// The spec of one of its processes; null: it has no such process.
    [[nodiscard]] const model::AppSpec* spec_of(base::Generation generation) const;
};

struct App {
    std::string name;
    std::shared_ptr<const model::AppSpec> spec;
    std::string origin;
    uid_t owner = 0;
    model::WallTime created_at{};
    std::uint64_t sequence = 0; ///< order of creation
    std::map<base::Slot, std::unique_ptr<Instance>> instances;
    bool changed = false;       ///< queued to be published
    bool listens = false;       ///< sockets may be held for it (Sockets, Channels)
    bool seen_listening = false;///< one of its processes said, or was seen, to listen

    /// Instances that are to stay, by slot.
    [[nodiscard]] std::vector<Instance*> staying() const;
    [[nodiscard]] std::uint32_t staying_count() const noexcept;
};

class Table {
public:
    /// The new app has no instances yet.
    App& add_app(std::shared_ptr<const model::AppSpec> spec);
    /// An instance with the number and slot it had before; null when either is taken.
    Instance* restore_instance(App& app, base::InstanceId id, base::Slot slot);
    /// Puts a new instance into the lowest free slot.
    Instance& add_instance(App& app);
    /// Removes the instance; when it was the last of its app, the app as well (returns true). Ids begin at 0 again
    /// when nothing is left (pm2).
    bool remove(Instance& instance);

    [[nodiscard]] App* find(const std::string& name) const;
    [[nodiscard]] Instance* find(base::InstanceId id) const;
    /// In order of creation.
    [[nodiscard]] const std::map<std::uint64_t, std::unique_ptr<App>>& apps() const noexcept { return apps_; }
    [[nodiscard]] std::size_t instance_count() const noexcept { return by_id_.size(); }

    /// What `target` means, of apps that `may` accepts. Errors: InvalidArgument, NoSuchApp, NotAuthorized (it accepts none).
    /// Never empty.
    [[nodiscard]] base::Result<std::vector<Instance*>> select(std::string_view target, const May& may = {}) const;

private:
    [[nodiscard]] std::vector<Instance*> matching(const policy::Target& target) const;
    [[nodiscard]] base::Unexpected no_such_app(std::string_view target) const;

    std::map<std::uint64_t, std::unique_ptr<App>> apps_;
    std::unordered_map<std::string, App*> by_name_;
    std::unordered_map<base::InstanceId, Instance*> by_id_;
    std::uint64_t next_sequence_ = 0;
    std::uint32_t next_id_ = 0;
};

} // namespace pm::engine
