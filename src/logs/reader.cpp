// SPDX-License-Identifier: Apache-2.0
#include "logs/reader.hpp"

#include "logs/history.hpp"
#include "logs/line_dates.hpp"

#include <algorithm>
#include <cerrno>
#include <sys/epoll.h>
#include <unistd.h>

namespace pm::logs {
namespace {

/// Text made at a time; about what a pipe takes.
constexpr std::size_t kPortion = 64u << 10;
/// What an entry costs besides its text, so that a million empty lines are bounded too.
constexpr std::size_t kEntryCost = 256;

} // namespace

std::size_t Reader::Entry::cost() const { return kEntryCost + block->lines.size() - begin; }

Reader::Reader(base::Fd pipe, ReaderFilter filter, const ReaderOptions& options, std::vector<HistoryFile> history,
               std::size_t max_buffer)
    : pipe_(std::move(pipe)), filter_(std::move(filter)), options_(options), history_(std::move(history)),
      max_buffer_(max_buffer)
{
    std::reverse(history_.begin(), history_.end());
}

base::Result<void> Reader::watch(io::EventLoop& loop, std::function<void()> on_done)
{
    on_done_ = std::move(on_done);
    auto source = loop.add_io(pipe_.get(), EPOLLOUT, io::Priority::Output, [this](std::uint32_t events) {
        if ((events & EPOLLERR) != 0)
            gone_ = true;
        else
            step();
        const bool all_given = !options_.follow && !has_more();
        if (gone_ || all_given) std::exchange(on_done_, {})(); // destroys this reader
    });
    if (!source) return tl::unexpected(std::move(source.error()));
    source_ = std::move(*source);
    return {};
}

bool Reader::wants(const std::shared_ptr<const Origin>& origin, Stream stream)
{
    if (gone_ || !options_.follow || !follows(stream)) return false;
    return filter_.apps.contains(origin->app) || (filter_.ids.contains(origin->id) && filter_.apps_of_ids.contains(origin->app)) ||
           (filter_.later && wants_later(origin));
}

bool Reader::wants_later(const std::shared_ptr<const Origin>& origin)
{
    constexpr std::size_t kMany = 1024;
    if (const auto found = decided_.find(origin->id); found != decided_.end() && found->second.process.lock() == origin)
        return found->second.wanted;
    if (decided_.size() >= kMany) std::erase_if(decided_, [](const auto& entry) { return entry.second.process.expired(); });
    const bool wanted = filter_.later(origin->id);
    decided_.insert_or_assign(origin->id, Decision{origin, wanted});
    return wanted;
}

bool Reader::follows(Stream stream) const noexcept
{
    switch (stream) {
    case Stream::Out: return options_.out;
    case Stream::Err: return options_.err;
    case Stream::Messages: return options_.messages;
    }
    return false;
}

void Reader::forget_app(const std::string& app)
{
    filter_.apps.erase(app);
    filter_.apps_of_ids.erase(app);
}

void Reader::push(std::shared_ptr<const LineBlock> block)
{
    queue_.push_back({std::move(block), 0});
    queued_ += queue_.back().cost();
    bound_queue();
    if (!waiting_) step();
}

void Reader::bound_queue()
{
    while (queued_ > max_buffer_ && !queue_.empty()) {
        Entry& oldest = queue_.front();
        const std::string_view rest = oldest.rest();
        const std::size_t excess = queued_ - max_buffer_;
        const auto end = excess < rest.size() ? rest.find('\n', excess - 1) : std::string_view::npos;
        if (end == std::string_view::npos || end + 1 == rest.size()) {
            lost_ += std::max<std::uint64_t>(count_lines(rest), 1);
            queued_ -= oldest.cost();
            queue_.pop_front();
            continue;
        }
        lost_ += count_lines(rest.substr(0, end + 1));
        oldest.begin += end + 1;
        queued_ -= end + 1;
    }
}

bool Reader::has_more() const
{
    return sent_ < front_.size() || past_ || !history_.empty() || must_mark() || !queue_.empty() || lost_ > 0;
}

/// One portion into the pipe; the rest waits its turn on the loop.
void Reader::step()
{
    if (sent_ == front_.size()) fill();
    if (sent_ < front_.size()) send();
    waiting_ = has_more();
    source_.set_io_events(waiting_ ? std::uint32_t{EPOLLOUT} : 0u);
}

void Reader::fill()
{
    front_.clear();
    sent_ = 0;
    if (!past_ && !history_.empty()) load_history();
    if (past_) {
        take_lines(*past_);
        if (past_->rest().empty()) past_.reset();
    }
    if (past_ || !history_.empty()) return;
    if (must_mark()) {
        front_ += kHistoryEnd;
        marked_ = true;
    }
    fill_from_queue();
}

void Reader::load_history()
{
    const HistoryFile file = std::move(history_.back());
    history_.pop_back();
    FileTail tail = read_tail(file.path, file.end, options_.lines);
    if (tail.text.empty()) return;
    past_.emplace(Entry{std::make_shared<const LineBlock>(LineBlock{file.origin, file.stream, std::nullopt, std::move(tail.text),
                                                                    tail.is_cut, file.spec}),
                        0});
}

void Reader::fill_from_queue()
{
    if (lost_ > 0) mark_lost();
    while (!queue_.empty() && front_.size() < kPortion) {
        Entry& entry = queue_.front();
        queued_ -= entry.cost();
        take_lines(entry);
        if (entry.rest().empty())
            queue_.pop_front();
        else
            queued_ += entry.cost();
    }
}

void Reader::mark_lost()
{
    if (std::exchange(within_, std::nullopt)) front_ += '\n';
    front_ += lost_marker(options_.format, std::exchange(lost_, 0));
}

/// In raw form nothing but line ends tells lines apart: where another one comes into a line, there is one more.
void Reader::part_lines(const LineBlock& block, const ReaderLine& line)
{
    const std::pair whose(block.origin->id, block.stream);
    if (within_ && (!line.continued || *within_ != whose)) front_ += '\n';
    within_.reset();
    if (line.partial) within_ = whose;
}

/// Formats lines of `entry` until it or the portion is used up.
void Reader::take_lines(Entry& entry)
{
    const LineBlock& block = *entry.block;
    const ReaderLines format(options_.format, *block.origin, block.stream);
    while (entry.begin < block.lines.size() && front_.size() < kPortion) {
        const std::string_view rest = entry.rest();
        const std::size_t end = rest.find('\n');
        const bool whole = end != std::string_view::npos;
        const ReaderLine line{rest.substr(0, end), block.continues && entry.begin == 0, !whole};
        const bool told = options_.format == ReaderFormat::Json;
        if (!told) part_lines(block, line);
        format.append(front_, line, block.when || !told ? block.when : date_of(line.text, block.spec));
        entry.begin += whole ? end + 1 : rest.size();
    }
}

void Reader::send()
{
    const ssize_t done = write(pipe_.get(), front_.data() + sent_, front_.size() - sent_);
    if (done >= 0)
        sent_ += static_cast<std::size_t>(done);
    else if (errno != EAGAIN && errno != EINTR)
        gone_ = true; // EPIPE; EPOLLERR follows and ends the reader from the loop
    if (sent_ == front_.size() && front_.capacity() > 2 * kPortion) front_ = {}, sent_ = 0;
}

} // namespace pm::logs
