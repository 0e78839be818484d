// SPDX-License-Identifier: Apache-2.0
// Custom metrics and actions of the processes: what they announce, and how an action is called and answered.
#include "channel/custom_messages.hpp"
#include "channel/node_channels.hpp"

#include <fmt/format.h>
#include <utility>

namespace pm::channel {

using base::ErrorCode;
using base::fail;
using base::Result;

/// Every message of the app's own comes by here. True: it is none for others.
bool NodeChannels::on_custom(NodeWorker& worker, const NodeMessage& message, std::string_view line)
{
    if (message.type == "axm:reply") {
        if (!triggers_.waits(worker.key(), message.action)) return false;
        triggers_.answer(worker.key(), message.action, read_return(line));
        return true;
    }
    if (!is_for_manager(message.type)) return false;
    bool good = true;
    if (message.type == "axm:monitor") good = read_metrics(line, worker.custom);
    if (message.type == "axm:action") {
        good = read_action(line, worker.custom);
        on_state();
    }
    using Bounds = model::CustomBounds;
    if (!good && !std::exchange(worker.overdid, true))
        warn_(fmt::format("app '{}', process {} sends custom metrics or actions that are none, too many or too long; they are ignored "
                          "(at most {} metrics and {} actions, names up to {} bytes, texts up to {}, units and types up to {})",
                          worker.app(), worker.key().id.value, Bounds::kMetrics, Bounds::kActions, Bounds::kName, Bounds::kText,
                          Bounds::kWord));
    return true;
}

const model::CustomData* NodeChannels::custom_data(engine::ProcessKey key) const
{
    const NodeWorker* worker = find(key);
    return worker != nullptr ? &worker->custom : nullptr;
}

Result<void> NodeChannels::trigger(engine::ProcessKey key, const engine::TriggerRequest& request, engine::Triggered answered)
{
    const NodeWorker* worker = find(key);
    if (worker == nullptr || !worker->is_open()) return fail(ErrorCode::NotSupported, "it has no message channel");
    const auto action = worker->custom.actions.find(request.action);
    if (action == worker->custom.actions.end()) return fail(ErrorCode::NoSuchAction, "it announced no such action");
    if (action->second.type == "scoped") // answered piece by piece, to PM2's web service alone
        return fail(ErrorCode::NotSupported, fmt::format("its action '{}' answers with a stream, which cannot be shown", request.action));
    if (!triggers_.has_room(key))
        return fail(ErrorCode::LimitExceeded, fmt::format("it has {} actions to answer already", NodeTriggers::kMostOfProcess));
    if (!worker->post({.text = action_call(request.action, request.params, key.id), .internal = false}))
        return fail(ErrorCode::LimitExceeded, "too much waits to be read by the process");
    triggers_.add(key, request, std::move(answered));
    return {};
}

} // namespace pm::channel
