// SPDX-License-Identifier: Apache-2.0
#include "daemon/event_log.hpp"

#include "base/text.hpp"
#include "io/message.hpp"

#include <fmt/format.h>

namespace pm::daemon {
namespace {

io::Severity severity_of(const engine::ProcessEvent& event) noexcept
{
    if (event.warning) return io::Severity::Warning;
    switch (event.kind) {
    case engine::EventKind::Errored: return io::Severity::Error;
    case engine::EventKind::Exit:
        return event.commanded || (event.exit && event.exit->kind == model::ExitInfo::Kind::Exited && event.exit->code == 0)
                   ? io::Severity::Info
                   : io::Severity::Warning;
    case engine::EventKind::Start: return io::Severity::Debug;
    case engine::EventKind::ReloadFailed: return io::Severity::Error;
    case engine::EventKind::Unhealthy: return io::Severity::Warning;
    case engine::EventKind::Healthy:
    case engine::EventKind::Recycle: return io::Severity::Notice;
    case engine::EventKind::Reload:
    case engine::EventKind::Wait:
    case engine::EventKind::Online:
    case engine::EventKind::Restart:
    case engine::EventKind::Stop:
    case engine::EventKind::Delete:
    case engine::EventKind::Signal: return io::Severity::Info;
    }
    return io::Severity::Info;
}

std::string sentence(const engine::ProcessEvent& event)
{
    std::string text = fmt::format("{}-{}: {}", event.app, event.slot.value, engine::to_string(event.kind));
    if (event.pid != 0) text += fmt::format(" (pid {})", event.pid);
    if (event.kind == engine::EventKind::Exit && event.exit) text += ": " + model::describe(*event.exit);
    if (event.uptime) text += fmt::format(" after {}", base::format_duration(*event.uptime));
    if (!event.reason.empty()) text += fmt::format("; {}", event.reason);
    return text;
}

} // namespace

void EventLog::process_event(const engine::ProcessEvent& event)
{
    const io::Severity severity = severity_of(event);
    if (log_.wants(severity))
        log_.write(severity, sentence(event), io::event_fields(event, name_space_of_(event.app)));
    next_.process_event(event);
}

void EventLog::app_added(const std::string& app) { next_.app_added(app); }

void EventLog::app_removed(const std::string& app)
{
    next_.app_removed(app);
    changed_();
}

void EventLog::message(const engine::ProcessMessage& message) { next_.message(message); }

void EventLog::app_changed(const std::string& app)
{
    next_.app_changed(app);
    changed_();
}

} // namespace pm::daemon
