// SPDX-License-Identifier: Apache-2.0
#include "cli/app_lookup.hpp"
#include "cli/app_text.hpp"
#include "cli/commands/all.hpp"
#include "cli/lifecycle.hpp"
#include "cli/utf8_check.hpp"

#include "base/text.hpp"
#include "cli/view/table.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <unistd.h>
#include <variant>

namespace pm::cli {
namespace {

constexpr const char* kNotes = R"(For files alone: --env, --only, --prune, --strict. For files and scripts: --namespace, --dry-run, --attach. The others are for
scripts. What follows -- is given to the script. An option that has nothing to act on is refused.

App files are YAML (.yaml, .yml), JSON (.json, .json5, package.json) or JavaScript (.config.js, .cjs, .mjs, .ts), which the caller's node,
bun or deno runs. In those of PM2's names (pmd.app(5)), what PM2 leaves out silently is a warning.

examples:
  pmctl start
  pmctl start app.yaml --env production
  pmctl start ecosystem.config.js --only api
  pmctl start *.yaml --dry-run
  pmctl start server.js --name web -i max -- --port 8000
  pmctl start "python3 -m http.server 8001" --name files
  pmctl start web                  (an app that is stopped)
  generate-apps | pmctl start -)";

enum class Concern { Files, Scripts, Both, Anything };

Concern concern_of(std::string_view option)
{
    struct Row {
        std::string_view option;
        Concern concern;
    };
    constexpr std::array kOthers{Row{"--env", Concern::Files},          Row{"--only", Concern::Files},
                                 Row{"--strict", Concern::Files},
                                 Row{"--prune", Concern::Files},        Row{"--namespace", Concern::Both},
                                 Row{"--dry-run", Concern::Anything},   Row{"--attach", Concern::Anything},
                                 Row{"--watch", Concern::Anything},
                                 Row{"--bus", Concern::Anything},       Row{"--no-color", Concern::Anything},
                                 Row{"--silent", Concern::Anything}};
    const auto row = std::ranges::find(kOthers, option, &Row::option);
    return row == kOthers.end() ? Concern::Scripts : row->concern;
}

/// Fails with status 2 for the first of `given` that has nothing to act on: it would be ignored.
Outcome<void> check_concerns(const Context& context, bool files, bool scripts)
{
    const auto refuse = [](std::string_view what, std::string_view whom) {
        return failed(kUsage, fmt::format("{} for {}, and none is named; see 'pmctl start --help'", what, whom));
    };
    for (const std::string& option : context.given) {
        const std::string is = fmt::format("'{}' is", option);
        switch (concern_of(option)) {
        case Concern::Files:
            if (!files) return refuse(is, "app files");
            break;
        case Concern::Scripts:
            if (!scripts) return refuse(is, "scripts");
            break;
        case Concern::Both:
            if (!files && !scripts) return refuse(is, "app files and scripts");
            break;
        case Concern::Anything: break;
        }
    }
    if (!scripts && !context.script_args.empty()) return refuse("what follows '--' is", "scripts");
    return {};
}

std::string script_path(const Context& context, const std::string& word)
{
    return find_script(word, context.cwd, context.environment("PATH").value_or("/usr/bin:/bin"));
}

bool is_online(Client& client, const std::string& target)
{
    const auto rows = client.list(target, false);
    return rows && !rows->empty() && std::ranges::all_of(*rows, [](const Row& row) { return row.status == "online"; });
}

void tell_online(const Context& context, const std::string& target, std::string_view advice = {})
{
    if (context.globals.silent) return;
    warn(fmt::format("'{0}' is online already: left alone ('pmctl restart {0}' restarts it{1})", base::printable(target), advice));
}

/// Something to do, in the order of the command line: a text to load, or the target of a Start.
using Step = std::variant<AppText, std::string>;

std::vector<std::string> targets_of(const Step& step)
{
    const auto* text = std::get_if<AppText>(&step);
    return text != nullptr ? text->names : std::vector{std::get<std::string>(step)};
}

class Start final : public Command {
public:
    void declare(OptionSet& options) override;
    int run(Context& context) override;

private:
    Outcome<void> check_options(const Context& context, const std::vector<Row>& rows) const;
    Outcome<std::vector<Step>> steps(const Context& context, Client* client, const std::vector<Row>& rows) const;
    std::string runs_already(const Context& context, Client* client, const std::string& word,
                             const std::vector<Row>& rows) const;
    Outcome<AppText> script(const Context& context, const std::string& word, const std::vector<Row>& rows) const;
    [[nodiscard]] bool means_another(const Context& context, const std::string& word) const;
    bool check(const Context& context, std::vector<Step>& steps) const;
    int show_plan(const Context& context, Client* client, const std::vector<Step>& steps) const;
    Outcome<void> perform(const Context& context, Client& client, const Step& step, const std::vector<Row>& rows) const;
    void watch(Client& client, const Step& step, Outcome<void>& done) const;
    [[nodiscard]] std::vector<std::string> kept_online(Client& client, const AppText& script) const;
    [[nodiscard]] LoadOptions load_options(const AppText& text) const;
    [[nodiscard]] Selection selection(const AppText& text) const;

