// SPDX-License-Identifier: Apache-2.0
#include "base/text.hpp"
#include "config/setting_keys.hpp"
#include "parse_helpers.hpp"

#include <map>

namespace pm::config::test {
namespace {

std::string said(const SettingsFile& file)
{
    std::string text;
    for (const Diagnostic& one : file.diagnostics) text += to_string(one, "f") + "|";
    return text;
}

TEST(Settings, EmptyIsTheDefaults)
{
    for (const char* text : {"", "# nothing\n", "---\n", "{}"}) {
        const SettingsFile file = parse_settings(text);
        EXPECT_TRUE(file.ok()) << said(file);
        EXPECT_EQ(file.settings, Settings{});
    }
}

TEST(Settings, EveryKeyReachesItsMember)
{
    const SettingsFile file = parse_settings("bus: session\nstate_dir: /s\nlog_level: debug\npath: /bin:/usr/bin\ncgroups: false\n"
                                             "stop_timeout: 10s\nmax_apps: 1\nmax_instances: 2\nmax_file_bytes: 1M\n"
                                             "max_calls_per_caller: 3\nmax_log_line: 1K\nmax_log_buffer: 8K\n"
                                             "max_apps_per_user: 4\nmax_instances_per_user: 5\nmax_state_per_user: 64K\n"
                                             "max_sockets: 9\nmax_sockets_per_user: 8\nmax_calls_per_user: 7\nmax_readers_per_user: 6\nmax_file_bytes_per_user: 8K\n"
                                             "launcher: direct\napps_dir: /apps\nlogs: files\n");
    ASSERT_TRUE(file.ok()) << said(file);
    Settings want;
    want.bus = BusKind::Session;
    want.state_dir = "/s";
    want.log_level = LogLevel::Debug;
    want.path = "/bin:/usr/bin";
    want.cgroups = false;
    want.stop_timeout = std::chrono::seconds(10);
    want.max_apps = 1;
    want.max_instances = 2;
    want.max_file_bytes = 1u << 20;
    want.max_calls_per_caller = 3;
    want.max_log_line = 1024;
    want.max_apps_per_user = 4;
    want.max_instances_per_user = 5;
    want.max_state_per_user = 64u << 10;
    want.max_readers_per_user = 6;
    want.max_calls_per_user = 7;
    want.max_sockets = 9;
    want.max_sockets_per_user = 8;
    want.max_file_bytes_per_user = 8u << 10;
    want.max_log_buffer = 8192;
    want.launcher = LauncherKind::Direct;
    want.apps_dir = "/apps";
    want.logs = model::LogTarget::Files;
    EXPECT_EQ(file.settings, want);
    EXPECT_EQ(setting_keys().rows().size(), 23u) << "a setting without a line in this test";
}

TEST(Settings, WrongValuesAreTold)
{
    struct Row {
        std::string text, said;
    };
    const std::vector<Row> rows{
        {"bus: usb", "f:1:6: bus: expected system, session or embedded, not 'usb'|"},
        {"logs: syslog", "f:1:7: logs: expected journal or files, not 'syslog'|"},
        {"launcher: pid1", "f:1:11: launcher: expected systemd or direct, not 'pid1'|"},
        {"apps_dir: rel", "f:1:11: apps_dir: expected an absolute path, not 'rel'|"},
        {"state_dir: rel", "f:1:12: state_dir: expected an absolute path, not 'rel'|"},
        {"log_level: loud", "f:1:12: log_level: expected error, warning, notice, info or debug, not 'loud'|"},
        {"path: /bin::/x", "f:1:7: path: expected absolute directories with ':' between them, not '/bin::/x'|"},
        {"cgroups: on", "f:1:10: cgroups: expected true or false, not 'on'|"},
        {"stop_timeout: 2h", "f:1:15: stop_timeout: expected a time from 1s to 1h, not '2h'|"},
        {"max_apps: 0", "f:1:11: max_apps: expected a number from 1 to 100000, not '0'|"},
        {"max_log_line: 1", "f:1:15: max_log_line: expected a size from 256B to 16.0M, not '1'|"},
        {"max_aps: 1\nbus: x", "f:1:1: max_aps: unknown key, did you mean 'max_apps'?|f:2:6: bus: expected system, session or embedded, not 'x'|"},
        {"bus: system\nbus: system", "f:2:1: bus: given twice, first at line 1|"},
        {"[a]", "f:1:1: expected a map, not a list|"},
        {"a: [", "f:1:1: syntax: end of sequence flow not found|"},
    };
    for (const Row& row : rows) EXPECT_EQ(said(parse_settings(row.text)), row.said) << row.text;
}

TEST(Settings, NamesGoBothWays)
{
    for (BusKind kind : {BusKind::System, BusKind::Session, BusKind::Embedded}) EXPECT_EQ(bus_kind_from(to_string(kind)), kind);
    for (LogLevel level : {LogLevel::Error, LogLevel::Warning, LogLevel::Notice, LogLevel::Info, LogLevel::Debug})
        EXPECT_EQ(log_level_from(to_string(level)), level);
    EXPECT_FALSE(bus_kind_from("user"));
    EXPECT_FALSE(log_level_from("INFO"));
}

TEST(Locations, FollowTheBusTheUserAndTheEnvironment)
{
    using Variables = std::map<std::string, std::string>;
    struct Row {
        BusKind bus;
        uid_t uid;
        Variables environment;
        std::string runtime, state, settings;
        Machine machine{.user_runtime_dir = {}, .host = "box"};
        std::vector<std::string> others{};
    };
    const std::string far = "/" + std::string(90, 'x');
    const std::vector<Row> rows{
        {BusKind::System, 0, {{"XDG_RUNTIME_DIR", "/run/user/0"}}, "/run/pmd", "/var/lib/pmd", "/etc/pmd/pmd.yaml"},
        {BusKind::Embedded, 0, {}, "/run/pmd", "/var/lib/pmd", "/etc/pmd/pmd.yaml"},
        {BusKind::Embedded, 0, {{"XDG_RUNTIME_DIR", "/run/user/0"}}, "/run/user/0/pmd", "/var/lib/pmd", "/etc/pmd/pmd.yaml", {}, {"/run/pmd"}},
        {BusKind::Embedded, 0, {}, "/run/pmd", "/var/lib/pmd", "/etc/pmd/pmd.yaml", {"/run/user/0", "box"}, {"/run/user/0/pmd"}},
        {BusKind::Embedded, 7, {}, "/home/ann/.local/state/pmd/run-box", "/home/ann/.local/state/pmd", "/home/ann/.config/pmd/pmd.yaml", {{}, "box"}, {"/tmp/pmd-7"}},
        {BusKind::Embedded, 7, {}, "/run/user/7/pmd", "/home/ann/.local/state/pmd", "/home/ann/.config/pmd/pmd.yaml", {"/run/user/7", "box"},
         {"/home/ann/.local/state/pmd/run-box", "/tmp/pmd-7"}},
        {BusKind::Session, 7, {{"HOME", "/h/"}, {"XDG_RUNTIME_DIR", "/run/user/7"}}, "/run/user/7/pmd", "/h/.local/state/pmd", "/h/.config/pmd/pmd.yaml",
         {"/run/user/7", "box"}, {"/h/.local/state/pmd/run-box", "/tmp/pmd-7"}},
        {BusKind::Session, 7, {{"XDG_STATE_HOME", "/st"}, {"XDG_CONFIG_HOME", "/co"}}, "/st/pmd/run-box", "/st/pmd", "/co/pmd/pmd.yaml"},
        {BusKind::Session, 7, {{"XDG_STATE_HOME", "rel"}, {"XDG_RUNTIME_DIR", ""}}, "/home/ann/.local/state/pmd/run-box", "/home/ann/.local/state/pmd", "/home/ann/.config/pmd/pmd.yaml"},
        {BusKind::Embedded, 7, {{"PMD_STATE_DIR", far}}, "/tmp/pmd-7", far, "/home/ann/.config/pmd/pmd.yaml"},
        {BusKind::Embedded, 7, {{"PMD_RUNTIME_DIR", "/r"}}, "/r", "/home/ann/.local/state/pmd", "/home/ann/.config/pmd/pmd.yaml", {"/run/user/7", "box"}, {}},
        {BusKind::System, 0, {{"PMD_RUNTIME_DIR", "/r"}, {"PMD_STATE_DIR", "/s"}}, "/r", "/s", "/etc/pmd/pmd.yaml"},
    };
    for (const Row& row : rows) {
        const auto places = locations(row.bus, row.uid, "/home/ann", [&](const std::string& name) -> std::optional<std::string> {
            const auto found = row.environment.find(name);
            return found == row.environment.end() ? std::nullopt : std::optional(found->second);
        }, row.machine);
        EXPECT_EQ(places.runtime_dir, row.runtime);
        if (!row.others.empty()) {
            EXPECT_EQ(places.other_runtime_dirs, row.others);
        }
        EXPECT_EQ(places.state_dir, row.state);
        EXPECT_EQ(places.settings_file, row.settings);
        EXPECT_EQ(places.embedded_address, "unix:path=" + row.runtime + "/bus");
    }
    const auto odd = locations(BusKind::Session, 7, "/h", [](const std::string& name) -> std::optional<std::string> {
        return name == "PMD_RUNTIME_DIR" ? std::optional<std::string>("/a b,c") : std::nullopt;
    }, {});
    EXPECT_TRUE(odd.other_runtime_dirs.empty());
    EXPECT_EQ(odd.embedded_address, "unix:path=/a%20b%2cc/bus");
}

TEST(Locations, ThatAreNoAbsolutePathsAreRefused)
{
    const auto said = [](const std::string& variable, const std::string& value) {
        const auto good = check_locations([&](const std::string& name) {
            return name == variable ? std::optional(value) : std::nullopt;
        });
        return good ? "good" : good.error().message;
    };
    EXPECT_EQ(said("PMD_RUNTIME_DIR", "/run/x"), "good");
    EXPECT_EQ(said("PMD_STATE_DIR", ""), "good");
    EXPECT_EQ(said("PMD_RUNTIME_DIR", "run"), "PMD_RUNTIME_DIR is 'run': it must be an absolute path, or unset");
    EXPECT_EQ(said("PMD_STATE_DIR", "./s"), "PMD_STATE_DIR is './s': it must be an absolute path, or unset");
}

} // namespace
} // namespace pm::config::test
