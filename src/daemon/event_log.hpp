// SPDX-License-Identifier: Apache-2.0
// Hears the engine's events: writes each to pmd's log once, with fields, and passes it on to the bus.
#pragma once

#include "engine/ports.hpp"
#include "io/log.hpp"

#include <functional>

namespace pm::daemon {

class EventLog final : public engine::Events {
public:
    using NamespaceOf = std::function<std::string(const std::string& app)>;
    /// `changed` is called after each event and each change; `name_space_of` only reads, and gives nothing for an app that
    /// is gone.
    EventLog(io::Log& log, engine::Events& next, NamespaceOf name_space_of, std::function<void()> changed)
        : log_(log), next_(next), name_space_of_(std::move(name_space_of)), changed_(std::move(changed))
    {
    }

    void process_event(const engine::ProcessEvent& event) override;
    void app_added(const std::string& app) override;
    void app_removed(const std::string& app) override;
    void app_changed(const std::string& app) override;
    void message(const engine::ProcessMessage& message) override;

private:
    io::Log& log_;
    engine::Events& next_;
    NamespaceOf name_space_of_;
    std::function<void()> changed_;
};

} // namespace pm::daemon
