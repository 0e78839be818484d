// SPDX-License-Identifier: Apache-2.0
#include "config/setting_keys.hpp"

#include "base/text.hpp"
#include "config/values.hpp"

#include <climits>
#include <fmt/format.h>

namespace pm::config {
namespace {

using Row = Attribute<Settings>;

void bus(Settings& settings, const Field& field)
{
    const auto kind = field.is(Node::Kind::Scalar) ? bus_kind_from(field.node().text) : std::nullopt;
    if (!kind) return field.expected("system, session or embedded");
    settings.bus = *kind;
}

void launcher(Settings& settings, const Field& field)
{
    const auto kind = field.is(Node::Kind::Scalar) ? launcher_kind_from(field.node().text) : std::nullopt;
    if (!kind) return field.expected("systemd or direct");
    settings.launcher = *kind;
}

void logs(Settings& settings, const Field& field)
{
    const auto target = field.is(Node::Kind::Scalar) ? model::log_target_from(field.node().text) : std::nullopt;
    if (!target || *target == model::LogTarget::Default) return field.expected("journal or files");
    settings.logs = *target;
}

void directory(std::string& to, const Field& field)
{
    std::string path;
    if (!field.text(path)) return;
    if (!path.starts_with('/') || path.size() >= PATH_MAX) return field.expected("an absolute path");
    to = std::move(path);
}

void log_level(Settings& settings, const Field& field)
{
    const auto level = field.is(Node::Kind::Scalar) ? log_level_from(field.node().text) : std::nullopt;
    if (!level) return field.expected("error, warning, notice, info or debug");
    settings.log_level = *level;
}

/// PATH: absolute directories, so that no app's working directory decides what a name means.
void search_path(Settings& settings, const Field& field)
{
    std::string path;
    if (!field.text(path)) return;
    for (const std::string& directory : base::split(path, ':'))
        if (!directory.starts_with('/')) return field.expected("absolute directories with ':' between them");
    settings.path = std::move(path);
}

void stop_timeout(Settings& settings, const Field& field)
{
    model::Milliseconds timeout{};
    if (!field.duration(timeout)) return;
    if (timeout < std::chrono::seconds(1) || timeout > std::chrono::hours(1)) return field.expected("a time from 1s to 1h");
    settings.stop_timeout = timeout;
}

void number(std::uint32_t& to, const Field& field, std::int64_t most)
{
    std::int64_t value = 0;
    if (field.integer(value, 1, most)) to = static_cast<std::uint32_t>(value);
}

void bytes(std::uint32_t& to, const Field& field, std::uint32_t least, std::uint32_t most)
{
    std::uint64_t value = 0;
    if (!field.size(value)) return;
    if (value < least || value > most)
        return field.expected(fmt::format("a size from {} to {}", base::format_bytes(least), base::format_bytes(most)));
    to = static_cast<std::uint32_t>(value);
}

constexpr std::uint32_t kKilo = 1u << 10;
constexpr std::uint32_t kMega = 1u << 20;

constexpr Row kRows[] = {
    {{"bus", {}, Support::Now, Shape::BusKind, "", "Bus to be on: system, session or embedded."}, bus},
    {{"launcher", {}, Support::Now, Shape::LauncherKind, "", "Who makes the processes: systemd or direct."}, launcher},
    {{"state_dir", {}, Support::Now, Shape::Text, "", "Where logs and saved state are."},
     [](Settings& settings, const Field& field) { directory(settings.state_dir, field); }},
    {{"apps_dir", {}, Support::Now, Shape::Text, "", "App files of what starts with pmd."},
     [](Settings& settings, const Field& field) { directory(settings.apps_dir, field); }},
    {{"logs", {}, Support::Now, Shape::LogTarget, "", "Where output of apps goes that do not say: journal or files."}, logs},
    {{"log_level", {}, Support::Now, Shape::LogLevel, "info", "How much pmd says."}, log_level},
    {{"path", {}, Support::Now, Shape::Text, "", "PATH of apps."}, search_path},
    {{"cgroups", {}, Support::Now, Shape::Bool, "true", "Give each instance its own cgroup where that is possible."},
     [](Settings& settings, const Field& field) { field.boolean(settings.cgroups); }},
    {{"stop_timeout", {}, Support::Now, Shape::Duration, "90s", "Time for all apps to end when pmd is stopped."}, stop_timeout},
    {{"max_apps", {}, Support::Now, Shape::Count, "10000", "Most apps."},
     [](Settings& settings, const Field& field) { number(settings.max_apps, field, 100'000); }},
    {{"max_instances", {}, Support::Now, Shape::Count, "10000", "Most instances of all apps together."},
     [](Settings& settings, const Field& field) { number(settings.max_instances, field, 100'000); }},
    {{"max_file_bytes", {}, Support::Now, Shape::Size, "4M", "Longest app file taken."},
     [](Settings& settings, const Field& field) { bytes(settings.max_file_bytes, field, kKilo, 64 * kMega); }},
    {{"max_sockets", {}, Support::Now, Shape::Count, "8192", "Most sockets that are held for all apps together (listen)."},
     [](Settings& settings, const Field& field) { number(settings.max_sockets, field, 16'384); }},
    {{"max_sockets_per_user", {}, Support::Now, Shape::Count, "256", "Most sockets that are held for the apps of one ordinary user."},
     [](Settings& settings, const Field& field) { number(settings.max_sockets_per_user, field, 16'384); }},
    {{"max_calls_per_caller", {}, Support::Now, Shape::Count, "256", "Most unanswered calls of one bus connection."},
     [](Settings& settings, const Field& field) { number(settings.max_calls_per_caller, field, 65'536); }},
    {{"max_calls_per_user", {}, Support::Now, Shape::Count, "512", "Most calls of one ordinary user that wait for their turn or for their answer."},
     [](Settings& settings, const Field& field) { number(settings.max_calls_per_user, field, 65'536); }},
    {{"max_file_bytes_per_user", {}, Support::Now, Shape::Size, "64K", "Longest app file taken of an ordinary user."},
     [](Settings& settings, const Field& field) { bytes(settings.max_file_bytes_per_user, field, kKilo, 64 * kMega); }},
    {{"max_apps_per_user", {}, Support::Now, Shape::Count, "200", "Most apps of one ordinary user."},
     [](Settings& settings, const Field& field) { number(settings.max_apps_per_user, field, 100'000); }},
    {{"max_instances_per_user", {}, Support::Now, Shape::Count, "400", "Most instances of all apps of one ordinary user."},
     [](Settings& settings, const Field& field) { number(settings.max_instances_per_user, field, 100'000); }},
    {{"max_state_per_user", {}, Support::Now, Shape::Size, "8M", "Most bytes that are kept of the apps of one ordinary user."},
     [](Settings& settings, const Field& field) { bytes(settings.max_state_per_user, field, 64 * kKilo, 1024 * kMega); }},
    {{"max_readers_per_user", {}, Support::Now, Shape::Count, "16", "Most readers of logs and messages of one ordinary user."},
     [](Settings& settings, const Field& field) { number(settings.max_readers_per_user, field, 48); }},
    {{"max_log_line", {}, Support::Now, Shape::Size, "64K", "For how many bytes the end of a line of an app is waited for; longer lines are passed on in pieces."},
     [](Settings& settings, const Field& field) { bytes(settings.max_log_line, field, 256, 16 * kMega); }},
    {{"max_log_buffer", {}, Support::Now, Shape::Size, "1M", "Bytes that may wait for one slow reader of logs or messages."},
     [](Settings& settings, const Field& field) { bytes(settings.max_log_buffer, field, 4 * kKilo, 256 * kMega); }},
};

} // namespace

const KeyTable<Settings>& setting_keys()
{
    static const KeyTable<Settings> table(kRows);
    return table;
}

} // namespace pm::config
