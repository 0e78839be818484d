// SPDX-License-Identifier: Apache-2.0
#include "cli/logs/log_feed.hpp"

#include <array>
#include <cerrno>
#include <poll.h>
#include <unistd.h>

namespace pm::cli {
namespace {

/// Of a line that comes in pieces, what is kept to be judged.
constexpr std::size_t kMostOfLine = 1u << 20;
/// Entries of the journal between two looks at the other feeds and at Ctrl-C.
constexpr std::size_t kEntries = 512;
constexpr std::string_view kHistoryEnd = "{\"history\":\"end\"}";

} // namespace

LogFilter::Verdict PieceFilter::judge(LogLine& line)
{
    if (!line.continued && !line.partial) return filter_.judge(line);
    const std::string key = piece_key(line);
    auto begun = begun_.extract(key);
    Begun line_so_far = begun && line.continued ? std::move(begun.mapped()) : Begun();
    LogFilter::Verdict verdict = LogFilter::Verdict::Shown;
    if (!line_so_far.shown) {
        LogLine whole = line;
        whole.text = line_so_far.text + line.text;
        whole.continued = line.continued && line_so_far.text.empty();
        verdict = filter_.judge(whole);
        line_so_far.shown = verdict == LogFilter::Verdict::Shown;
        line_so_far.text = line_so_far.shown ? std::string() : whole.text.substr(0, kMostOfLine);
        if (line_so_far.shown) line = std::move(whole);
    }
    if (line.partial) begun_.emplace(key, std::move(line_so_far));
    return verdict;
}

short StreamFeed::events() const { return POLLIN; }

Outcome<bool> StreamFeed::take(std::string& text)
{
    std::array<char, 65536> buffer{};
    const ssize_t count = read(fd_.get(), buffer.data(), buffer.size());
    if (count < 0) return errno == EINTR || errno == EAGAIN;
    if (raw_) {
        text += formatter_.format_raw({buffer.data(), static_cast<std::size_t>(count)}, this);
        return count > 0;
    }
    partial_.append(buffer.data(), static_cast<std::size_t>(count));
    if (count == 0 && !partial_.empty()) partial_ += '\n';
    std::size_t start = 0;
    for (std::size_t end = 0; (end = partial_.find('\n', start)) != std::string::npos; start = end + 1)
        take_line(std::string_view(partial_).substr(start, end - start), text);
    partial_.erase(0, start);
    if (count == 0) end_history(text);
    return count > 0;
}

void StreamFeed::take_line(std::string_view line, std::string& text)
{
    if (!filter_.is_active()) {
        text += formatter_.format(line);
        return;
    }
    if (line == kHistoryEnd) return end_history(text);
    auto parsed = line_from_json(line);
    if (!parsed) {
        text += formatter_.format(line); // how many were lost
        return;
    }
    switch (pieces_.judge(*parsed)) {
    case LogFilter::Verdict::Shown:
        if (in_history_)
            keep(std::move(*parsed));
        else
            text += formatter_.format(*parsed);
        return;
    case LogFilter::Verdict::UnknownTime: undated_.insert(parsed->app); return;
    case LogFilter::Verdict::LeftOut: return;
    }
}

void StreamFeed::keep(LogLine line)
{
    const FileKey key{line.id.value_or(0), line.stream};
    const auto [tail, fresh] = tails_.try_emplace(key);
    if (fresh) order_.push_back(key);
    tail->second.push_back(std::move(line));
    if (tail->second.size() > count_) tail->second.pop_front();
}

void StreamFeed::end_history(std::string& text)
{
    in_history_ = false;
    for (const FileKey& key : order_)
        for (const LogLine& line : tails_[key]) text += formatter_.format(line);
    tails_.clear();
    order_.clear();
}

Outcome<bool> JournalFeed::take(std::string& text)
{
    if (auto woken = reader_->wake(); !woken) return failed(woken.error());
    std::size_t most = kEntries;
    for (;;) {
        auto line = reader_->next(filter_, most);
        if (!line) return failed(line.error());
        if (!*line) break;
        text += formatter_.format(**line);
    }
    has_more_ = most == 0;
    return follow_ || has_more_;
}

} // namespace pm::cli
