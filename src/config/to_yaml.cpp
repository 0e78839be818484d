// SPDX-License-Identifier: Apache-2.0
// An AppSpec as an app file: what is default is left out, so that people see what was asked for.
#include "base/text.hpp"
#include "model/program.hpp"
#include "config/app_file.hpp"

#include <fmt/format.h>
#include <limits>
#include <nlohmann/json.hpp>

namespace pm::config {
namespace {

bool is_letter(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// Texts that mean themselves in YAML without quotes; words that YAML takes for something else are not among them.
bool is_plain(std::string_view text) noexcept
{
    if (text.empty() || text.size() > 256 || !(is_letter(text.front()) || text.front() == '/')) return false;
    for (const std::string_view word : {"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
        if (text.size() == word.size() && std::equal(text.begin(), text.end(), word.begin(), [](char left, char right) {
                return (left | 0x20) == right;
            }))
            return false;
    constexpr std::string_view kOthers = "0123456789_./-";
    for (char c : text)
        if (!is_letter(c) && kOthers.find(c) == std::string_view::npos) return false;
    return true;
}

constexpr std::size_t kLongestSimpleKey = 1000; ///< YAML 1.2: 1024; a longer one is introduced by '?'

/// A text of JSON is one of YAML.
std::string quoted(const std::string& text)
{
    if (is_plain(text)) return text;
    return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string duration(model::Milliseconds value)
{
    const auto count = value.count();
    return count % 1000 == 0 && count > 0 ? fmt::format("{}s", count / 1000) : fmt::format("{}ms", count);
}

std::string amount(std::uint64_t value)
{
    return value == model::ResourceControl::kInfinity ? "infinity" : std::to_string(value);
}

std::string limit(rlim_t value) { return value == RLIM_INFINITY ? "unlimited" : std::to_string(value); }

/// A format without '%' would be read as one of day.js: brackets make it literal.
std::string date_format(const std::string& format)
{
    if (format.empty() || format.find('%') != std::string::npos) return format;
    std::vector<std::string> parts = base::split(format, ']');
    for (std::string& part : parts)
        if (!part.empty()) part = "[" + part + "]";
    return base::join(parts, "]");
}

std::string signal_text(int signal)
{
    const std::string name = base::signal_name(signal);
    return base::signal_number(name) == signal ? name : std::to_string(signal);
}

std::string rotation(const model::RotateSpec& rotate)
{
    const model::RotateSpec usual;
    std::vector<std::string> parts;
    if (rotate.size > 0) parts.push_back(fmt::format("size: {}", rotate.size));
    if (rotate.age.count() > 0) parts.push_back(fmt::format("age: {}ms", rotate.age.count()));
    if (rotate.keep != usual.keep) parts.push_back(fmt::format("keep: {}", rotate.keep));
    if (rotate.compress) parts.emplace_back("compress: true");
    if (rotate.budget > 0) parts.push_back(fmt::format("budget: {}", rotate.budget));
    return fmt::format("rotate: {{{}}}", fmt::join(parts, ", "));
}

class Writer {
public:
    Writer(const model::AppSpec& spec, bool mask) : spec_(spec), mask_(mask) {}

    std::string write() &&
    {
        out_ = "apps:\n  - name: " + quoted(spec_.name) + "\n";
        program();
        environment();
        listen();
        serving();
        process();
        limits();
        sandbox();
        restarts();
        logs();
        return std::move(out_);
    }

private:
    void line(std::string_view key, std::string_view value) { out_ += fmt::format("    {}: {}\n", key, value); }
    void text(std::string_view key, const std::string& value, std::string_view fallback = {})
    {
        if (value != fallback) line(key, quoted(value));
    }
    template <typename Value>
    void value(std::string_view key, Value given, Value fallback)
    {
        if (given != fallback) line(key, fmt::format("{}", given));
    }
    void time(std::string_view key, model::Milliseconds given, model::Milliseconds fallback)
    {
        if (given != fallback) line(key, duration(given));
    }
    void list(std::string_view key, const std::vector<std::string>& values)
    {
        if (values.empty()) return;
        out_ += fmt::format("    {}:\n", key);
        for (const std::string& value : values) out_ += "      - " + quoted(value) + "\n";
    }

    [[nodiscard]] std::string secret(const std::string& text) const { return mask_ ? std::string(kMask) : text; }
    [[nodiscard]] std::vector<std::string> secrets(const std::vector<std::string>& values) const
    {
        return mask_ ? std::vector<std::string>(values.size(), std::string(kMask)) : values;
    }
    [[nodiscard]] std::string script() const
    {
        const auto space = spec_.script.find(' ');
        return mask_ && space != std::string::npos ? spec_.script.substr(0, space + 1) + std::string(kMask) : spec_.script;
    }
    void program();
    void environment();
    void listen();
    void serving();
    void health();
    void reload();
    void process();
    void limits();
    void sandbox();
    void restarts();
    void watching();
    void logs();

    const model::AppSpec& spec_;
    bool mask_;
    const model::AppSpec defaults_;
    std::string out_;
};

void Writer::program()
{
    text("namespace", spec_.name_space, defaults_.name_space);
    text("script", script());
    list("args", secrets(spec_.args));
    if (spec_.interpreter) line("interpreter", quoted(*spec_.interpreter));
    list("node_args", secrets(spec_.interpreter_args));
    text("cwd", spec_.cwd);
    const bool per_cpu = spec_.instances.kind == model::InstanceCount::Kind::PerCpu;
    if (per_cpu && spec_.instances.number == 0)
        line("instances", "max");
    else if (spec_.instances_given || spec_.instances != defaults_.instances)
        line("instances", std::to_string(spec_.instances.number));
    text("instance_var", spec_.instance_var, defaults_.instance_var);
    text("increment_var", spec_.increment_var);
}

void Writer::environment()
{
    if (!spec_.env.empty()) out_ += "    env:\n";
    for (const auto& [name, value] : spec_.env) {
        const std::string key = quoted(name);
        const bool simple = key.size() <= kLongestSimpleKey;
        out_ += fmt::format("      {}{}{}: {}\n", simple ? "" : "? ", key, simple ? "" : "\n      ",
                            quoted(secret(value)));
    }
    list("env_file", spec_.env_files);
}

/// One that needs no key but its address is a text.
std::string listen_text(const model::ListenAddress& address)
{
    const model::ListenAddress usual;
    std::string text = "address: " + quoted(model::to_string(address));
    const std::size_t bare = text.size();
    const auto add = [&](bool given, std::string_view key, const auto& value) {
        if (given) text += fmt::format(", {}: {}", key, value);
    };
    add(address.name != model::usual_name(address), "name", quoted(address.name));
    add(address.type != usual.type && !(model::is_ip(address.kind) && address.type == model::SocketType::Datagram), "type",
        model::to_string(address.type));
    add(address.backlog != usual.backlog, "backlog", address.backlog);
    add(!address.v6only, "v6only", false);
    add(address.reuseport, "reuseport", true);
    add(address.nodelay, "nodelay", true);
    add(address.free_bind, "free_bind", true);
    add(!address.user.empty(), "user", quoted(address.user));
    add(!address.group.empty(), "group", quoted(address.group));
    add(address.mode != usual.mode, "mode", fmt::format("\"{:04o}\"", address.mode));
    return text.size() == bare ? quoted(model::to_string(address)) : "{" + text + "}";
}

void Writer::listen()
{
    if (!spec_.listen.empty()) out_ += "    listen:\n";
    for (const model::ListenAddress& address : spec_.listen) out_ += "      - " + listen_text(address) + "\n";
}

void Writer::process()
{
    text("uid", spec_.user);
    text("gid", spec_.group);
    if (spec_.umask) line("umask", fmt::format("\"{:04o}\"", *spec_.umask));
    if (spec_.nice) line("nice", std::to_string(*spec_.nice));
    if (spec_.oom_score_adj) line("oom_score_adj", std::to_string(*spec_.oom_score_adj));
    if (!spec_.rlimits.empty()) out_ += "    rlimits:\n";
    for (const model::ResourceLimit& one : spec_.rlimits)
        out_ += fmt::format("      {}: \"{}\"\n", model::resource_name(one.resource),
                            one.soft == one.hard ? limit(one.soft) : limit(one.soft) + ":" + limit(one.hard));
}

void Writer::limits()
{
    const model::ResourceControl& given = spec_.limits;
    if (given == defaults_.limits) return;
    out_ += "    limits:\n";
    const auto line = [&](std::string_view key, const auto& value, std::string_view unit = "") {
        if (value) out_ += fmt::format("      {}: {}{}\n", key, amount(*value), unit);
    };
    if (given.scope != defaults_.limits.scope) out_ += fmt::format("      scope: {}\n", model::to_string(given.scope));
    line("memory_max", given.memory_max);
    line("memory_high", given.memory_high);
    line("memory_low", given.memory_low);
    line("memory_swap_max", given.memory_swap_max);
    line("cpu", given.cpu, "%");
    line("cpu_weight", given.cpu_weight);
    line("io_weight", given.io_weight);
    line("tasks", given.tasks);
}

void Writer::sandbox()
{
    if (!spec_.sandbox.empty()) out_ += "    sandbox:\n";
    for (const model::SandboxSetting& setting : spec_.sandbox) {
        std::vector<std::string> lines = setting.lines;
        for (std::string& line : lines) {
            const bool secret = mask_ && setting.name == "SetCredential";
            line = quoted(secret ? line.substr(0, line.find(':')) + ":********" : line);
        }
        const std::string all = base::join(lines, ", ");
        out_ += fmt::format("      {}: {}\n", setting.name, lines.size() == 1 ? all : "[" + all + "]");
    }
}

void Writer::restarts()
{
    const model::RestartPolicy& restart = spec_.restart;
    if (!spec_.depends_on.empty()) out_ += "    depends_on:\n";
    for (const auto& [name, condition] : spec_.depends_on)
        out_ += fmt::format("      {}: {}\n", quoted(name), model::to_string(condition));
    value("autostart", spec_.autostart, defaults_.autostart);
    value("autorestart", restart.autorestart, defaults_.restart.autorestart);
    if (!restart.stop_exit_codes.empty()) line("stop_exit_codes", fmt::format("[{}]", fmt::join(restart.stop_exit_codes, ", ")));
    if (restart.max_restarts == std::numeric_limits<std::uint32_t>::max())
        line("max_restarts", "infinity");
    else
        value("max_restarts", restart.max_restarts, defaults_.restart.max_restarts);
    time("min_uptime", restart.min_uptime, defaults_.restart.min_uptime);
    time("restart_delay", restart.restart_delay, defaults_.restart.restart_delay);
    time("exp_backoff_restart_delay", restart.exp_backoff_restart_delay, defaults_.restart.exp_backoff_restart_delay);
    if (spec_.upkeep.max_memory) line("max_memory_restart", amount(*spec_.upkeep.max_memory));
    text("cron_restart", spec_.upkeep.cron);
    watching();
    const int usual = model::runs_on_node(spec_.interpreter, spec_.script) ? SIGINT : SIGTERM;
    if (spec_.kill_signal != usual) line("kill_signal", signal_text(spec_.kill_signal));
    time("kill_timeout", spec_.kill_timeout, defaults_.kill_timeout);
    if (spec_.kill_mode != defaults_.kill_mode) line("kill_mode", model::to_string(spec_.kill_mode));
}

void Writer::watching()
{
    const model::WatchSpec& watch = spec_.upkeep.watch;
    const model::WatchSpec usual;
    if (watch.on && watch.paths.empty())
        line("watch", "true");
    else if (watch.on)
        list("watch", secrets(watch.paths));
    if (!watch.on && watch != usual) line("watch", "false");
    list("ignore_watch", secrets(watch.ignore));
    time("watch_delay", watch.delay, usual.delay);
    std::vector<std::string> options;
    if (!watch.follow_symlinks) options.emplace_back("follow_symlinks: false");
    if (watch.depth) options.push_back(fmt::format("depth: {}", *watch.depth));
    if (watch.poll.count() > 0) options.push_back(fmt::format("use_polling: true, interval: {}ms", watch.poll.count()));
    if (!options.empty()) line("watch_options", fmt::format("{{{}}}", fmt::join(options, ", ")));
}

void Writer::logs()
{
    const model::LogSpec& logs = spec_.logs;
    std::vector<std::string> parts;
    if (logs.to != defaults_.logs.to) parts.push_back(fmt::format("to: {}", model::to_string(logs.to)));
    if (logs.rotate.is_on()) parts.push_back(rotation(logs.rotate));
    if (!parts.empty()) line("logs", fmt::format("{{{}}}", fmt::join(parts, ", ")));
    text("out_file", logs.out_file);
    text("error_file", logs.error_file);
    if (logs.log_file == "default")
        line("log_file", "true");
    else
        text("log_file", logs.log_file);
    value("merge_logs", logs.merge_logs, false);
    value("disable_logs", logs.disable_logs, false);
    if (logs.type != defaults_.logs.type) line("log_type", model::to_string(logs.type));
    if (!logs.date_format.empty()) line("log_date_format", quoted(date_format(logs.date_format)));
    text("pid_file", spec_.pid_file);
}

void Writer::serving()
{
    const model::ServingSpec& serving = spec_.serving;
    const model::ServingSpec& usual = defaults_.serving;
    if (serving.cluster) line("cluster", model::to_string(*serving.cluster));
    if (serving.balance != usual.balance) line("balance", model::to_string(serving.balance));
    if (serving.wait_ready)
        value("wait_ready", true, false);
    else if (serving.ready)
        line("ready", model::to_string(*serving.ready));
    health();
    time("listen_timeout", serving.listen_timeout, usual.listen_timeout);
    time("watchdog", serving.watchdog, usual.watchdog);
    time("drain", serving.drain, usual.drain);
    value("channel", serving.channel, false);
    value("shutdown_with_message", serving.shutdown_with_message, false);
    reload();
}

void Writer::health()
{
    if (!spec_.health) return;
    const model::HealthSpec& health = *spec_.health;
    const model::HealthSpec usual;
    std::vector<std::string> words = health.command;
    for (std::size_t word = 1; mask_ && word < words.size(); ++word) words[word] = kMask;
    for (std::string& word : words) word = config::quoted(word);
    std::string asked = model::to_string(health.target);
    if (const auto query = asked.find('?'); mask_ && query != std::string::npos) asked.replace(query + 1, std::string::npos, kMask);
    const std::string_view kind = health.target.kind == model::HealthTarget::Kind::Http ? "http" : "tcp";
    std::string parts = words.empty() ? fmt::format("{}: {}", kind, config::quoted(asked))
                                      : fmt::format("exec: [{}]", fmt::join(words, ", "));
    if (health.interval != usual.interval) parts += ", interval: " + duration(health.interval);
    if (health.timeout != usual.timeout) parts += ", timeout: " + duration(health.timeout);
    if (health.retries != usual.retries) parts += fmt::format(", retries: {}", health.retries);
    if (health.success_threshold != usual.success_threshold) parts += fmt::format(", success_threshold: {}", health.success_threshold);
    if (health.start_period != usual.start_period) parts += ", start_period: " + duration(health.start_period);
    if (health.jitter != usual.jitter) parts += ", jitter: " + duration(health.jitter);
    if (health.on_unhealthy != usual.on_unhealthy) parts += fmt::format(", on_unhealthy: {}", model::to_string(health.on_unhealthy));
    line("health", fmt::format("{{{}}}", parts));
}

void Writer::reload()
{
    const model::ReloadPolicy& reload = spec_.serving.reload;
    const model::ReloadPolicy usual;
    if (reload == usual) return;
    std::vector<std::string> parts;
    if (reload.mode) parts.push_back(fmt::format("mode: {}", model::to_string(*reload.mode)));
    if (reload.parallel != usual.parallel) parts.push_back(fmt::format("parallel: {}", reload.parallel));
    if (reload.max_unavailable != usual.max_unavailable) parts.push_back(fmt::format("max_unavailable: {}", reload.max_unavailable));
    if (reload.signal != usual.signal) parts.push_back("signal: " + signal_text(reload.signal));
    line("reload", fmt::format("{{{}}}", fmt::join(parts, ", ")));
}

} // namespace

std::string to_yaml(const model::AppSpec& spec, bool mask) { return Writer(spec, mask).write(); }

} // namespace pm::config
