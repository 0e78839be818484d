// SPDX-License-Identifier: Apache-2.0
// Where `pmctl logs` gets lines from while it waits: a stream of pmd (OpenLog), or the journal.
#pragma once

#include "base/fd.hpp"
#include "cli/logs/journal_reader.hpp"
#include "cli/logs/log_filter.hpp"
#include "cli/view/log_lines.hpp"

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace pm::cli {

class LogFeed {
public:
    virtual ~LogFeed() = default;
    [[nodiscard]] virtual int fd() const = 0;
    [[nodiscard]] virtual short events() const = 0;
    /// For poll(2), milliseconds; 0: there is more already.
    [[nodiscard]] virtual int timeout() const = 0;
    /// Takes a bounded portion and appends what is to be printed; false at the end.
    virtual Outcome<bool> take(std::string& text) = 0;
};

/// A pipe that pmd writes to.
/// Judges lines that come in pieces by what there is of them.
class PieceFilter {
public:
    /// The filter outlives it.
    explicit PieceFilter(const LogFilter& filter) : filter_(filter) {}
    /// `line` becomes what is to be shown: of a piece with which its line is the first time to be shown, all of it.
    [[nodiscard]] LogFilter::Verdict judge(LogLine& line);

private:
    struct Begun {
        std::string text;
        bool shown = false;
    };
    const LogFilter& filter_;
    std::map<std::string, Begun> begun_; ///< by piece_key()
};

class StreamFeed final : public LogFeed {
public:
    /// Those that outlive it: the filter and the formatter. `count`: old lines of each file that are shown when the filter
    /// is active; then pmd marks where they end.
    /// `raw`: pmd sends the lines as they are, and the filter is not active.
    StreamFeed(base::Fd fd, const LogFilter& filter, std::size_t count, LogFormatter& formatter, bool raw)
        : fd_(std::move(fd)), filter_(filter), pieces_(filter), count_(count), formatter_(formatter), raw_(raw),
          in_history_(filter.is_active())
    {
    }
    [[nodiscard]] int fd() const override { return fd_.get(); }
    [[nodiscard]] short events() const override;
    [[nodiscard]] int timeout() const override { return -1; }
    Outcome<bool> take(std::string& text) override;
    /// Apps that have old lines without a date, which --since and --until could not judge.
    [[nodiscard]] const std::set<std::string>& undated() const noexcept { return undated_; }

private:
    using FileKey = std::pair<std::uint32_t, std::string>; ///< instance and stream
    void take_line(std::string_view line, std::string& text);
    void keep(LogLine line);
    void end_history(std::string& text);

    base::Fd fd_;
    const LogFilter& filter_;
    PieceFilter pieces_;
    std::size_t count_;
    LogFormatter& formatter_;
    bool raw_;
    bool in_history_;
    std::string partial_;
    std::map<FileKey, std::deque<LogLine>> tails_; ///< the last lines that pass, of each file
    std::vector<FileKey> order_;                   ///< of files, as they came
    std::set<std::string> undated_;
};

class JournalFeed final : public LogFeed {
public:
    /// `follow`: never ends. `filter` and `formatter` outlive it.
    JournalFeed(const LogFilter& filter, LogFormatter& formatter, bool follow) : filter_(filter), formatter_(formatter), follow_(follow) {}
    /// What it reads; until then it has nothing.
    void begin(JournalReader reader)
    {
        reader_ = std::move(reader);
        has_more_ = true;
    }
    [[nodiscard]] JournalReader* reader() noexcept { return reader_ ? &*reader_ : nullptr; }
    /// The apps it reads were changed.
    void look_again() noexcept { has_more_ = true; }
    [[nodiscard]] int fd() const override { return reader_ ? reader_->fd() : -1; }
    [[nodiscard]] short events() const override { return reader_ ? reader_->events() : short{0}; }
    [[nodiscard]] int timeout() const override { return !reader_ ? -1 : has_more_ ? 0 : reader_->timeout(); }
    Outcome<bool> take(std::string& text) override;

private:
    std::optional<JournalReader> reader_;
    const LogFilter& filter_;
    LogFormatter& formatter_;
    bool follow_;
    bool has_more_ = false;
};

} // namespace pm::cli
