// SPDX-License-Identifier: Apache-2.0
#include "config/settings.hpp"

#include "config/setting_keys.hpp"
#include "model/name_table.hpp"

namespace pm::config {
namespace {

constexpr model::NameTable<BusKind, 3> kBusKinds{
    {{{BusKind::System, "system"}, {BusKind::Session, "session"}, {BusKind::Embedded, "embedded"}}}};
constexpr model::NameTable<LauncherKind, 2> kLauncherKinds{
    {{{LauncherKind::Systemd, "systemd"}, {LauncherKind::Direct, "direct"}}}};
constexpr model::NameTable<LogLevel, 5> kLogLevels{{{{LogLevel::Error, "error"},
                                                     {LogLevel::Warning, "warning"},
                                                     {LogLevel::Notice, "notice"},
                                                     {LogLevel::Info, "info"},
                                                     {LogLevel::Debug, "debug"}}}};
constexpr std::size_t kMaxText = 256u << 10;

void parse(std::string_view text, Report& report, Settings& settings)
{
    TreeLimits limits;
    limits.max_bytes = kMaxText;
    const Tree tree = read_yaml(text, limits, report);
    if (tree.root == nullptr || tree.root->kind == Node::Kind::Null) return;
    const Path here;
    setting_keys().read(settings, Field(*tree.root, tree.root->mark, here, report));
}

} // namespace

std::string_view to_string(BusKind kind) noexcept { return kBusKinds.name(kind); }
std::optional<BusKind> bus_kind_from(std::string_view name) noexcept { return kBusKinds.value(name); }
std::string_view to_string(LauncherKind kind) noexcept { return kLauncherKinds.name(kind); }
std::optional<LauncherKind> launcher_kind_from(std::string_view name) noexcept { return kLauncherKinds.value(name); }
std::string_view to_string(LogLevel level) noexcept { return kLogLevels.name(level); }
std::optional<LogLevel> log_level_from(std::string_view name) noexcept { return kLogLevels.value(name); }

bool SettingsFile::ok() const noexcept { return without_errors(diagnostics); }

SettingsFile parse_settings(std::string_view text)
{
    SettingsFile file;
    try {
        Report report;
        parse(text, report, file.settings);
        file.diagnostics = report.take();
    } catch (const std::exception& fault) { // out of memory
        file.diagnostics.push_back({Severity::Error, 0, 0, {}, std::string("the settings cannot be read: ") + fault.what()});
    }
    return file;
}

} // namespace pm::config
