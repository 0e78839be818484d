// SPDX-License-Identifier: Apache-2.0
// Reloads of whole apps: which instance is replaced next, and when to stop replacing.
//
// An instance is replaced by its own machine (ReloadCommand, or RestartCommand where old and new cannot be there at once); this
// only lets so many at a time begin, waits until the old process of each is gone, and gives up at the first failure: what
// was not replaced yet serves on.
#pragma once

#include "engine/table.hpp"
#include "model/serving.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace pm::engine {

class Driver;

class Reloads {
public:
    explicit Reloads(Driver& driver) : driver_(driver) {}

    /// Replaces `instances` of `app`, for the command `waiter`. While a reload of the app runs, the command joins it, but what
    /// that one has started already is replaced once more: it may have begun with older code.
    /// `before`: what the app was until this command changed it, null if it did not: an app none of whose instances could be
    /// replaced is that again.
    void begin(std::uint64_t waiter, App& app, const std::vector<Instance*>& instances, std::shared_ptr<const model::AppSpec> before = {});
    /// The instance has made a step.
    void look(Instance& instance, const Transition& transition);
    /// The instance is being removed.
    void removed(Instance& instance);

private:
    struct Active {
        base::Generation after;  ///< a later one must be current
        base::Generation oldest; ///< this one and later ones are of this reload
    };
    struct Reload {
        std::shared_ptr<const model::AppSpec> spec;   ///< what is being brought in
        std::shared_ptr<const model::AppSpec> before; ///< null: the spec is what it was
        std::deque<base::InstanceId> queue;
        std::map<base::InstanceId, Active> active;
        std::map<base::InstanceId, std::vector<std::uint64_t>> waiters;
        bool any_replaced = false;
    };
    enum class Progress { Pending, Replaced, Failed, Superseded };

    [[nodiscard]] static Progress progress(const Instance& instance, const Active& active);
    void enqueue(Reload& reload, std::uint64_t waiter, Instance& instance);
    void signal_all(std::uint64_t waiter, App& app, const std::vector<Instance*>& instances);
    void look_at_queued(Reload& reload, Instance& instance);
    void advance(App& app);
    void start(App& app, Instance& instance);
    void done(Reload& reload, Instance& instance);
    /// A command took the instance over.
    void superseded(Reload& reload, Instance& instance);
    void fail(App& app, Instance& instance, const base::Error& why);
    void give_back(App& app, const Reload& reload);

    Driver& driver_;
    std::map<std::string, Reload> running_; ///< by app
    std::set<std::string> advancing_;       ///< what is begun there comes back to look()
};

} // namespace pm::engine
