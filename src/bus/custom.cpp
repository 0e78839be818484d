// SPDX-License-Identifier: Apache-2.0
#include "bus/custom.hpp"

#include <chrono>
#include <utility>
#include <variant>

namespace pm::bus {
namespace {

constexpr std::uint64_t kMostWait = 3'600'000'000; ///< microseconds

void answer(const std::vector<engine::TriggerReply>& replies, const Reply<std::vector<ReplyRow>>& reply)
{
    std::vector<ReplyRow> rows;
    engine::Outcome outcome;
    for (const engine::TriggerReply& one : replies) {
        rows.emplace_back(one.id.value, one.app, one.returned.value_or(""), one.returned ? "" : one.returned.error().message);
        if (!one.returned) outcome.failures.push_back({one.app, one.id, one.returned.error()});
    }
    if (outcome.failures.size() == rows.size())
        reply.error(summarise(outcome));
    else
        reply.value(rows);
}

} // namespace

base::Result<engine::TriggerRequest> read_trigger(std::string action, std::string params, const OptionMap& option_map)
{
    engine::TriggerRequest request{.action = std::move(action), .params = std::move(params)};
    Options options(option_map);
    const auto timeout = options.get<std::uint64_t>("timeout-usec", static_cast<std::uint64_t>(request.timeout.count()));
    if (auto good = options.check(); !good) return tl::unexpected(good.error());
    if (timeout == 0 || timeout > kMostWait)
        return base::fail(base::ErrorCode::InvalidArgument, "option 'timeout-usec' must be from 1 to an hour");
    request.timeout = std::chrono::microseconds(timeout);
    return request;
}

base::Result<void> trigger(Context& context, const std::string& target, const engine::TriggerRequest& request,
                           const Grant& grant, const Reply<std::vector<ReplyRow>>& reply)
{
    return context.supervisor.trigger(target, request, [reply](const auto& replies) { answer(replies, reply); }, grant.may);
}

std::vector<MetricRow> metric_rows(const model::CustomData& data)
{
    std::vector<MetricRow> rows;
    for (const auto& [name, metric] : data.metrics) {
        sdbus::Variant value = std::visit([](const auto& one) { return sdbus::Variant(one); }, metric.value);
        rows.emplace_back(name, std::move(value), metric.unit, metric.type);
    }
    return rows;
}

std::vector<ActionRow> action_rows(const model::CustomData& data)
{
    std::vector<ActionRow> rows;
    for (const auto& [name, action] : data.actions) rows.emplace_back(name, action.type, action.arity, action.comment);
    return rows;
}

} // namespace pm::bus
