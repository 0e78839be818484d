// SPDX-License-Identifier: Apache-2.0
// One who follows logs or messages: a pipe, the history it still has to get, and a bounded queue of new lines.
//
// Model: `front_` is text on its way into the pipe. When it is used up it is filled again: from the history while there
// is some (one file at a time, read only when the reader has taken what came before), then from the queue. Lines that
// arrive meanwhile wait in the queue; over the bound its oldest lines go, and the reader is told how many. Lines are put
// into the reader's format only when their turn comes, so a flood that it cannot take costs a copy and no more.
#pragma once

#include "logs/format.hpp"
#include "logs/line_splitter.hpp"

#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace pm::logs {

/// Lines of one wake-up of one stream, shared by all readers.
struct LineBlock {
    std::shared_ptr<const Origin> origin;
    Stream stream = Stream::Out;
    std::optional<model::WallTime> when; ///< of history only the lines themselves may tell
    std::string lines;                   ///< each ended by '\n', but for a last one that goes on in a later block
    bool continues = false;              ///< the first one goes on with one of an earlier block
    model::LogSpec spec = {};            ///< of history: how its lines tell it
};

struct HistoryFile {
    std::shared_ptr<const Origin> origin;
    Stream stream = Stream::Out;
    LogPath path;
    off_t end = 0;
    model::LogSpec spec;
};

/// Whose new lines a reader gets.
struct ReaderFilter {
    std::unordered_set<std::string> apps;
    std::unordered_set<base::InstanceId> ids; ///< together with the app they belonged to when the reader came
    std::unordered_set<std::string> apps_of_ids;
    std::function<bool(base::InstanceId)> later; ///< decides about other apps, once for each process; may be empty
};

class Reader {
public:
    /// `pipe` is the nonblocking write end; `history` is in order.
    Reader(base::Fd pipe, ReaderFilter filter, const ReaderOptions& options, std::vector<HistoryFile> history,
           std::size_t max_buffer);
    /// Waits on the loop; `on_done` is called once, from the loop, when the reader is gone or has got everything.
    base::Result<void> watch(io::EventLoop& loop, std::function<void()> on_done);

    [[nodiscard]] bool wants(const std::shared_ptr<const Origin>& origin, Stream stream);
    /// Gets no more new lines of apps of this name.
    void forget_app(const std::string& app);
    /// Queues new lines and sends what the pipe takes at once.
    void push(std::shared_ptr<const LineBlock> block);

private:
    struct Entry {
        std::shared_ptr<const LineBlock> block;
        std::size_t begin = 0; ///< what is before it is done with
        [[nodiscard]] std::string_view rest() const { return std::string_view(block->lines).substr(begin); }
        [[nodiscard]] std::size_t cost() const;
    };
    [[nodiscard]] bool follows(Stream stream) const noexcept;
    [[nodiscard]] bool wants_later(const std::shared_ptr<const Origin>& origin);
    void bound_queue();
    void step();
    void fill();
    void load_history();
    void fill_from_queue();
    void take_lines(Entry& entry);
    void part_lines(const LineBlock& block, const ReaderLine& line);
    void mark_lost();
    void send();
    [[nodiscard]] bool has_more() const;
    [[nodiscard]] bool must_mark() const { return options_.mark_history_end && !marked_; }

    base::Fd pipe_;
    ReaderFilter filter_;
    struct Decision {
        std::weak_ptr<const Origin> process;
        bool wanted = false;
    };
    std::unordered_map<base::InstanceId, Decision> decided_; ///< by filter_.later, of the last process of each instance
    ReaderOptions options_;
    std::vector<HistoryFile> history_; ///< last one first
    std::size_t max_buffer_;
    std::optional<Entry> past_;
    std::deque<Entry> queue_;
    std::size_t queued_ = 0;  ///< the cost of the queue
    std::uint64_t lost_ = 0;  ///< lines dropped before the queue's first
    std::string front_;
    std::size_t sent_ = 0;    ///< bytes of front_
    std::optional<std::pair<base::InstanceId, Stream>> within_; ///< raw: whose line front_ ends within
    bool marked_ = false;     ///< the end of history was told
    bool waiting_ = true;     ///< for the pipe to take more
    bool gone_ = false;
    std::function<void()> on_done_;
    io::Source source_;
};

} // namespace pm::logs
