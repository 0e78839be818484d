// SPDX-License-Identifier: Apache-2.0
#include "watch/settings.hpp"

#include "watch/as_user.hpp"

#include <nlohmann/json.hpp>

namespace pm::watch {
namespace {

using nlohmann::json;

constexpr auto kReplaced = json::error_handler_t::replace;

json list_of(const std::vector<std::string>& values)
{
    json list = json::array();
    for (const std::string& value : values) list.push_back(as_characters(value));
    return list;
}

std::vector<std::string> list_from(const json& from)
{
    std::vector<std::string> values;
    for (const json& value : from) values.push_back(as_bytes(value.get<std::string>()));
    return values;
}

template <typename Value, typename Read>
base::Result<Value> read(std::string_view line, const char* what, Read&& read)
{
    try {
        return read(json::parse(line));
    } catch (const json::exception& error) {
        return base::fail(base::ErrorCode::InvalidArgument, std::string(what) + " cannot be read: " + error.what());
    }
}

constexpr const char* kKinds[] = {"watching", "changed", "trouble"};

} // namespace

std::string to_line(const Settings& settings)
{
    json to = {{"cwd", as_characters(settings.cwd)},
               {"paths", list_of(settings.paths)},
               {"ignore", list_of(settings.ignore)},
               {"own", list_of(settings.own)},
               {"follow_symlinks", settings.follow_symlinks},
               {"poll", settings.poll.count()}};
    if (settings.depth) to["depth"] = *settings.depth;
    if (settings.user) to["user"] = {{"uid", settings.user->uid}, {"gid", settings.user->gid}, {"groups", settings.user->groups}};
    return to.dump(-1, ' ', false, kReplaced) + "\n";
}

base::Result<Settings> settings_from(std::string_view line)
{
    return read<Settings>(line, "what is to be watched", [](const json& from) {
        Settings settings{.user = {},
                          .cwd = as_bytes(from.at("cwd").get<std::string>()),
                          .paths = list_from(from.at("paths")),
                          .ignore = list_from(from.at("ignore")),
                          .own = list_from(from.at("own")),
                          .follow_symlinks = from.at("follow_symlinks"),
                          .depth = {},
                          .poll = std::chrono::milliseconds(from.at("poll").get<std::int64_t>())};
        if (from.contains("depth")) settings.depth = from.at("depth").get<std::uint32_t>();
        if (from.contains("user")) {
            settings.user.emplace();
            settings.user->uid = from.at("user").at("uid");
            settings.user->gid = from.at("user").at("gid");
            settings.user->groups = from.at("user").at("groups").get<std::vector<gid_t>>();
        }
        return settings;
    });
}

std::string to_line(const Report& report)
{
    const json to = {{"kind", kKinds[static_cast<std::size_t>(report.kind)]}, {"text", as_characters(report.text)}, {"number", report.number}};
    return to.dump(-1, ' ', false, kReplaced) + "\n";
}

base::Result<Report> report_from(std::string_view line)
{
    return read<Report>(line, "a report", [](const json& from) {
        Report report{.kind = Report::Kind::Trouble, .text = as_bytes(from.at("text").get<std::string>()), .number = from.at("number")};
        const auto kind = from.at("kind").get<std::string>();
        if (kind == kKinds[0]) report.kind = Report::Kind::Watching;
        if (kind == kKinds[1]) report.kind = Report::Kind::Changed;
        return report;
    });
}

} // namespace pm::watch
