// SPDX-License-Identifier: Apache-2.0
// Brings apps to the shape that a plan, or a new count, asks for.
#pragma once

#include "engine/driver.hpp"
#include "engine/plan.hpp"

namespace pm::engine {

/// Opens the sockets of everything that `plan` will have run, before anything is done. Error: ListenFailed.
[[nodiscard]] base::Result<void> hold_sockets(Driver& driver, const std::vector<PlannedApp>& plan,
                                              const ApplyOptions& options);

class Applier {
public:
    /// Everything it starts or ends is watched by `waiter`.
    Applier(Driver& driver, std::uint64_t waiter, const ApplyOptions& options)
        : driver_(driver), waiter_(waiter), options_(options)
    {
    }

    /// Gives the app the spec of the plan, and nothing more. First for all items: apps of one file know each other when the
    /// first of them starts.
    void declare(PlannedApp& planned);
    /// Carries out one item of a plan, once declared.
    void apply(const PlannedApp& planned);

    /// Gives the app `count` (at least 1) instances that stay: the highest slots leave, those on their way out are
    /// taken back before new ones are made. Returns those that are new or taken back; they are not started yet.
    std::vector<Instance*> resize(App& app, std::uint32_t count);
    void start(Instance& instance);
    /// Starts what rests of what the app waits for, as far as it belongs to the caller. Call it when all items are applied.
    void start_needs(const App& app);

private:
    /// What runs, or is to run again.
    [[nodiscard]] static std::vector<Instance*> running(const App& app);
    void replace_running(App& app, bool wanted, const std::shared_ptr<const model::AppSpec>& before);

    Driver& driver_;
    std::uint64_t waiter_;
    const ApplyOptions& options_;
};

} // namespace pm::engine
