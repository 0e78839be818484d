// SPDX-License-Identifier: Apache-2.0
#include "io/message.hpp"

#include "model/name_table.hpp"

namespace pm::io {
namespace {

constexpr model::NameTable<Message, 23> kIds{{{
    {Message::Wait, "dfaaf45df4284bfdb6d2060f33a090ca"},
    {Message::Start, "4e4e88c13d074a3a937360dadd652534"},
    {Message::Online, "fe72ef3145544d49829e269f7aa75c5b"},
    {Message::Exit, "bed217e04897495ba4129fa3a355ccc1"},
    {Message::Restart, "78e2d55cf856404d9c77dec21367549f"},
    {Message::Stop, "93c83c9218a044298148d75166621f0f"},
    {Message::Errored, "b88d143120ca453e9661d4a0b50e8dbe"},
    {Message::Delete, "90db11d3a5894fb38f80a742d9cbc855"},
    {Message::Signal, "1f156cdc454f42b3972c1f29ac45b236"},
    {Message::Reload, "4a45d51a2ae043b8aafa43864b18903b"},
    {Message::ReloadFailed, "dfa7586faabe4434b698ca05afd9545d"},
    {Message::Recycle, "696ac33e42144d1abf6d510d66c8caf9"},
    {Message::Unhealthy, "900caac62e4248dcaf83b51561a38bd1"},
    {Message::Healthy, "c2ae82b57a9e4f5fbd31a8fda8238274"},
    {Message::Serving, "3ea911c9f97645cabba227fbea5f44e5"},
    {Message::Ending, "ba523900577840b9b63675df70083797"},
    {Message::Upgrading, "316b9084f6bc4be9ad69e5f9cedfdbf9"},
    {Message::UpgradeFailed, "28bbd6dc1e20433cb17bdcfed191375b"},
    {Message::SettingsRead, "262a89d228284fc083bbdde1b41ae66a"},
    {Message::SettingsRefused, "317757348d824265b6d846b1ef6d4f6f"},
    {Message::BusLost, "398ff2ad73dd418d88c0a730340d6483"},
    {Message::BusBack, "9d91e80820e34dd29e80f7cf6e773801"},
    {Message::OutputTrouble, "2c8e88e7a1114d14b32f3ef653c7d22c"},
}}};

void add_exit(std::vector<LogField>& fields, const model::ExitInfo& exit)
{
    using Kind = model::ExitInfo::Kind;
    switch (exit.kind) {
    case Kind::Exited:
    case Kind::Signaled:
        fields.push_back({"EXIT_CODE", exit.kind == Kind::Exited ? "exited" : exit.core_dumped ? "dumped" : "killed"});
        fields.push_back({"EXIT_STATUS", std::to_string(exit.code)});
        return;
    case Kind::LaunchFailed:
        fields.push_back({"PM_STAGE", std::string(model::to_string(exit.stage))});
        fields.push_back({"ERRNO", std::to_string(exit.code)});
        return;
    case Kind::Lost: return;
    }
}

} // namespace

std::string_view message_id(Message message) noexcept { return kIds.name(message); }

Message message_of(engine::EventKind kind) noexcept
{
    switch (kind) {
    case engine::EventKind::Wait: return Message::Wait;
    case engine::EventKind::Start: return Message::Start;
    case engine::EventKind::Online: return Message::Online;
    case engine::EventKind::Exit: return Message::Exit;
    case engine::EventKind::Restart: return Message::Restart;
    case engine::EventKind::Stop: return Message::Stop;
    case engine::EventKind::Errored: return Message::Errored;
    case engine::EventKind::Delete: return Message::Delete;
    case engine::EventKind::Signal: return Message::Signal;
    case engine::EventKind::Reload: return Message::Reload;
    case engine::EventKind::ReloadFailed: return Message::ReloadFailed;
    case engine::EventKind::Recycle: return Message::Recycle;
    case engine::EventKind::Unhealthy: return Message::Unhealthy;
    case engine::EventKind::Healthy: return Message::Healthy;
    }
    return Message::Signal;
}

std::vector<LogField> event_fields(const engine::ProcessEvent& event, const std::string& name_space)
{
    std::vector<LogField> fields{{"MESSAGE_ID", std::string(message_id(message_of(event.kind)))},
                                 {"PM_APP", event.app},
                                 {"PM_INSTANCE", std::to_string(event.slot.value)},
                                 {"PM_ID", std::to_string(event.id.value)},
                                 {"PM_GENERATION", std::to_string(event.generation.value)},
                                 {"PM_EVENT", std::string(engine::to_string(event.kind))}};
    if (!name_space.empty()) fields.push_back({"PM_NAMESPACE", name_space});
    if (event.exit) add_exit(fields, *event.exit);
    return fields;
}

} // namespace pm::io
