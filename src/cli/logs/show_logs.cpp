// SPDX-License-Identifier: Apache-2.0
#include "cli/logs/show_logs.hpp"

#include "base/text.hpp"
#include "cli/interrupt.hpp"
#include "cli/log_view.hpp"
#include "cli/logs/log_feed.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <fmt/format.h>
#include <poll.h>
#include <pwd.h>
#include <unistd.h>
#include <utility>

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
        if (!rows && rows.error().code == base::ErrorCode::NoSuchApp) continue; // open_streams() judges that
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

Outcome<JournalReader> open_journal(const DaemonInfo& daemon, std::vector<JournalApp> apps)
{
    const bool of_system = daemon.scope == "system";
    const passwd* entry = getpwuid(geteuid());
    const std::string self = entry != nullptr ? entry->pw_name : std::to_string(geteuid());
    const bool own = !of_system || std::ranges::all_of(apps, [&](const JournalApp& app) { return app.user == self; });
    return JournalReader::open(std::move(apps), {of_system ? std::nullopt : std::optional(geteuid()), {}, own});
}

Outcome<std::optional<JournalReader>> open_journal(Client& client, const DaemonInfo& daemon, const std::vector<std::string>& targets)
{
    auto apps = journal_apps(client, daemon, targets);
    if (!apps) return failed(apps.error());
    if (apps->empty()) return std::nullopt;
    auto reader = open_journal(daemon, std::move(*apps));
    if (!reader) return failed(reader.error());
    return std::move(*reader);
}

/// Apps that are started while somebody follows: those of the targets that write to the journal are read there, too.
class NewApps final : public LogFeed {
public:
    /// `begin`: microseconds since 1970; from there on what they write is shown. All references outlive it.
    NewApps(Client& client, const DaemonInfo& daemon, const std::vector<std::string>& targets, JournalFeed& journal, std::uint64_t begin)
        : client_(client), daemon_(daemon), targets_(targets), journal_(journal), begin_(begin)
    {
    }
    Outcome<void> watch()
    {
        return client_.watch_apps([this] { added_ = true; });
    }
    [[nodiscard]] int fd() const override { return client_.waiting().fd; }
    [[nodiscard]] short events() const override { return client_.waiting().events; }
    [[nodiscard]] int timeout() const override { return added_ ? 0 : client_.waiting().timeout; }
    Outcome<bool> take(std::string&) override
    {
        client_.handle_events();
        if (!std::exchange(added_, false)) return true;
        auto apps = journal_apps(client_, daemon_, targets_);
        if (!apps || apps->empty()) return true; // pmd is ending, which the streams tell; or they write to files
        if (JournalReader* reader = journal_.reader(); reader != nullptr) {
            journal_.look_again();
            return reader->set_apps(std::move(*apps)).map([] { return true; });
        }
        auto reader = open_journal(daemon_, std::move(*apps));
        if (!reader) return failed(reader.error());
        if (auto begun = reader->begin_at(begin_); !begun) return failed(begun.error());
        journal_.begin(std::move(*reader));
        return true;
    }

private:
    Client& client_;
    const DaemonInfo& daemon_;
    const std::vector<std::string>& targets_;
    JournalFeed& journal_;
    std::uint64_t begin_;
    bool added_ = false;
};

std::uint64_t now_in_microseconds()
{
    using namespace std::chrono;
    return static_cast<std::uint64_t>(duration_cast<microseconds>(system_clock::now().time_since_epoch()).count());
}

bool is_sent_raw(const LogWish& wish) { return wish.look == LogLook::Raw && !wish.filter.is_active(); }

Outcome<std::vector<base::Fd>> open_streams(Client& client, const std::vector<std::string>& targets, const LogWish& wish)
{
    const bool filtered = wish.filter.is_active();
    LogOptions options;
    options.lines = filtered && wish.lines != 0U ? kMostLines : wish.lines.value_or(kLines);
    options.follow = wish.follow;
    options.format = is_sent_raw(wish) ? "raw" : "json";
    options.stream = wish.filter.stream;
    options.mark_history_end = filtered;
    std::vector<base::Fd> streams;
    for (const std::string& target : targets) {
        options.wait = false;
        auto stream = client.open_log(target, options);
        if (!stream && wish.follow && may_come(target, stream.error())) {
            warn(stream.error().message + "; waiting until there is");
            options.wait = true;
            stream = client.open_log(target, options);
        }
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
    const std::uint64_t started = now_in_microseconds();
    LogFormatter formatter(context.out, wish.timestamp, wish.look);
    auto streams = open_streams(client, targets, wish);
    if (!streams) return report(streams.error());
    const auto daemon = client.daemon();
    if (!daemon) return report(daemon.error());
    JournalFeed journal_feed(wish.filter, formatter, wish.follow);
    NewApps new_apps(client, *daemon, targets, journal_feed, started);
    std::vector<LogFeed*> others{&journal_feed};
    if (wish.follow && daemon->launcher == "systemd") {
        if (auto watched = new_apps.watch(); !watched) return report(watched.error());
        others.push_back(&new_apps);
    }
    auto journal = open_journal(client, *daemon, targets);
    if (!journal) return report(journal.error());
    if (*journal) {
        const auto more = begin(**journal, wish, formatter, interrupt);
        if (!more) return report(more.error());
        if (*more) journal_feed.begin(std::move(**journal));
    }
    std::vector<std::unique_ptr<StreamFeed>> feeds;
    for (base::Fd& stream : *streams)
        feeds.push_back(std::make_unique<StreamFeed>(std::move(stream), wish.filter, shown_lines(wish), formatter, is_sent_raw(wish)));
    std::vector<LogFeed*> sources;
    for (const auto& feed : feeds) sources.push_back(feed.get());
    const auto end = view_logs(sources, others, interrupt);
    if (end && *end != ViewEnd::OutputLost && wish.look == LogLook::People) (void)print(formatter.finish());
    tell_undated(feeds);
    if (!end) return report(end.error());
    return !wish.follow && *end == ViewEnd::StreamsEnded ? kDone : status_of(*end);
}

std::vector<std::string> last_error_lines(Client& client, const std::string& app, std::uint32_t count)
{
    LogFilter filter;
    filter.stream = "err";
    const auto daemon = client.daemon();
    if (!daemon) return {};
    if (auto journal = open_journal(client, *daemon, {app}); journal && *journal) {
        std::vector<std::string> texts;
        const auto lines = (*journal)->last(count, filter, [] { return false; });
        for (const LogLine& line : lines.value_or(std::vector<LogLine>())) texts.push_back(line.text);
        if (!texts.empty()) return texts;
    }
    const auto stream = client.open_log(app, {count, false, filter.stream, "raw", false, false, false});
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
