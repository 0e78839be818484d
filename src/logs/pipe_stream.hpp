// SPDX-License-Identifier: Apache-2.0
// pmd's end of one process's stdout or stderr: reads it until its end, whatever becomes of the process.
#pragma once

#include "logs/format.hpp"
#include "logs/line_splitter.hpp"
#include "logs/reader_set.hpp"
#include "logs/sink.hpp"

#include <array>
#include <cstdint>
#include <optional>

namespace pm::logs {

/// What all streams use in turn: nothing of it lives longer than one wake-up.
struct Workspace {
    static constexpr std::size_t kMaxRead = 64u << 10;
    std::array<char, kMaxRead> buffer;
    LineBatch batch;
    std::string formatted;
};

class PipeStream {
public:
    struct Route {
        std::shared_ptr<const model::AppSpec> spec;
        std::shared_ptr<const Origin> origin;
        Stream stream = Stream::Out;
        std::shared_ptr<Sink> file;     ///< may be null
        std::shared_ptr<Sink> combined; ///< may be null
    };
    /// `key`: its own among all streams.
    PipeStream(base::Fd pipe, Route route, std::uint64_t key) : pipe_(std::move(pipe)), route_(std::move(route)), key_(key) {}
    /// Waits on the loop; `on_readable` calls read().
    base::Result<void> watch(io::EventLoop& loop, std::function<void()> on_readable);
    /// Takes one bounded portion; false at the end of the pipe, when the begun line is passed on too.
    bool read(Workspace& workspace, ReaderSet& readers, std::size_t max_line);
    /// Passes on what there is of the begun line.
    void flush(Workspace& workspace, ReaderSet& readers);
    /// Since when there is text of a begun line that was not passed on; nothing: there is none.
    [[nodiscard]] std::optional<model::TimePoint> begun_since() const noexcept { return begun_since_; }
    /// The process has written more than was read.
    [[nodiscard]] bool has_unread() const noexcept;
    /// For the pmd that comes after this one, which goes on with it.
    [[nodiscard]] BegunLine begun() const;
    void go_on_with(BegunLine begun);
    /// An earlier pmd read the pipe, and nobody knows how far it was within a line.
    void go_on_somewhere() { may_continue_ = true; }

private:
    void pass_on(Workspace& workspace, ReaderSet& readers);
    void note_begun(bool passed_on);
    [[nodiscard]] std::string_view parted() const;

    base::Fd pipe_;
    Route route_;
    std::uint64_t key_;
    LineSplitter splitter_;
    bool may_continue_ = false;
    std::optional<model::TimePoint> begun_since_;
    io::Source source_;
};

} // namespace pm::logs
