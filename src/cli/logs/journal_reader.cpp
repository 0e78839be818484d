// SPDX-License-Identifier: Apache-2.0
#include "cli/logs/journal_reader.hpp"

#include "base/text.hpp"
#include "cli/logs/journal_access.hpp"
#include "cli/logs/journal_entry.hpp"
#include "model/unit_names.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fmt/format.h>
#include <systemd/sd-journal.h>
#include <unordered_set>

namespace pm::cli {
namespace {

/// Entries read between two looks at whether to stop.
constexpr std::size_t kBetweenStops = 256;
/// Streams of which a line is begun.
constexpr std::size_t kMostBegun = 4096;

Outcome<void> checked(int result)
{
    if (result >= 0) return {};
    return failed(kFailed, fmt::format("reading the journal: {}", std::strerror(-result)));
}

} // namespace

struct JournalReader::Impl {
    struct CloseJournal {
        void operator()(sd_journal* journal) const noexcept { sd_journal_close(journal); }
    };
    Impl(std::vector<JournalApp> of_apps, JournalScope of_scope)
        : scope(std::move(of_scope)), apps(std::move(of_apps)), entries(apps, scope)
    {
    }

    Outcome<void> match(std::span<const JournalApp> some);
    Outcome<void> note_start();
    Outcome<void> collect(const JournalApp& app, std::size_t count, const LogFilter& filter, const Stop& stop,
                          std::vector<LogLine>& lines);
    void mark_continued(LogLine& line);
    [[nodiscard]] std::string cursor() const;
    [[nodiscard]] std::uint64_t time() const;

