// SPDX-License-Identifier: Apache-2.0
#include "cli/lifecycle.hpp"

#include "base/text.hpp"
#include "cli/app_lookup.hpp"
#include "cli/app_text.hpp"
#include "cli/logs/show_logs.hpp"
#include "cli/view/list.hpp"
#include "cli/view/log_lines.hpp"
#include "cli/view/progress.hpp"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <iterator>
#include <set>
#include <thread>
#include <unistd.h>

namespace pm::cli {
namespace {

constexpr std::uint32_t kErrorLines = 15; // an error of Node is above a dozen lines of where it came from
constexpr std::chrono::milliseconds kUntilItStays{1000}; // min_uptime, where an app says nothing else
constexpr std::size_t kMostApps = 3; ///< whose last lines are shown

/// The last lines that `app` wrote to stderr, indented.
std::string last_errors(Client& client, const std::string& app)
{
    std::string text;
    for (const std::string& line : last_error_lines(client, app, kErrorLines))
        if (!line.empty()) text += "  " + without_escapes(line) + "\n";
    return text;
}

std::vector<Row> rows_of(Client& client, const std::vector<std::string>& targets)
{
    std::vector<Row> all;
    for (const std::string& target : targets)
        if (auto rows = client.list(target == "all" ? "" : target, false)) std::ranges::move(*rows, std::back_inserter(all));
    return all;
}

bool stays(const Row& row) { return std::chrono::microseconds(row.uptime_usec) >= kUntilItStays; }

bool has_failed(const Row& row) { return row.status == "errored" || row.status == "backoff"; }

std::set<std::string> troubled(Client& client, const std::vector<std::string>& targets)
{
    std::set<std::string> apps;
    for (const Row& row : rows_of(client, targets))
        if (has_failed(row) || row.unstable_restarts > 0 || row.reason.starts_with("reload failed")) apps.insert(row.app);
    return apps;
}

/// It was started, and ended with a failure that nothing is made of (autorestart: false).
bool ended_badly(Client& client, const Row& row)
{
    if (row.status != "stopped" || row.reason.starts_with("stopped by command")) return false;
    const auto app = client.app(row.app);
    if (!app || app->spec.find("autostart: false") != std::string::npos) return false;
    return std::ranges::any_of(app->last_exits, [&](const LastExit& last) {
        return last.slot == row.slot && !last.kind.empty() && (last.kind != "exited" || last.code != 0);
    });
}

bool about_processes(base::ErrorCode code)
{
    return code == base::ErrorCode::NotOnline || code == base::ErrorCode::LaunchFailed || code == base::ErrorCode::ReloadFailed ||
           code == base::ErrorCode::StopFailed;
}

/// Appends the names of the apps in a file; its faults are printed.
Outcome<void> add_apps_of_file(const Context& context, const std::string& file, const FileOptions& files, std::vector<std::string>& targets)
{
    auto text = read_app_text(context, file);
    if (!text) return failed(text.error());
    if (!check_app_text(context, *text, {files.profile.value_or(""), files.only, ""}, false)) return failed(kUsage, "");
    targets.insert(targets.end(), text->names.begin(), text->names.end());
    return {};
}

/// What pmd is asked about instead of the words: files are told apart here, as pmd sees them from another directory.
Outcome<std::vector<std::string>> targets_of(const Context& context, Client& client, const std::vector<std::string>& words,
                                             const FileOptions& files)
{
    std::vector<std::string> targets;
    for (const std::string& word : words) {
        switch (kind_of(word)) {
        case WordKind::AppFile:
            if (const auto rows = client.list("", false); rows && names_app_only(word, context.cwd, *rows))
                targets.push_back(word);
            else if (auto added = add_apps_of_file(context, word, files, targets); !added) return failed(added.error());
            break;
        case WordKind::Word: {
            const std::string path = file_path(word, context.cwd);
            const auto rows = path.empty() ? Outcome<std::vector<Row>>{} : client.list("", false);
            targets.push_back(path.empty() || (rows && selects(word, *rows)) ? word : path);
            break;
        }
        }
    }
    return targets;
}

bool is_app_file(const std::string& word) { return kind_of(word) == WordKind::AppFile; }

/// Options that are about files need one.
Outcome<void> check_file_options(const std::vector<std::string>& words, const FileOptions& files)
{
    const std::string_view given = files.profile ? "--env" : !files.only.empty() ? "--only" : files.strict ? "--strict" : "";
    if (given.empty() || std::ranges::any_of(words, is_app_file)) return {};
    return failed(kUsage, fmt::format("'{}' is for app files, and none is named", given));
}

/// The apps of the file that are there and that loading it leaves as they are.
Outcome<std::vector<std::string>> left_as_they_are(Client& client, const AppText& text, const LoadOptions& options)
{
    const auto plan = client.plan(text.text, text.origin, options);
    if (!plan) return failed(plan.error());
    std::vector<std::string> apps;
    for (const PlanRow& row : *plan)
        if (row.action == "keep" || row.action == "scale" || row.action == "adjust") apps.push_back(row.app);
    return apps;
}

/// Restarts them all at once; the first failure counts.
Outcome<void> restart(Client& client, const std::vector<std::string>& apps, Watcher* watcher)
{
    const auto ends = client.operate("Restart", apps, watcher);
    if (!ends) return failed(ends.error());
    for (const Outcome<void>& end : *ends)
        if (!end) return end;
    return {};
}

} // namespace

Outcome<void> with_progress(const Context& context, const std::string& doing,
                            const std::function<Outcome<void>(Watcher*)>& call)
{
    if (!context.err.is_terminal || context.globals.silent) return call(nullptr);
    Progress progress(context.err, doing);
    return call(&progress);
}

int explain(Client& client, const Failure& failure, const std::vector<std::string>& targets)
{
    const int status = report(failure);
    if (!about_processes(failure.code)) return status;
    std::size_t shown = 0;
    for (const std::string& app : troubled(client, targets)) {
        if (++shown > kMostApps) break;
        const bool crashed = failure.code == base::ErrorCode::NotOnline || failure.code == base::ErrorCode::ReloadFailed;
        const std::string lines = crashed ? last_errors(client, app) : std::string();
        const std::string name = base::printable(app);
        if (!lines.empty()) err(fmt::format("pmctl: the last lines '{}' wrote to stderr:\n{}", name, lines));
        err(crashed ? fmt::format("pmctl: see 'pmctl logs {0}' and 'pmctl describe {0}'\n", name)
                    : fmt::format("pmctl: see 'pmctl describe {}'\n", name));
    }
    return status;
}

int check_that_they_stay(const Context& context, Client& client, const std::vector<std::string>& targets)
{
    using std::chrono::steady_clock;
    const auto deadline = steady_clock::now() + kUntilItStays;
    std::chrono::milliseconds pause{20};
    std::vector<Row> rows;
    for (;;) {
        rows = rows_of(client, targets);
        const auto young = [](const Row& row) {
            return (row.status == "online" || row.status == "starting" || row.status == "stopping") && !stays(row);
        };
        const auto now = steady_clock::now();
        if (now >= deadline || std::ranges::none_of(rows, young)) break;
        std::this_thread::sleep_for(std::min<steady_clock::duration>(pause, deadline - now));
        pause *= 2;
    }
    int status = kDone;
    std::set<std::string> told;
    for (const Row& row : rows) {
        const bool warns = row.reason.starts_with("taken for ready");
        const bool fails = has_failed(row) || (row.unstable_restarts > 0 && !stays(row)) || ended_badly(client, row);
        if ((!warns && !fails) || !told.insert(row.app).second) continue;
        const std::string name = base::printable(row.app);
        if (!fails) {
            if (!context.globals.silent) warn(fmt::format("'{}': {}", name, base::printable(row.reason)));
            continue;
        }
        status = explain(client, {kFailed, fmt::format("'{}' was started and does not stay up: {}", name, base::printable(row.reason)), base::ErrorCode::NotOnline},
                         {row.app});
    }
    return status;
}

int follow_logs(const Context& context, Client& client, const std::vector<std::string>& targets)
{
    return show_logs(context, client, targets, {});
}

void show_table(const Context& context, Client& client)
{
    if (!context.out.is_terminal || context.globals.silent) return;
    if (const auto rows = client.list("", true)) static_cast<void>(print(list_table(*rows, context.out)));
}

void show_reload_hints(const Context& context, Client& client, const std::vector<std::string>& targets)
{
    constexpr std::size_t kMost = 20; // apps; of more nobody reads it
    if (context.globals.silent) return;
    std::set<std::string> names;
    for (const std::string& target : targets)
        if (const auto rows = client.list(target == "all" ? "" : target, false))
            for (const Row& row : *rows) names.insert(row.app);
    if (names.size() > kMost) return;
    for (const std::string& name : names)
        if (const auto app = client.app(name); app && !app->reload_hint.empty()) warn(fmt::format("'{}': {}", name, app->reload_hint));
}

int operate_all(Context& context, const std::string& method, const std::string& doing,
                const std::vector<std::string>& words, const FileOptions& files)
{
    if (auto good = check_file_options(words, files); !good) return report(good.error());
    auto client = Client::connect(context);
    if (!client) return report(client.error());
    const auto targets = targets_of(context, *client, words, files);
    if (!targets) return report(targets.error());
    Outcome<std::vector<Outcome<void>>> ends;
    const auto called = with_progress(context, doing + " " + base::join(*targets, ", "), [&](Watcher* watcher) -> Outcome<void> {
        ends = client->operate(method, *targets, watcher);
        return ends ? Outcome<void>{} : failed(ends.error());
    });
    if (!called) return report(called.error());
    int status = kDone;
    for (std::size_t i = 0; i < targets->size(); ++i) {
        if ((*ends)[i]) continue;
        const int failed_with = explain(*client, (*ends)[i].error(), {(*targets)[i]});
        if (status == kDone) status = failed_with;
        if (failed_with == kNoDaemon) return status;
    }
    if (status == kDone && (method == "Start" || method == "Restart" || method == "Reload"))
        status = check_that_they_stay(context, *client, *targets);
    if (method == "Reload" && status == kDone) show_reload_hints(context, *client, *targets);
    show_table(context, *client);
    return status;
}

int apply_file(Context& context, const std::string& method, const std::string& file, const FileOptions& files, bool start_daemon)
{
    auto text = read_app_text(context, file, files.strict);
    if (!text) return report(text.error());
    if (!check_app_text(context, *text, {files.profile.value_or(""), files.only, ""})) return kUsage;
    auto client = Client::connect(context, start_daemon ? Client::Missing::Start : Client::Missing::Fail);
    if (!client) return report(client.error());
    const bool reload = method == "Reload";
    LoadOptions options{files.profile.value_or(""), files.only, "", text->directory};
    options.reload = reload;
    if (text->dialect != config::Dialect::Own) options.dialect = config::to_string(text->dialect);
    options.evaluated = text->evaluated;
    options.files = text->files;
    const auto done = with_progress(context, (reload ? "reloading " : "restarting ") + base::join(text->names, ", "), [&](Watcher* watcher) -> Outcome<void> {
        const auto kept = reload ? Outcome<std::vector<std::string>>{} : left_as_they_are(*client, *text, options);
        if (!kept) return failed(kept.error());
        if (auto loaded = client->load(text->text, text->origin, options, watcher); !loaded) return loaded;
        return restart(*client, *kept, watcher);
    });
    if (!done) return explain(*client, with_place_of_paths(context, *text, done.error()), text->names);
    if (reload) show_reload_hints(context, *client, text->names);
    show_table(context, *client);
    return kDone;
}

int toggle_watching(Context& context, const std::vector<std::string>& words)
{
    auto client = Client::connect(context);
    if (!client) return report(client.error());
    std::set<std::string> apps;
    for (const std::string& word : words) {
        if (is_app_file(word) && (word == "-" || !file_path(word, context.cwd).empty())) continue; // the file says whether
        const auto rows = client->list(word, false);
        if (!rows) return report(rows.error());
        for (const Row& row : *rows) apps.insert(row.app);
    }
    for (const std::string& name : apps) {
        const auto app = client->app(name);
        if (!app) return report(app.error());
        if (const auto done = client->watch(name, !app->watches); !done) return report(done.error());
        if (!context.globals.silent) warn(fmt::format("'{}': files are {}", base::printable(name), app->watches ? "watched no more" : "watched"));
    }
    return kDone;
}

int apply_all(Context& context, const std::string& method, const std::string& doing, const std::vector<std::string>& words,
              const FileOptions& files)
{
    if (auto good = check_file_options(words, files); !good) return report(good.error());
    std::vector<std::string> others;
    int status = kDone;
    for (const std::string& word : words) {
        const bool may_be_name = word != "-" && file_path(word, context.cwd).empty(); // or it is told that there is no such file
        if (!is_app_file(word) || may_be_name) {
            others.push_back(word);
        } else if (const int failed_with = apply_file(context, method, word, files, false); status == kDone) {
            status = failed_with;
        }
    }
    if (others.empty() || status == kNoDaemon) return status;
    if (const int failed_with = operate_all(context, method, doing, others, {}); status == kDone) status = failed_with;
    return status;
}

} // namespace pm::cli
