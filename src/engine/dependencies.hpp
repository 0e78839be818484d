// SPDX-License-Identifier: Apache-2.0
// What the apps of the table mean to each other (`depends_on`): who may start, who is to be started first, who ends first.
#pragma once

#include "engine/table.hpp"
#include "policy/dependencies.hpp"

#include <map>
#include <span>
#include <unordered_map>

namespace pm::engine {

class Dependencies {
public:
    /// `table` must outlive it.
    explicit Dependencies(const Table& table) : table_(table) {}

    /// An app came, went, or has another spec.
    void changed() noexcept { stale_ = true; }
    /// An instance of `app` is in another state, or another one of its instances.
    void moved(const std::string& app);

    /// Whether `app` may start: Never when one of its needs is, else NotYet when one is, else Met.
    [[nodiscard]] policy::DependencyVerdict verdict(const App& app);
    /// Something that `app` waits for, directly or not, has failed and waits for its next try, which may go on for ever.
    [[nodiscard]] bool is_stalled(const App& app);
    /// The instances that rest of what `app` needs, directly or not, and what is not met; the ones needed first come first.
    [[nodiscard]] std::vector<Instance*> resting_needs(const App& app);
    /// Names of the apps that need `app`.
    [[nodiscard]] const std::vector<std::string>& dependents(const std::string& app);
    /// For an instance that is about to be launched.
    [[nodiscard]] EndOrder end_order(const Instance& instance);
    /// True while an app that needs `app` is being stopped, or its stop is held back itself.
    [[nodiscard]] bool are_dependents_ending(const std::string& app);

private:
    using Condition = model::DependencyCondition;
    const policy::DependencyVerdict& verdict_on(const std::string& app, Condition condition);
    void index();

    const Table& table_;
    bool stale_ = true;
    std::unordered_map<std::string, std::vector<std::string>> dependents_; ///< by what they need
    std::unordered_map<std::string, std::map<Condition, policy::DependencyVerdict>> verdicts_; ///< since it moved
};

/// The same instances, those first whose apps nobody of the others needs; otherwise in the order given.
[[nodiscard]] std::vector<Instance*> dependents_first(const std::vector<Instance*>& instances);

/// Errors of `specs` as they would stand in the table, InvalidSpec: a need that is not there, unless `may_be_missing`, or a
/// cycle.
[[nodiscard]] base::Result<void> check_dependencies(const Table& table, std::span<const model::AppSpec> specs,
                                                    bool may_be_missing);

} // namespace pm::engine