    JournalScope scope;
    std::vector<JournalApp> apps;
    EntryReader entries;
    std::unique_ptr<sd_journal, CloseJournal> journal;
    std::string start;                      ///< cursor of the last entry when the journal was opened; empty: there was none
    std::optional<std::uint64_t> begun_at;  ///< of begin_at(), until something was read
    std::unordered_set<std::string> given;  ///< cursors of last()
    std::unordered_set<std::string> begun;  ///< streams whose last entry was a piece of a line that goes on
};

/// For all entries, in their order.
void JournalReader::Impl::mark_continued(LogLine& line)
{
    line.continued = begun.erase(line.origin) > 0;
    if (!line.partial) return;
    if (begun.size() >= kMostBegun) begun.clear();
    begun.insert(line.origin);
}

std::string JournalReader::Impl::cursor() const
{
    char* text = nullptr;
    if (sd_journal_get_cursor(journal.get(), &text) < 0) return {};
    const std::unique_ptr<char, decltype(&std::free)> owned(text, &std::free);
    return text;
}

std::uint64_t JournalReader::Impl::time() const
{
    std::uint64_t usec = 0;
    return sd_journal_get_realtime_usec(journal.get(), &usec) < 0 ? 0 : usec;
}

/// Everything that may be of `some`; EntryReader decides.
Outcome<void> JournalReader::Impl::match(std::span<const JournalApp> some)
{
    sd_journal_flush_matches(journal.get());
    int result = 0;
    const auto add = [&](const std::string& text) {
        if (result >= 0) result = sd_journal_add_match(journal.get(), text.c_str(), 0);
    };
    const std::string user = scope.user ? fmt::format("_UID={}", *scope.user) : std::string();
    if (!user.empty()) add(user);
    const std::string slice = user.empty() ? "_SYSTEMD_SLICE=" : "_SYSTEMD_USER_SLICE=";
    for (const JournalApp& app : some) add(slice + model::slice_of(app.name));
    if (result >= 0) result = sd_journal_add_disjunction(journal.get());
    if (!user.empty()) {
        add(user);
        add("_TRANSPORT=stdout");
    }
    for (const JournalApp& app : some) add((user.empty() ? "PM_APP=" : "SYSLOG_IDENTIFIER=") + app.name);
    return checked(result);
}

Outcome<void> JournalReader::Impl::note_start()
{
    int result = sd_journal_get_fd(journal.get()); // from here on changes are noticed
    if (result >= 0) result = sd_journal_seek_tail(journal.get());
    if (result >= 0) result = sd_journal_previous(journal.get());
    if (result > 0) start = cursor();
    return checked(result);
}

Outcome<void> JournalReader::Impl::collect(const JournalApp& app, std::size_t count, const LogFilter& filter,
                                           const Stop& stop, std::vector<LogLine>& lines)
{
    if (auto matched = match({&app, 1}); !matched) return matched;
    int result = filter.until ? sd_journal_seek_realtime_usec(journal.get(), *filter.until + 1)
                              : sd_journal_seek_tail(journal.get());
    std::size_t seen = 0;
    for (std::size_t had = 0; result >= 0 && had < count;) {
        if (++seen % kBetweenStops == 0 && stop()) break;
        result = sd_journal_previous(journal.get());
        if (result <= 0 || (filter.since && time() < *filter.since)) break;
        auto line = entries.read(*journal);
        if (!line || filter.judge(*line) != LogFilter::Verdict::Shown) continue;
        lines.push_back(std::move(*line));
        given.insert(cursor());
        ++had;
    }
    return checked(result);
}

JournalReader::JournalReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
JournalReader::JournalReader(JournalReader&&) noexcept = default;
JournalReader& JournalReader::operator=(JournalReader&&) noexcept = default;
JournalReader::~JournalReader() = default;

Outcome<JournalReader> JournalReader::open(std::vector<JournalApp> apps, JournalScope scope)
{
    if (scope.directory.empty())
        if (auto allowed = check_journal_access(scope.own_apps ? std::optional(geteuid()) : scope.user); !allowed) return failed(allowed.error());
    auto impl = std::make_unique<Impl>(std::move(apps), std::move(scope));
    sd_journal* opened = nullptr;
    const std::string& directory = impl->scope.directory;
    const int result = directory.empty() ? sd_journal_open(&opened, SD_JOURNAL_LOCAL_ONLY)
                                         : sd_journal_open_directory(&opened, directory.c_str(), 0);
    if (result < 0) return failed(kFailed, fmt::format("opening the journal: {}", std::strerror(-result)));
    impl->journal.reset(opened);
    sd_journal_set_data_threshold(opened, 0); // long lines are wanted whole
    if (auto noted = impl->note_start(); !noted) return failed(noted.error());
    return JournalReader(std::move(impl));
}

Outcome<std::vector<LogLine>> JournalReader::last(std::size_t count, const LogFilter& filter, const Stop& stop)
{
    std::vector<LogLine> lines;
    for (const JournalApp& app : impl_->apps) {
        if (stop()) break;
        if (auto done = impl_->collect(app, count, filter, stop, lines); !done) return failed(done.error());
    }
    std::ranges::reverse(lines);
    std::ranges::stable_sort(lines, {}, &LogLine::time);
    for (LogLine& line : lines) impl_->mark_continued(line);
    return lines;
}

Outcome<void> JournalReader::begin_at(std::uint64_t time)
{
    if (auto matched = impl_->match(impl_->apps); !matched) return matched;
    impl_->start.clear();
    impl_->given.clear();
    impl_->begun_at = time;
    return checked(sd_journal_seek_realtime_usec(impl_->journal.get(), time));
}

Outcome<void> JournalReader::set_apps(std::vector<JournalApp> apps)
{
    impl_->apps = std::move(apps);
    impl_->entries.set_apps(impl_->apps);
    if (!impl_->begun_at && impl_->start.empty()) impl_->start = impl_->cursor(); // where next() was
    if (impl_->begun_at) return begin_at(*impl_->begun_at);
    return begin_after_last();
}

Outcome<void> JournalReader::begin_after_last()
{
    if (auto matched = impl_->match(impl_->apps); !matched) return matched;
    return checked(impl_->start.empty() ? sd_journal_seek_head(impl_->journal.get())
                                        : sd_journal_seek_cursor(impl_->journal.get(), impl_->start.c_str()));
}

Outcome<std::optional<LogLine>> JournalReader::next(const LogFilter& filter, std::size_t& most)
{
    for (; most > 0; --most) {
        const int result = sd_journal_next(impl_->journal.get());
        if (result < 0) return failed(checked(result).error());
        if (result > 0) impl_->begun_at.reset();
        if (result == 0 || (filter.until && impl_->time() > *filter.until)) return std::nullopt;
        if (!impl_->start.empty()) { // seek_cursor() leads to the entry itself, if it is one of ours
            const bool old = sd_journal_test_cursor(impl_->journal.get(), impl_->start.c_str()) > 0;
            impl_->start.clear();
            if (old) continue;
        }
        if (!impl_->given.empty() && impl_->given.erase(impl_->cursor()) > 0) continue;
        auto line = impl_->entries.read(*impl_->journal);
        if (line) impl_->mark_continued(*line);
        if (!line || filter.judge(*line) != LogFilter::Verdict::Shown) continue;
        --most;
        return line;
    }
    return std::nullopt;
}

int JournalReader::fd() const { return sd_journal_get_fd(impl_->journal.get()); }

short JournalReader::events() const { return static_cast<short>(sd_journal_get_events(impl_->journal.get())); }

int JournalReader::timeout() const
{
    std::uint64_t until = UINT64_MAX; // CLOCK_MONOTONIC, microseconds
    if (sd_journal_get_timeout(impl_->journal.get(), &until) <= 0 || until == UINT64_MAX) return -1;
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    const auto usec = static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 + static_cast<std::uint64_t>(now.tv_nsec) / 1000;
    return until <= usec ? 0 : static_cast<int>(std::min<std::uint64_t>((until - usec) / 1000 + 1, 60'000));
}

Outcome<void> JournalReader::wake() { return checked(sd_journal_process(impl_->journal.get())); }

} // namespace pm::cli
