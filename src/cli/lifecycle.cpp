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
Outcome<void> add_apps_of_file(const Context& context, const std::string& file, const std::vector<std::string>& only,
                               std::vector<std::string>& targets)
{
    auto text = read_app_text(context, file);
    if (!text) return failed(text.error());
    if (!check_app_text(context, *text, {"", only, ""}, false)) return failed(kUsage, "");
    targets.insert(targets.end(), text->names.begin(), text->names.end());
    return {};
}

/// What pmd is asked about instead of the words: files are told apart here, as pmd sees them from another directory.
Outcome<std::vector<std::string>> targets_of(const Context& context, Client& client, const std::vector<std::string>& words,
                                             const std::vector<std::string>& only)
{
    std::vector<std::string> targets;
    for (const std::string& word : words) {
        switch (kind_of(word)) {
        case WordKind::NodeConfig: return failed(refuse_node_config(word));
        case WordKind::AppFile:
            if (const auto rows = client.list("", false); rows && names_app_only(word, context.cwd, *rows))
                targets.push_back(word);
            else if (auto added = add_apps_of_file(context, word, only, targets); !added) return failed(added.error());
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
                const std::vector<std::string>& words, const std::vector<std::string>& only)
{
    const auto is_file = [](const std::string& word) { return kind_of(word) != WordKind::Word; };
    if (!only.empty() && std::ranges::none_of(words, is_file))
        return report({kUsage, "'--only' is for app files, and none is named"});
    auto client = Client::connect(context);
    if (!client) return report(client.error());
    const auto targets = targets_of(context, *client, words, only);
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

} // namespace pm::cli
