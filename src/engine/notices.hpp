// SPDX-License-Identifier: Apache-2.0
// What the world will be told, kept until all effects of an event are carried out: a replacement is launched before
// anybody hears of the crash.
#pragma once

#include "engine/table.hpp"

#include <variant>

namespace pm::engine {

class Notices {
public:
    void app_added(const App& app);
    void app_removed(App& app);
    void app_changed(App& app);
    /// `generation` and `pid` are those of the process the event is about.
    ProcessEvent& process(EventKind kind, const Instance& instance, std::string reason);

    void message(const Instance& instance, std::string json);

    /// Tells `events` everything, in order; apps that changed come last, each once.
    void publish(Events& events);

private:
    struct Added {
        std::string app;
    };
    struct Removed {
        std::string app;
    };
    std::vector<std::variant<ProcessEvent, Added, Removed, ProcessMessage>> queue_;
    std::vector<App*> changed_;
};

} // namespace pm::engine
