// SPDX-License-Identifier: Apache-2.0
#include "channel/custom_messages.hpp"

#include "base/text.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <optional>

namespace pm::channel {
namespace {

using Json = nlohmann::json;
using Bounds = model::CustomBounds;

/// Longer ones are not looked into: what is within the bounds is shorter by far.
constexpr std::size_t kMostReport = std::size_t{256} << 10;
constexpr std::size_t kMostReply = std::size_t{1} << 20;

/// A short text without control characters, as it is shown to people and named on command lines.
bool is_word(const std::string& text, std::size_t most)
{
    return text.size() <= most && base::printable(text) == text;
}

/// The member `data` of a message that is not too long; null when there is none. The message was glanced at: it is not too deep.
Json data_of(std::string_view line, std::size_t most)
{
    if (line.size() > most) return nullptr;
    const Json message = Json::parse(line, nullptr, false);
    if (!message.is_object()) return nullptr;
    const auto data = message.find("data");
    return data == message.end() ? Json() : *data;
}

/// A member that is a short text, empty when there is none; `good` becomes false when it is something else.
std::string word_of(const Json& from, const char* name, std::size_t most, bool& good)
{
    const auto found = from.find(name);
    if (found == from.end() || found->is_null()) return {};
    if (found->is_string() && is_word(found->get_ref<const std::string&>(), most)) return found->get<std::string>();
    good = false;
    return {};
}

std::optional<model::MetricValue> value_of(const Json& from)
{
    if (from.is_boolean()) return from.get<bool>();
    if (from.is_number_unsigned() && from.get<std::uint64_t>() > INT64_MAX) return from.get<double>();
    if (from.is_number_integer()) return from.get<std::int64_t>();
    if (from.is_number_float()) return from.get<double>();
    if (from.is_string() && from.get_ref<const std::string&>().size() <= Bounds::kText)
        return base::printable(from.get_ref<const std::string&>());
    return std::nullopt;
}

/// False: it is no metric, or one that cannot be kept.
bool take_metric(const std::string& name, const Json& from, model::CustomData& data)
{
    const bool whole = from.is_object();
    const auto member = whole ? from.find("value") : from.end();
    if (whole ? member == from.end() || member->is_null() : from.is_null()) return true; // tx2, before it is first set
    const auto value = value_of(whole ? *member : from);
    const bool has_room = data.metrics.size() < Bounds::kMetrics || data.metrics.contains(name);
    if (name.empty() || !is_word(name, Bounds::kName) || !value || !has_room) return false;
    bool good = true;
    model::CustomMetric metric{.value = *value, .unit = {}, .type = {}};
    if (whole) metric.unit = word_of(from, "unit", Bounds::kWord, good);
    if (whole) metric.type = word_of(from, "type", Bounds::kWord, good);
    data.metrics.insert_or_assign(name, std::move(metric));
    return good;
}

/// Older libraries put it beside the name, newer ones into the options.
std::string comment_of(const Json& action, bool& good)
{
    std::string comment = word_of(action, "comment", Bounds::kText, good);
    const auto options = action.find("opts");
    if (!comment.empty() || options == action.end() || !options->is_object()) return comment;
    return word_of(*options, "comment", Bounds::kText, good);
}

} // namespace

bool is_for_manager(std::string_view type) noexcept
{
    return type == "axm:monitor" || type == "axm:action" || type.starts_with("axm:option:");
}

bool read_metrics(std::string_view line, model::CustomData& data)
{
    const Json metrics = data_of(line, kMostReport);
    if (!metrics.is_object()) return false;
    bool good = true;
    for (const auto& [name, metric] : metrics.items()) good = take_metric(name, metric, data) && good;
    return good;
}

bool read_action(std::string_view line, model::CustomData& data)
{
    const Json from = data_of(line, kMostReport);
    if (!from.is_object()) return false;
    bool good = true;
    const std::string name = word_of(from, "action_name", Bounds::kName, good);
    const bool has_room = data.actions.size() < Bounds::kActions || data.actions.contains(name);
    if (name.empty() || !has_room) return false;
    model::CustomAction action;
    action.type = word_of(from, "action_type", Bounds::kWord, good);
    action.comment = comment_of(from, good);
    const auto arity = from.find("arity");
    if (arity != from.end() && arity->is_number_unsigned() && arity->get<std::uint64_t>() <= UINT32_MAX)
        action.arity = arity->get<std::uint32_t>();
    data.actions.insert_or_assign(name, std::move(action));
    return good;
}

base::Result<std::string> read_return(std::string_view line)
{
    if (line.size() > kMostReply)
        return base::fail(base::ErrorCode::LimitExceeded, fmt::format("its reply is longer than {}", base::format_bytes(kMostReply)));
    const Json data = data_of(line, kMostReply);
    const auto returned = data.is_object() ? data.find("return") : data.end();
    if (!data.is_object() || returned == data.end()) return "null";
    return returned->dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string action_call(std::string_view action, std::string_view params, base::InstanceId id)
{
    const Json call = params.empty() ? Json(action) : Json{{"msg", action}, {"opts", params}, {"id", id.value}};
    return call.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
}

} // namespace pm::channel
