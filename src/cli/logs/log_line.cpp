// SPDX-License-Identifier: Apache-2.0
#include "cli/logs/log_line.hpp"

#include <array>
#include <nlohmann/json.hpp>
#include <syslog.h>

namespace pm::cli {
namespace {

using Json = nlohmann::ordered_json;

template <typename Number>
std::optional<Number> number_of(const Json& object, const char* key)
{
    const auto found = object.find(key);
    if (found == object.end() || !found->is_number()) return std::nullopt;
    return found->get<Number>();
}

bool flag(const Json& object, const char* key)
{
    const auto found = object.find(key);
    return found != object.end() && found->is_boolean() && found->get<bool>();
}

std::string text(const Json& object, const char* key)
{
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

} // namespace

std::optional<LogLine> line_from_json(std::string_view json)
{
    const auto object = Json::parse(json, nullptr, false);
    if (!object.is_object() || !object.contains("line")) return std::nullopt;
    return LogLine{text(object, "app"),
                   number_of<std::uint32_t>(object, "id"),
                   number_of<std::uint32_t>(object, "slot"),
                   text(object, "stream"),
                   text(object, "line"),
                   number_of<std::uint64_t>(object, "time"),
                   number_of<int>(object, "priority"),
                   flag(object, "continued"),
                   flag(object, "partial"),
                   {}};
}

std::string piece_key(const LogLine& line)
{
    const auto number = [](const std::optional<std::uint32_t>& value) { return value ? std::to_string(*value) : "-"; };
    return line.app + '\n' + number(line.id) + '\n' + number(line.slot) + '\n' + line.stream + '\n' + line.origin;
}

std::string to_json(const LogLine& line)
{
    Json object{{"app", line.app}};
    if (line.id) object["id"] = *line.id;
    if (line.slot) object["slot"] = *line.slot;
    object["stream"] = line.stream;
    object["line"] = line.text;
    if (line.continued) object["continued"] = true;
    if (line.partial) object["partial"] = true;
    if (line.time) object["time"] = *line.time;
    if (line.priority) object["priority"] = *line.priority;
    return object.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::optional<int> priority_from(std::string_view word) noexcept
{
    constexpr std::array<std::string_view, 8> kNames{"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"};
    for (std::size_t i = 0; i < kNames.size(); ++i)
        if (word == kNames[i] || (word.size() == 1 && word.front() == static_cast<char>('0' + i))) return static_cast<int>(i);
    return std::nullopt;
}

int priority_of(std::string_view text, std::string_view stream) noexcept
{
    if (text.size() >= 3 && text[0] == '<' && text[1] >= '0' && text[1] <= '7' && text[2] == '>') return text[1] - '0';
    return stream == "err" ? LOG_NOTICE : LOG_INFO; // as logs/journal_stream.hpp declares them
}

} // namespace pm::cli
