// SPDX-License-Identifier: Apache-2.0
#include "cli/view/describe.hpp"

#include "base/text.hpp"
#include "cli/view/list.hpp"
#include "config/app_file.hpp"

#include <cstring>
#include <ctime>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace pm::cli {
namespace {

using Json = nlohmann::ordered_json;
using Lines = std::vector<std::pair<std::string, std::string>>;

std::string local_time(std::uint64_t usec)
{
    const auto seconds = static_cast<std::time_t>(usec / 1'000'000);
    std::tm parts{};
    localtime_r(&seconds, &parts);
    char text[64];
    return {text, std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S %z", &parts)};
}

std::optional<model::AppSpec> spec_of(const AppInfo& app)
{
    config::ParseOptions options;
    options.base_dir = "/";
    options.home = "/";
    config::AppFile file = config::parse_app_file(app.spec, options);
    if (!file.ok() || file.apps.size() != 1) return std::nullopt;
    return std::move(file.apps.front());
}

std::string restart_policy(const model::AppSpec& spec)
{
    const model::RestartPolicy& policy = spec.restart;
    if (!policy.autorestart) return "never";
    std::string text = fmt::format("always, at most {} times in a row when up for less than {}", policy.max_restarts,
                                   base::format_duration(policy.min_uptime));
    if (policy.restart_delay.count() > 0) text += ", after " + base::format_duration(policy.restart_delay);
    if (policy.exp_backoff_restart_delay.count() > 0)
        text += ", with growing delays from " + base::format_duration(policy.exp_backoff_restart_delay);
    if (!policy.stop_exit_codes.empty()) text += fmt::format(", not after exit code {}", fmt::join(policy.stop_exit_codes, ", "));
    return text;
}

const LastExit* last_exit(const Row& row, const AppInfo& app)
{
    for (const LastExit& last : app.last_exits)
        if (last.slot == row.slot) return &last;
    return nullptr;
}

const LogFiles* log_files(const Row& row, const AppInfo& app)
{
    for (const LogFiles& files : app.log_files)
        if (files.slot == row.slot) return &files;
    return nullptr;
}

void add_state(Lines& lines, const Row& row, const AppInfo& app)
{
    lines.emplace_back("status", row.status);
    if (!row.reason.empty()) lines.emplace_back("reason", row.reason);
    for (const std::string& warning : app.warnings) lines.emplace_back("warning", warning);
    lines.emplace_back("name", row.app);
    lines.emplace_back("namespace", row.name_space);
    lines.emplace_back("id", fmt::format("{} (slot {})", row.id, row.slot));
    lines.emplace_back("pid", row.pid != 0 ? std::to_string(row.pid) : "-");
    lines.emplace_back("uptime", row.pid != 0 ? base::format_duration(std::chrono::microseconds(row.uptime_usec)) : "-");
    lines.emplace_back("restarts", std::to_string(row.restarts));
    lines.emplace_back("unstable restarts", std::to_string(row.unstable_restarts));
    if (const LastExit* last = last_exit(row, app); last != nullptr && !last->kind.empty())
        lines.emplace_back("last exit", last_exit_text(*last));
    if (row.pid != 0) {
        lines.emplace_back("cpu", fmt::format("{:.1f}%", row.cpu_percent));
        lines.emplace_back("memory", base::format_bytes(row.memory_bytes));
    }
    lines.emplace_back("user", row.user);
}

/// "unix:/run/x.sock (dgram)": of other addresses the text itself says all.
std::string listen_text(const model::ListenAddress& address)
{
    std::string text = model::to_string(address);
    if (!model::is_ip(address.kind) && address.type != model::SocketType::Stream)
        text += fmt::format(" ({})", model::to_string(address.type));
    return text;
}

/// What of it is not as usual.
std::string reload_text(const model::ReloadPolicy& reload)
{
    std::vector<std::string> parts;
    if (reload.mode == model::ReloadMode::Signal) return "by " + base::signal_name(reload.signal);
    if (reload.mode) parts.emplace_back(model::to_string(*reload.mode));
    if (reload.parallel > 1) parts.push_back(fmt::format("{} at once", reload.parallel));
    if (reload.max_unavailable > 0) parts.push_back(fmt::format("{} may be away", reload.max_unavailable));
    return base::join(parts, ", ");
}

std::string health_text(const model::HealthSpec& health)
{
    std::string text = health.command.empty() ? model::to_string(health.target) : base::join(health.command, " ");
    if (health.retries > 0) text += fmt::format(", every {}; {} failures in a row: unhealthy", base::format_duration(health.interval), health.retries);
    return text;
}

std::string watch_text(const model::WatchSpec& watch)
{
    std::string text = (watch.paths.empty() ? "files below cwd" : base::join(watch.paths, ", ")) + " change";
    if (!watch.ignore.empty()) text += ", but " + base::join(watch.ignore, ", ");
    return text;
}

/// How instances share a port, and where.
void add_cluster(Lines& lines, const AppInfo& app)
{
    if (app.cluster.empty() || app.cluster == "none") return;
    lines.emplace_back("cluster", app.cluster);
    for (const std::string& address : app.listening) lines.emplace_back("listens", address);
    if (!app.reload_hint.empty()) lines.emplace_back("note", app.reload_hint);
}

void add_spec(Lines& lines, const model::AppSpec& spec)
{
    lines.emplace_back("script", spec.script);
    if (!spec.args.empty()) lines.emplace_back("args", base::join(spec.args, " "));
    lines.emplace_back("interpreter", spec.interpreter.value_or("by the script"));
    if (!spec.interpreter_args.empty()) lines.emplace_back("interpreter args", base::join(spec.interpreter_args, " "));
    lines.emplace_back("cwd", spec.cwd);
    if (!spec.depends_on.empty()) {
        std::vector<std::string> needs;
        for (const auto& [app, condition] : spec.depends_on) needs.push_back(fmt::format("{} ({})", app, model::to_string(condition)));
        lines.emplace_back("depends on", base::join(needs, ", "));
    }
    for (const model::ListenAddress& address : spec.listen)
        lines.emplace_back("listen", listen_text(address));
    const model::ServingSpec& serving = spec.serving;
    if (serving.ready) lines.emplace_back("ready", fmt::format("{}, within {}", model::to_string(*serving.ready), base::format_duration(serving.listen_timeout)));
    if (spec.health) lines.emplace_back("checked by", health_text(*spec.health));
    if (serving.watchdog.count() > 0) lines.emplace_back("watchdog", base::format_duration(serving.watchdog));
    if (const std::string reload = reload_text(serving.reload); !reload.empty()) lines.emplace_back("reload", reload);
    lines.emplace_back("restart", restart_policy(spec));
    if (spec.upkeep.max_memory) lines.emplace_back("replaced beyond", fmt::format("{:.4g} MiB of memory", static_cast<double>(*spec.upkeep.max_memory) / (1u << 20)));
    if (!spec.upkeep.cron.empty()) lines.emplace_back("replaced at", spec.upkeep.cron);
    if (spec.upkeep.watch.on) lines.emplace_back("replaced when", watch_text(spec.upkeep.watch));
    lines.emplace_back("stop", fmt::format("{}, SIGKILL after {}", base::signal_name(spec.kill_signal),
                                           base::format_duration(spec.kill_timeout)));
}

/// A number as it is, without the unit that some libraries put into the text as well.
std::string metric_text(const Metric& metric)
{
    const Json value = std::visit([](const auto& one) { return Json(one); }, metric.value);
    std::string text = value.is_string() ? value.get<std::string>() : value.dump();
    if (metric.unit.empty() || text.ends_with(metric.unit)) return text;
    return text + " " + metric.unit;
}

const CustomInfo& custom_of(const Row& row, const AppInfo& app)
{
    static const CustomInfo kNone;
    const auto found = app.custom.find(row.id);
    return found == app.custom.end() ? kNone : found->second;
}

void add_custom(Lines& lines, const CustomInfo& custom)
{
    for (const Metric& metric : custom.metrics) lines.emplace_back("custom metric", metric.name + ": " + metric_text(metric));
    for (const Action& action : custom.actions)
        lines.emplace_back("action", action.name + (action.comment.empty() ? "" : ": " + action.comment));
}

void add_files(Lines& lines, const Row& row, const AppInfo& app)
{
    if (const LogFiles* files = log_files(row, app)) {
        const std::string elsewhere = app.log_target == "journal" ? "the journal" : "not kept";
        lines.emplace_back("stdout", files->out.empty() ? elsewhere : files->out);
        lines.emplace_back("stderr", files->err.empty() ? elsewhere : files->err);
    }
    lines.emplace_back("created", local_time(app.created_at_usec));
}

void put_custom(Json& item, const CustomInfo& custom)
{
    item["metrics"] = Json::object();
    for (const Metric& metric : custom.metrics) {
        const Json value = std::visit([](const auto& one) { return Json(one); }, metric.value);
        item["metrics"][metric.name] = {{"value", value}, {"unit", metric.unit}, {"type", metric.type}};
    }
    item["actions"] = Json::array();
    for (const Action& action : custom.actions)
        item["actions"].push_back(
            {{"name", action.name}, {"type", action.type}, {"arity", action.arity}, {"comment", action.comment}});
}

Json json_of(const Row& row, const AppInfo& app)
{
    Json item = Json::parse(list_json({row})).front();
    item["app_status"] = app.status;
    item["app_reason"] = app.reason;
    item["owner_uid"] = app.owner;
    item["warnings"] = app.warnings;
    item["created_at_usec"] = app.created_at_usec;
    const LastExit* last = last_exit(row, app);
    if (last != nullptr && !last->kind.empty())
        item["last_exit"] = {{"kind", last->kind}, {"code", last->code}, {"text", last_exit_text(*last)}};
    else
        item["last_exit"] = nullptr;
    item["log_target"] = app.log_target;
    item["cluster"] = app.cluster;
    item["listening"] = app.listening;
    item["reload_hint"] = app.reload_hint;
    item["watches"] = app.watches;
    item["watched_directories"] = app.watched_directories;
    put_custom(item, custom_of(row, app));
    const LogFiles* files = log_files(row, app);
    item["out_file"] = files != nullptr ? files->out : "";
    item["error_file"] = files != nullptr ? files->err : "";
    if (const auto spec = spec_of(app)) {
        item["script"] = spec->script;
        item["args"] = spec->args;
        item["interpreter"] = spec->interpreter ? Json(*spec->interpreter) : Json();
        item["interpreter_args"] = spec->interpreter_args;
        item["cwd"] = spec->cwd;
        item["depends_on"] = Json::object();
        for (const auto& [need, condition] : spec->depends_on) item["depends_on"][need] = model::to_string(condition);
        item["listen"] = Json::array();
        for (const model::ListenAddress& address : spec->listen) item["listen"].push_back(listen_text(address));
        item["autorestart"] = spec->restart.autorestart;
        item["max_restarts"] = spec->restart.max_restarts;
        item["min_uptime_msec"] = spec->restart.min_uptime.count();
        if (spec->upkeep.max_memory) item["max_memory_restart"] = *spec->upkeep.max_memory;
        if (!spec->upkeep.cron.empty()) item["cron_restart"] = spec->upkeep.cron;
        item["kill_signal"] = base::signal_name(spec->kill_signal);
        item["kill_timeout_msec"] = spec->kill_timeout.count();
    }
    item["spec"] = app.spec;
    return item;
}

} // namespace

std::string last_exit_text(const LastExit& last)
{
    if (last.kind == "exited") return fmt::format("exit code {}", last.code);
    if (last.kind == "signaled") return base::signal_name(last.code);
    if (last.kind == "launch-failed") // 0: for another reason than a system call; the reason of the state says which
        return last.code == 0 ? "could not be started"
                              : fmt::format("could not be started: {}", std::strerror(last.code));
    return last.kind.empty() ? std::string() : "gone, nobody knows how";
}

std::string describe_text(const Row& row, const AppInfo& app, const Terminal& terminal)
{
    Lines lines;
    add_state(lines, row, app);
    if (const auto spec = spec_of(app)) add_spec(lines, *spec);
    if (app.watches) lines.emplace_back("watched", app.watched_directories > 0 ? fmt::format("{} {}", app.watched_directories, app.watched_directories == 1 ? "directory" : "directories") : "nothing at the moment");
    add_cluster(lines, app);
    add_custom(lines, custom_of(row, app));
    add_files(lines, row, app);
    std::size_t width = 0;
    for (const auto& [title, value] : lines) width = std::max(width, title.size());
    std::string text;
    for (const auto& [title, value] : lines) {
        const Colour colour = title == "status" ? colour_of_status(value) : Colour::None;
        text += paint(fmt::format("{:>{}}", title, width), Colour::Bold, terminal.colour) + "  " +
                paint(base::printable(value), colour, terminal.colour) + "\n";
    }
    return text;
}

std::string describe_json(const std::vector<std::pair<Row, AppInfo>>& instances)
{
    Json list = Json::array();
    for (const auto& [row, app] : instances) list.push_back(json_of(row, app));
    return list.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

} // namespace pm::cli
