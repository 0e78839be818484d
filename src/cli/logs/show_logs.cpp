// SPDX-License-Identifier: Apache-2.0
#include "cli/logs/show_logs.hpp"

#include "base/text.hpp"
#include "cli/interrupt.hpp"
#include "cli/log_view.hpp"
#include "cli/logs/log_feed.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fmt/format.h>
#include <poll.h>
#include <pwd.h>
#include <unistd.h>

namespace pm::cli {
namespace {

constexpr std::uint32_t kLines = 15;
constexpr std::uint32_t kMostLines = 10'000; ///< pmd gives no more of a file
constexpr std::size_t kMostBytes = 64u << 10;

/// The apps among `targets` whose output is in the journal; none where pmd starts processes itself.
Outcome<std::vector<JournalApp>> journal_apps(Client& client, const DaemonInfo& daemon,
                                              const std::vector<std::string>& targets)
{
    std::vector<JournalApp> found;
    if (daemon.launcher != "systemd") return found;
    const auto all = client.list("", false);
    if (!all) return failed(all.error());
    std::map<std::string, std::size_t> instances;
    for (const Row& row : *all) ++instances[row.app];
    std::map<std::string, JournalApp> apps;
    for (const std::string& target : targets) {
        const auto rows = client.list(target, false);
        if (!rows) return failed(rows.error());
        for (const Row& row : *rows) {
            const auto [place, fresh] = apps.try_emplace(row.app, JournalApp{row.app, {}, false, row.user});
            place->second.ids[row.slot] = row.id;
        }
    }
    for (auto& [name, app] : apps) {
        app.only_these = app.ids.size() < instances[name]; // ids were named, not the app
        const auto target = client.log_target(name);
        if (!target) return failed(target.error());
        if (*target == "journal") found.push_back(std::move(app));
    }
    return found;
}

Outcome<std::optional<JournalReader>> open_journal(Client& client, const std::vector<std::string>& targets)
{
    const auto daemon = client.daemon();
    if (!daemon) return failed(daemon.error());
    auto apps = journal_apps(client, *daemon, targets);
    if (!apps) return failed(apps.error());
    if (apps->empty()) return std::nullopt;
    const bool of_system = daemon->scope == "system";
    const passwd* entry = getpwuid(geteuid());
    const std::string self = entry != nullptr ? entry->pw_name : std::to_string(geteuid());
    const bool own = !of_system || std::ranges::all_of(*apps, [&](const JournalApp& app) { return app.user == self; });
    auto reader = JournalReader::open(std::move(*apps), {of_system ? std::nullopt : std::optional(geteuid()), {}, own});
    if (!reader) return failed(reader.error());
    return std::move(*reader);
}

Outcome<std::vector<base::Fd>> open_streams(Client& client, const std::vector<std::string>& targets, const LogWish& wish)
{
    const bool filtered = wish.filter.is_active();
    LogOptions options;
    options.lines = filtered && wish.lines != 0U ? kMostLines : wish.lines.value_or(kLines);
    options.follow = wish.follow;
    options.format = wish.look == LogLook::Raw && !filtered ? "raw" : "json";
    options.stream = wish.filter.stream;
    options.mark_history_end = filtered;
    std::vector<base::Fd> streams;
    for (const std::string& target : targets) {
        auto stream = client.open_log(target, options);
        if (!stream) return failed(stream.error());
        streams.push_back(std::move(*stream));
    }
    return streams;
}

/// How many old lines: with --since alone, all since then.
std::size_t shown_lines(const LogWish& wish)
{
    return wish.lines.value_or(wish.filter.since ? kMostLines : kLines);
}

/// Prints the last lines, or sets `reader` to where --since begins. Whether there is more to come from it.
Outcome<bool> begin(JournalReader& reader, const LogWish& wish, LogFormatter& formatter, const Interrupt& interrupt)
{
    if (wish.filter.since && !wish.lines) return reader.begin_at(*wish.filter.since).map([] { return true; });
    auto lines = reader.last(shown_lines(wish), wish.filter, [&] { return interrupt.pressed(); });
    if (!lines) return failed(lines.error());
    std::string text;
    for (const LogLine& line : *lines) text += formatter.format(line);
    if (const int status = print(text); status != kDone) return failed(status, "");
    if (!wish.follow) return false;
    return reader.begin_after_last().map([] { return true; });
}

void tell_undated(const std::vector<std::unique_ptr<StreamFeed>>& feeds)
{
    std::set<std::string> apps;
    for (const auto& feed : feeds) apps.insert(feed->undated().begin(), feed->undated().end());
    for (const std::string& app : apps)
        warn(fmt::format("old lines of '{}' are left out: they have no date, so nobody knows when they came ('time: true' "
                         "in the app file gives new ones a date)",
                         base::printable(app)));
}

} // namespace

int show_logs(const Context& context, Client& client, const std::vector<std::string>& targets, const LogWish& wish)
{
    const Interrupt interrupt;
    LogFormatter formatter(context.out, wish.timestamp, wish.look);
    auto streams = open_streams(client, targets, wish);
    if (!streams) return report(streams.error());
    auto journal = open_journal(client, targets);
    if (!journal) return report(journal.error());
    std::unique_ptr<JournalFeed> journal_feed;
    if (*journal) {
        const auto more = begin(**journal, wish, formatter, interrupt);
        if (!more) return report(more.error());
        if (*more) journal_feed = std::make_unique<JournalFeed>(std::move(**journal), wish.filter, formatter, wish.follow);
    }
    std::vector<std::unique_ptr<StreamFeed>> feeds;
    for (base::Fd& stream : *streams)
        feeds.push_back(std::make_unique<StreamFeed>(std::move(stream), wish.filter, shown_lines(wish), formatter));
    std::vector<LogFeed*> sources;
    for (const auto& feed : feeds) sources.push_back(feed.get());
    const auto end = view_logs(sources, journal_feed.get(), interrupt);
    tell_undated(feeds);
    if (!end) return report(end.error());
    return !wish.follow && *end == ViewEnd::StreamsEnded ? kDone : status_of(*end);
}

std::vector<std::string> last_error_lines(Client& client, const std::string& app, std::uint32_t count)
{
    LogFilter filter;
    filter.stream = "err";
    if (auto journal = open_journal(client, {app}); journal && *journal) {
        std::vector<std::string> texts;
        const auto lines = (*journal)->last(count, filter, [] { return false; });
        for (const LogLine& line : lines.value_or(std::vector<LogLine>())) texts.push_back(line.text);
        if (!texts.empty()) return texts;
    }
    const auto stream = client.open_log(app, {count, false, filter.stream, "raw", false, false});
    if (!stream) return {};
    std::string text;
    std::array<char, 4096> buffer{};
    while (text.size() < kMostBytes) {
        const ssize_t got = read(stream->get(), buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        text.append(buffer.data(), static_cast<std::size_t>(got));
    }
    return base::split(base::trim(text), '\n');
}

} // namespace pm::cli
