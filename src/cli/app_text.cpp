// SPDX-License-Identifier: Apache-2.0
#include "cli/app_text.hpp"

#include "cli/log_paths.hpp"

#include "base/fd.hpp"
#include "base/file_fact.hpp"
#include "base/path.hpp"
#include "base/text.hpp"
#include "cli/app_lookup.hpp"
#include "cli/javascript.hpp"
#include "config/app_file.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <pwd.h>
#include <unistd.h>

namespace pm::cli {
namespace {

constexpr std::size_t kMostFiles = 30'000; ///< whose facts are sent; pmd goes by the spelling for what it was not told
const std::size_t kMostBytes = config::ParseOptions{}.max_bytes;

Outcome<std::string> read_bounded(int fd, const std::string& shown)
{
    std::string text;
    std::array<char, 16384> buffer{};
    for (;;) {
        const ssize_t count = read(fd, buffer.data(), buffer.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return failed(kUsage, base::fail_errno(fmt::format("reading '{}'", shown), errno).value().message);
        if (count == 0) return text;
        text.append(buffer.data(), static_cast<std::size_t>(count));
        if (text.size() > kMostBytes)
            return failed(kUsage, fmt::format("{}: larger than {}: refused", shown, base::format_bytes(kMostBytes)));
    }
}

/// What the caller's shell says of itself: its directory, which is not the app's, and its last command, which would make every start
/// a change.
constexpr std::array<std::string_view, 2> kOfShell{"PWD", "_"};
/// What is the caller's own; another user has others.
constexpr std::array<std::string_view, 6> kOfUser{"HOME", "USER", "LOGNAME", "SHELL", "MAIL", "XDG_RUNTIME_DIR"};

/// Whether `user` (a name or a number) is not the one who runs pmctl.
bool is_another(const std::string& user)
{
    if (const auto uid = base::parse_number<std::uint32_t>(user)) return *uid != getuid();
    const passwd* entry = getpwnam(user.c_str());
    return entry == nullptr || entry->pw_uid != getuid();
}

nlohmann::ordered_json environment_of(const std::vector<std::string>& environment, const std::vector<std::string>& filter, bool for_another)
{
    auto variables = nlohmann::ordered_json::object();
    for (const std::string& entry : environment) {
        const auto equals = entry.find('=');
        const std::string name = entry.substr(0, equals);
        const auto drops = [&name](const std::string& part) { return name.find(part) != std::string::npos; };
        if (equals == std::string::npos || name.empty() || std::ranges::any_of(filter, drops)) continue;
        if (std::ranges::find(kOfShell, name) != kOfShell.end()) continue;
        if (for_another && std::ranges::find(kOfUser, name) != kOfUser.end()) continue;
        variables[name] = entry.substr(equals + 1);
    }
    return variables;
}

/// PM2 does not know the key `env_file`: apps run without such a file, and people should hear of it.
void warn_of_missing_files(const AppText& text, const std::vector<model::AppSpec>& apps)
{
    for (const model::AppSpec& app : apps)
        for (const std::string& file : app.env_files)
            if (file.starts_with('-') && access(file.c_str() + 1, F_OK) < 0)
                err(base::printable(fmt::format("{}: warning: env_file of '{}': '{}' is not there; the app runs without it", text.shown, app.name,
                                                file.substr(1))) + "\n");
}

} // namespace

Failure with_place_of_paths(const Context& context, const AppText& text, Failure failure)
{
    constexpr std::string_view kScript = "finding script '";
    if (text.directory.empty() || text.directory == context.cwd || failure.message.find(std::strerror(ENOENT)) == std::string::npos) return failure;
    const auto script = failure.message.find(kScript);
    const bool relative_script = script != std::string::npos && failure.message[script + kScript.size()] != '/';
    if (relative_script || failure.message.find("'" + text.directory + "/") != std::string::npos)
        failure.message += fmt::format("\nrelative paths of '{}' start at its directory '{}', not where pmctl is called", text.shown, text.directory);
    return failure;
}

Outcome<AppText> read_app_text(const Context& context, const std::string& file, bool strict)
{
    if (file == "-") {
        auto text = read_bounded(STDIN_FILENO, "stdin");
        if (!text) return failed(text.error());
        AppText app;
        app.text = std::move(*text);
        app.origin = app.shown = "stdin";
        app.directory = context.cwd;
        return app;
    }
    AppText app;
    app.shown = file;
    app.dialect = strict ? config::Dialect::Own : dialect_of(file);
    app.origin = base::absolute_path(context.cwd, file);
    app.directory = base::directory_of(app.origin);
    const base::Fd fd(open(file.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return failed(kUsage, base::fail_errno(fmt::format("opening '{}'", file), errno).value().message);
    app.evaluated = is_javascript(file);
    auto text = app.evaluated ? evaluate_javascript(context, file, kMostBytes) : read_bounded(fd.get(), file);
    if (!text) return failed(text.error());
    app.text = std::move(*text);
    return app;
}

bool check_app_text(const Context& context, AppText& text, const Selection& selection, bool warnings)
{
    config::ParseOptions options;
    options.base_dir = text.directory;
    options.home = context.home;
    options.profile = selection.profile;
    options.only = selection.only;
    options.name_space = selection.name_space;
    options.env_from_caller = text.caller_environment;
    options.dialect = text.dialect;
    options.evaluated = text.evaluated;
    options.look = [&text](const model::AppSpec&, const std::string& path) {
        auto fact = base::file_fact(path);
        if (fact && text.files.size() < kMostFiles && base::is_valid_utf8(path) && base::is_valid_utf8(*fact)) text.files[path] = *fact;
        return fact;
    };
    const config::AppFile file = config::parse_app_file(text.text, options);
    for (config::Diagnostic diagnostic : file.diagnostics) {
        if (!warnings && diagnostic.severity == config::Severity::Warning) continue;
        if (text.caller_environment) { // there is no file to point into
            diagnostic.line = diagnostic.column = 0;
            if (diagnostic.path.starts_with("apps[0].")) diagnostic.path.erase(0, 8);
        }
        err(base::printable(config::to_string(diagnostic, text.shown)) + "\n");
    }
    for (const model::AppSpec& app : file.apps) text.names.push_back(app.name);
    if (warnings && text.dialect != config::Dialect::Own) warn_of_missing_files(text, file.apps);
    const std::vector<std::string> no_files = warnings ? faults_of_log_paths(file.apps) : std::vector<std::string>();
    for (const std::string& fault : no_files) err(base::printable(text.shown + ": " + fault) + "\n");
    return file.ok() && no_files.empty();
}

AppText script_text(const std::string& script, const std::string& cwd, const ScriptOptions& options,
                    const std::vector<std::string>& environment)
{
    nlohmann::ordered_json app;
    const bool is_file = !file_path(script, cwd).empty();
    app["name"] = options.name.value_or(is_file ? name_of_file(script) : default_name(script));
    app["script"] = script;
    app["cwd"] = options.cwd ? (options.cwd->starts_with('/') ? *options.cwd : cwd + "/" + *options.cwd) : cwd;
    if (!options.args.empty()) app["args"] = options.args;
    const auto set = [&app](const char* key, const std::optional<std::string>& value) {
        if (value) app[key] = *value;
    };
    set("namespace", options.name_space);
    set("instances", options.instances);
    set("interpreter", options.interpreter);
    set("interpreter_args", options.interpreter_args);
    set("out_file", options.out_file);
    set("error_file", options.error_file);
    set("log_file", options.log_file);
    set("pid_file", options.pid_file);
    set("log_date_format", options.log_date_format);
    set("log_type", options.log_type);
    set("kill_timeout", options.kill_timeout);
    set("kill_signal", options.kill_signal);
    set("restart_delay", options.restart_delay);
    set("exp_backoff_restart_delay", options.exp_backoff_restart_delay);
    set("max_restarts", options.max_restarts);
    set("min_uptime", options.min_uptime);
    set("max_memory_restart", options.max_memory_restart);
    set("cron_restart", options.cron_restart);
    set("uid", options.user);
    set("gid", options.group);
    set("cluster", options.cluster);
    set("ready", options.ready);
    set("listen_timeout", options.listen_timeout);
    set("drain", options.drain);
    const auto number_or_text = [&app](const char* key) { // "4" as a number, "max" and "5s" as they are
        if (!app.contains(key)) return;
        if (const auto number = base::parse_number<std::int64_t>(app[key].get<std::string>())) app[key] = *number;
    };
    for (const char* key : {"instances", "kill_timeout", "restart_delay", "exp_backoff_restart_delay", "max_restarts",
                            "min_uptime", "uid", "gid", "listen_timeout", "drain", "max_memory_restart"})
        number_or_text(key);
    if (options.watch) app["watch"] = options.watch_paths.empty() ? nlohmann::ordered_json(true) : nlohmann::ordered_json(options.watch_paths);
    if (!options.ignore_watch.empty()) app["ignore_watch"] = options.ignore_watch;
    if (options.watch_delay) // PM2 takes seconds here, and milliseconds in files
        app["watch_delay"] = base::parse_number<std::int64_t>(*options.watch_delay) ? *options.watch_delay + "s" : *options.watch_delay;
    if (options.wait_ready) app["wait_ready"] = true;
    if (options.shutdown_with_message) app["shutdown_with_message"] = true;
    if (options.time) app["time"] = true;
    if (options.merge_logs) app["merge_logs"] = true;
    if (options.disable_logs) app["disable_logs"] = true;
    if (options.no_autorestart) app["autorestart"] = false;
    if (options.no_autostart) app["autostart"] = false;
    if (options.no_treekill) app["treekill"] = false;
    if (!options.stop_exit_codes.empty()) {
        app["stop_exit_codes"] = nlohmann::ordered_json::array();
        for (const std::string& code : options.stop_exit_codes) {
            const auto number = base::parse_number<std::int64_t>(code);
            app["stop_exit_codes"].push_back(number ? nlohmann::ordered_json(*number) : nlohmann::ordered_json(code));
        }
    }
    app["env"] = environment_of(environment, options.filter_env, options.user && is_another(*options.user));
    nlohmann::ordered_json file;
    file["apps"] = nlohmann::ordered_json::array({std::move(app)});
    AppText made;
    made.text = file.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
    made.origin = made.shown = "command line";
    made.directory = cwd;
    made.caller_environment = true;
    return made;
}

} // namespace pm::cli
