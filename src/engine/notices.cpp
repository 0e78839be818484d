// SPDX-License-Identifier: Apache-2.0
#include "engine/notices.hpp"

#include "model/name_table.hpp"

#include <utility>

namespace pm::engine {
namespace {

constexpr model::NameTable<EventKind, 14> kEventKinds{{{
    {EventKind::Wait, "wait"},
    {EventKind::Start, "start"},
    {EventKind::Online, "online"},
    {EventKind::Exit, "exit"},
    {EventKind::Restart, "restart"},
    {EventKind::Stop, "stop"},
    {EventKind::Errored, "errored"},
    {EventKind::Delete, "delete"},
    {EventKind::Signal, "signal"},
    {EventKind::Reload, "reload"},
    {EventKind::ReloadFailed, "reload-failed"},
    {EventKind::Recycle, "recycle"},
    {EventKind::Unhealthy, "unhealthy"},
    {EventKind::Healthy, "healthy"},
}}};

} // namespace

std::string_view to_string(EventKind kind) noexcept { return kEventKinds.name(kind); }

void Notices::app_added(const App& app) { queue_.emplace_back(Added{app.name}); }

void Notices::app_removed(App& app)
{
    if (app.changed) std::erase(changed_, &app);
    queue_.emplace_back(Removed{app.name});
}

void Notices::app_changed(App& app)
{
    if (std::exchange(app.changed, true)) return;
    changed_.push_back(&app);
}

ProcessEvent& Notices::process(EventKind kind, const Instance& instance, std::string reason)
{
    ProcessEvent event{.kind = kind,
                       .app = instance.app->name,
                       .id = instance.id,
                       .slot = instance.slot,
                       .generation = instance.machine.generation,
                       .pid = instance.pid,
                       .reason = std::move(reason),
                       .restarts = instance.restarts};
    return std::get<ProcessEvent>(queue_.emplace_back(std::move(event)));
}

void Notices::message(const Instance& instance, std::string json)
{
    queue_.emplace_back(ProcessMessage{instance.app->name, instance.id, instance.slot, std::move(json)});
}

void Notices::publish(Events& events)
{
    struct Teller {
        Events& events;
        void operator()(const ProcessEvent& event) const { events.process_event(event); }
        void operator()(const Added& added) const { events.app_added(added.app); }
        void operator()(const Removed& removed) const { events.app_removed(removed.app); }
        void operator()(const ProcessMessage& message) const { events.message(message); }
    };
    for (const auto& notice : std::exchange(queue_, {})) std::visit(Teller{events}, notice);
    for (App* app : std::exchange(changed_, {})) {
        app->changed = false;
        events.app_changed(app->name);
    }
}

} // namespace pm::engine