    std::vector<std::string> words_;
    ScriptOptions script_;
    std::optional<std::string> profile_;
    std::vector<std::string> only_;
    bool dry_run_ = false;
    bool prune_ = false;
    bool force_ = false;
    bool update_env_ = false;
    bool attach_ = false;
    bool strict_ = false;
};

/// Options of PM2 that ask for nothing here, or for what is not there yet.
void declare_pm2(OptionSet& options)
{
    options.ignored("-x,--execute-command");
    options.ignored("--no-vizion");
}

void Start::declare(OptionSet& options)
{
    ScriptOptions& script = script_;
    options.arguments("WHAT", words_, false, "app files, - for stdin, scripts, or apps pmd knows (default: ecosystem.config.js)");
    options.text("--env", profile_, "PROFILE", "merge env_PROFILE of the file into env");
    options.list("--only", only_, "NAMES", "only these apps of the file");
    options.text("--namespace", script.name_space, "NAME", "namespace of apps that name none");
    options.flag("--strict", strict_, "in files of PM2's names, what PM2 leaves out silently is a fault");
    options.flag("--dry-run", dry_run_, "show what would be done, and do nothing");
    options.flag("--prune", prune_, "delete apps of the same file that it no longer has");
    options.text("-n,--name", script.name, "NAME", "name of the app (default: the script's, without extension)");
    options.text("-i,--instances", script.instances, "N", "how many: N, max (one per processor) or -K (K fewer)");
    options.text("--interpreter", script.interpreter, "PROGRAM", "what runs the script (default: by its extension; none)");
    options.text("--interpreter-args,--node-args", script.interpreter_args, "ARGS", "arguments of the interpreter");
    options.text("--cwd", script.cwd, "DIR", "working directory (default: this one)");
    options.text("-o,--output", script.out_file, "FILE", "where stdout is kept");
    options.text("-e,--error", script.error_file, "FILE", "where stderr is kept");
    options.text("-l,--log", script.log_file, "FILE", "keep both there in addition");
    options.text("-p,--pid", script.pid_file, "FILE", "where the process number is kept while it runs");
    options.flag("--time", script.time, "put the time before each line of the log files");
    options.text("--log-date-format", script.log_date_format, "FORMAT", "the same, in this format");
    options.text("--log-type", script.log_type, "TYPE", "raw or json");
    options.flag("--merge-logs", script.merge_logs, "all instances write to one file");
    options.flag("--disable-logs", script.disable_logs, "keep no log files");
    options.text("-k,--kill-timeout", script.kill_timeout, "TIME", "from kill_signal to SIGKILL (ms, or 5s)");
    options.text("--kill-signal", script.kill_signal, "SIGNAL", "what asks the app to end");
    options.text("--restart-delay", script.restart_delay, "TIME", "wait before a restart");
    options.text("--exp-backoff-restart-delay", script.exp_backoff_restart_delay, "TIME", "the same, growing each time");
    options.text("--max-restarts", script.max_restarts, "N", "unstable exits in a row before it is errored");
    options.text("--min-uptime", script.min_uptime, "TIME", "an exit earlier than this is unstable");
    options.text("--max-memory-restart", script.max_memory_restart, "SIZE", "an instance that holds more is replaced (100M; a number is bytes)");
    options.text("-c,--cron,--cron-restart", script.cron_restart, "PATTERN", "when the instances are replaced: '30 4 * * *'");
    options.flag_or_list("--watch", script.watch, script.watch_paths, "PATHS", "replace the instances when files change: of the script those below the directory or PATHS, else as declared");
    options.list("--ignore-watch", script.ignore_watch, "PATHS", "files, directories and patterns that are not watched");
    options.text("--watch-delay", script.watch_delay, "TIME", "so long nothing more must have changed (seconds, or 500ms)");
    options.list("--stop-exit-codes", script.stop_exit_codes, "CODES", "exit codes that mean the app is done");
    options.flag("--no-autorestart", script.no_autorestart, "an app that ends stays stopped");
    options.flag("--no-autostart", script.no_autostart, "register it only");
    options.flag("--no-treekill", script.no_treekill, "a stop ends the first process only");
    options.text("--cluster", script.cluster, "MODE", "how instances share a port: shared, round-robin, reuseport, transparent, none");
    options.text("--ready", script.ready, "WHEN", "what makes it online: notify, ipc, listening, started");
    options.flag("--wait-ready", script.wait_ready, "the same as --ready ipc: process.send('ready')");
    options.text("--listen-timeout", script.listen_timeout, "TIME", "until when it must be ready");
    options.text("--drain", script.drain, "TIME", "for connections of a Node worker that is replaced, or false");
    options.flag("--shutdown-with-message", script.shutdown_with_message, "a stop sends the message 'shutdown', no signal");
    options.text("--uid", script.user, "USER", "run as this user (name or number)");
    options.text("--gid", script.group, "GROUP", "run as this group (name or number)");
    options.list("--filter-env", script.filter_env, "PART", "leave out variables whose names contain this");
    options.flag("-f,--force", force_, "WHAT is a script, also where an app is called so; replace another app of its name");
    options.flag("-a,--update-env", update_env_, "a script that is an app already gets the environment of now");
    options.flag("--attach", attach_, "then show what it writes, as pmctl logs does");
    declare_pm2(options);
    options.notes(kNotes);
}

Selection Start::selection(const AppText& text) const
{
    if (text.caller_environment) return {};
    return {profile_.value_or(""), only_, script_.name_space.value_or("")};
}

LoadOptions Start::load_options(const AppText& text) const
{
    const Selection chosen = selection(text);
    LoadOptions options{chosen.profile, chosen.only, chosen.name_space, text.directory};
    options.prune = prune_ && !text.caller_environment;
    if (text.dialect != config::Dialect::Own) options.dialect = config::to_string(text.dialect);
    options.evaluated = text.evaluated;
    options.files = text.files;
    options.caller_environment = text.caller_environment;
    options.force = force_ && text.caller_environment;
    options.update_env = update_env_ && text.caller_environment;
    return options;
}

Outcome<AppText> Start::script(const Context& context, const std::string& word, const std::vector<Row>& rows) const
{
    const std::string cwd = context.cwd;
    const std::string script = script_path(context, word);
    if (script.empty()) {
        std::vector<std::string_view> names;
        for (const Row& row : rows) names.push_back(row.app);
        const auto near = base::nearest(word, names);
        if (selects(word, rows))
            return failed(kFailed,
                          fmt::format("'{}' is an app, but no file here and no program in PATH: there is nothing "
                                      "to start one more of",
                                      word));
        return failed(kFailed, fmt::format("'{}' is no app pmd knows, no file here and no program in PATH{}", word,
                                           near ? fmt::format("; did you mean the app '{}'?", *near) : std::string()));
    }
    ScriptOptions options = script_;
    options.args = context.script_args;
    std::vector<std::string> environment;
    for (char** entry = environ; *entry != nullptr; ++entry) environment.emplace_back(*entry);
    if (auto good = check_path("directory", cwd); !good) return failed(good.error());
    if (auto good = check_environment(environment, options.filter_env); !good) return failed(good.error());
    return script_text(script, cwd, options, environment);
}

/// One more app of a script or program that is called as an app is, not that app.
bool Start::means_another(const Context& context, const std::string& word) const
{
    return force_ || (script_.name && *script_.name != word && !script_path(context, word).empty());
}

/// The path of a script that apps of other names run: it means them (pm2), unless one more is asked for.
std::string Start::runs_already(const Context& context, Client* client, const std::string& word,
                                const std::vector<Row>& rows) const
{
    const std::string path = file_path(word, context.cwd);
    if (client == nullptr || path.empty() || force_ || script_.name) return {};
    if (std::ranges::any_of(rows, [&](const Row& row) { return row.app == name_of_file(path); })) return {};
    const auto running = client->list(path, false);
    if (!running) return {};
    if (!context.globals.silent)
        warn(fmt::format("'{}' is what '{}' runs: no other app is made of it (--name makes one)", word,
                         base::printable(running->front().app)));
    return path;
}

/// A script that is an app already counts: the same command line, given again, is no fault.
Outcome<void> Start::check_options(const Context& context, const std::vector<Row>& rows) const
{
    const auto is_file = [](const std::string& word) { return kind_of(word) != WordKind::Word; };
    const auto is_script = [&](const std::string& word) {
        return !is_file(word) && (force_ || !selects(word, rows) || !script_path(context, word).empty());
    };
    const bool scripts = std::ranges::any_of(words_, is_script);
    if (!script_.watch_paths.empty() && !scripts) return failed(kUsage, "'--watch=PATHS' is for scripts, and none is named: write 'watch' into the app file");
    return check_concerns(context, std::ranges::any_of(words_, is_file), scripts);
}

Outcome<std::vector<Step>> Start::steps(const Context& context, Client* client, const std::vector<Row>& rows) const
{
    std::vector<Step> steps;
    for (const std::string& word : words_) {
        switch (kind_of(word)) {
        case WordKind::AppFile: {
            if (names_app_only(word, context.cwd, rows)) {
                steps.emplace_back(word);
                break;
            }
            auto text = read_app_text(context, word, strict_);
            if (!text) return failed(text.error());
            steps.emplace_back(std::move(*text));
            break;
        }
        case WordKind::Word: {
            if (selects(word, rows) && !means_another(context, word)) {
                steps.emplace_back(word);
                break;
            }
            if (std::string path = runs_already(context, client, word, rows); !path.empty()) {
                steps.emplace_back(std::move(path));
                break;
            }
            auto text = script(context, word, rows);
            if (!text) return failed(text.error());
            steps.emplace_back(std::move(*text));
            break;
        }
        }
    }
    return steps;
}

/// All of them, so that every fault of every file is told at once.
bool Start::check(const Context& context, std::vector<Step>& steps) const
{
    bool good = true;
    for (Step& step : steps)
        if (auto* text = std::get_if<AppText>(&step)) good = check_app_text(context, *text, selection(*text)) && good;
    return good;
}

int Start::show_plan(const Context& context, Client* client, const std::vector<Step>& steps) const
{
    std::vector<std::vector<Cell>> lines;
    for (const Step& step : steps) {
        const auto* text = std::get_if<AppText>(&step);
        if (text == nullptr) {
            lines.push_back({{std::get<std::string>(step)}, {"start"}, {""}});
        } else if (client == nullptr) { // nothing runs: all is new
            for (const std::string& name : text->names) lines.push_back({{base::printable(name)}, {"add"}, {""}});
        } else {
            const auto plan = client->plan(text->text, text->origin, load_options(*text));
            if (!plan) return report(plan.error());
            for (const PlanRow& row : *plan)
                lines.push_back({{base::printable(row.app)}, {row.action}, {base::printable(row.why)}});
        }
    }
    return print(render({{"name"}, {"action"}, {"why"}}, lines, context.out));
}

/// A script that runs already as it is asked for stays as it is: people should hear that nothing happened.
std::vector<std::string> Start::kept_online(Client& client, const AppText& script) const
{
    std::vector<std::string> kept;
    const auto plan = client.plan(script.text, script.origin, load_options(script));
    if (!plan) return kept; // Load says why
    for (const PlanRow& row : *plan)
        if (row.action == "keep" && is_online(client, row.app)) kept.push_back(row.app);
    return kept;
}

Outcome<void> Start::perform(const Context& context, Client& client, const Step& step, const std::vector<Row>& rows) const
{
    // What is online is told when it turns out that nobody refuses: two answers to one command contradict each other.
    if (const auto* text = std::get_if<AppText>(&step)) {
        const bool may_be_kept = text->caller_environment && !rows.empty();
        const auto kept = may_be_kept ? kept_online(client, *text) : std::vector<std::string>();
        const std::string doing = "starting " + base::join(text->names, ", ");
        auto done = with_progress(context, doing, [&](Watcher* watcher) {
            return client.load(text->text, text->origin, load_options(*text), watcher);
        });
        if (!text->caller_environment) watch(client, step, done);
        if (!done) return failed(with_place_of_paths(context, *text, done.error()));
        for (const std::string& app : kept)
            tell_online(context, app, force_ ? ", another --name starts one more" : "");
        return done;
    }
    const std::string target = targets_of(step).front();
    const bool online = !rows.empty() && is_online(client, target);
    auto done = with_progress(context, "starting " + target,
                              [&](Watcher* watcher) { return client.operate("Start", target, watcher); });
    watch(client, step, done);
    if (done && online) tell_online(context, target);
    return done;
}

/// --watch for what is declared already.
void Start::watch(Client& client, const Step& step, Outcome<void>& done) const
{
    if (!script_.watch) return;
    for (const std::string& target : targets_of(step))
        if (done) done = client.watch(target, true);
}

int Start::run(Context& context)
{
    if (words_.empty()) words_.push_back(default_app_file(context.cwd));
    if (words_.front().empty())
        return report({kUsage, fmt::format("nothing to start: name an app file, a script or an app; 'pmctl start' alone takes one of {}, and none is here",
                                           fmt::join(default_app_files(), ", "))});
    auto client = Client::connect(context);
    const bool can_be_started =
        client || (client.error().status == kNoDaemon && client.error().code != base::ErrorCode::NoDaemon);
    if (!can_be_started) return report(client.error());
    std::vector<Row> rows;
    if (client) {
        auto list = client->list("", false);
        if (!list) return report(list.error());
        rows = std::move(*list);
    }
    if (auto good = check_options(context, rows); !good) return report(good.error());
    auto todo = steps(context, client ? &*client : nullptr, rows);
    if (!todo) return report(todo.error());
    if (!check(context, *todo)) return kUsage;
    if (dry_run_) return show_plan(context, client ? &*client : nullptr, *todo);
    if (!client) client = Client::connect(context, Client::Missing::Start);
    if (!client) return report(client.error());

    int status = kDone;
    for (const Step& step : *todo) {
        const auto done = perform(context, *client, step, rows);
        if (done) continue;
        if (done.error().status == kInterrupted) return report(done.error());
        const int step_status = explain(*client, done.error(), targets_of(step));
        if (status == kDone) status = step_status;
        if (step_status == kNoDaemon) return status;
    }
    if (!attach_ && status == kDone) {
        std::vector<std::string> started;
        for (const Step& step : *todo) std::ranges::copy(targets_of(step), std::back_inserter(started));
        status = check_that_they_stay(context, *client, started);
    }
    if (attach_ && status == kDone) {
        std::vector<std::string> started;
        for (const Step& step : *todo) std::ranges::copy(targets_of(step), std::back_inserter(started));
        return follow_logs(context, *client, started);
    }
    show_table(context, *client);
    return status;
}

} // namespace

std::unique_ptr<Command> make_start() { return std::make_unique<Start>(); }

} // namespace pm::cli
