// SPDX-License-Identifier: Apache-2.0
// Hears the engine's events: writes each to pmd's log once, with fields, and passes it on to the bus.
#pragma once

#include "engine/ports.hpp"
#include "io/log.hpp"

#include <functional>

namespace pm::daemon {

class EventLog final : public engine::Events {
public:
    /// `changed` is called after each event and each change.
    EventLog(io::Log& log, engine::Events& next, std::function<void()> changed)
        : log_(log), next_(next), changed_(std::move(changed))
    {
    }

    void process_event(const engine::ProcessEvent& event) override;
    void app_added(const std::string& app) override;
    void app_removed(const std::string& app) override;
    void app_changed(const std::string& app) override;

private:
    io::Log& log_;
    engine::Events& next_;
    std::function<void()> changed_;
};

} // namespace pm::daemon
