// SPDX-License-Identifier: Apache-2.0
#include "cli/app_text.hpp"

#include "cli/log_paths.hpp"

#include "base/fd.hpp"
#include "base/path.hpp"
#include "base/text.hpp"
#include "cli/app_lookup.hpp"
#include "config/app_file.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace pm::cli {
namespace {

constexpr std::size_t kMostBytes = config::ParseOptions{}.max_bytes;

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

/// What a shell can have exported as a variable; exported functions and other oddities stay out.
bool is_variable(std::string_view name)
{
    const auto good = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; };
    return !name.empty() && std::isdigit(static_cast<unsigned char>(name.front())) == 0 && std::ranges::all_of(name, good);
}

nlohmann::ordered_json environment_of(const std::vector<std::string>& environment, const std::vector<std::string>& filter)
{
    auto variables = nlohmann::ordered_json::object();
    for (const std::string& entry : environment) {
        const auto equals = entry.find('=');
        const std::string name = entry.substr(0, equals);
        const auto drops = [&name](const std::string& part) { return name.find(part) != std::string::npos; };
        if (equals == std::string::npos || !is_variable(name) || std::ranges::any_of(filter, drops)) continue;
        if (name == "_") continue; // the shell's note about its last command: would make every start a change
        variables[name] = entry.substr(equals + 1);
    }
    return variables;
}

} // namespace

Outcome<AppText> read_app_text(const Context& context, const std::string& file)
{
    AppText app;
    if (file == "-") {
        auto text = read_bounded(STDIN_FILENO, "stdin");
        if (!text) return failed(text.error());
        return AppText{std::move(*text), "stdin", "stdin", context.cwd, false, {}};
    }
    app.shown = file;
    app.origin = base::absolute_path(context.cwd, file);
    app.directory = base::directory_of(app.origin);
    const base::Fd fd(open(file.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return failed(kUsage, base::fail_errno(fmt::format("opening '{}'", file), errno).value().message);
    auto text = read_bounded(fd.get(), file);
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
                            "min_uptime", "uid", "gid", "listen_timeout", "drain"})
        number_or_text(key);
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
    app["env"] = environment_of(environment, options.filter_env);
    nlohmann::ordered_json file;
    file["apps"] = nlohmann::ordered_json::array({std::move(app)});
    const std::string text = file.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
    return {text, "command line", "command line", cwd, true, {}};
}

} // namespace pm::cli
