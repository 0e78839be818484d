// SPDX-License-Identifier: Apache-2.0
// pmd's end of one process's stdout or stderr: reads it until its end, whatever becomes of the process.
#pragma once

#include "logs/format.hpp"
#include "logs/line_splitter.hpp"
#include "logs/reader_set.hpp"
#include "logs/sink.hpp"

#include <array>

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
    PipeStream(base::Fd pipe, Route route) : pipe_(std::move(pipe)), route_(std::move(route)) {}
    /// Waits on the loop; `on_readable` calls read().
    base::Result<void> watch(io::EventLoop& loop, std::function<void()> on_readable);
    /// Takes one bounded portion; false at the end of the pipe, when the begun line is passed on too.
    bool read(Workspace& workspace, ReaderSet& readers, std::size_t max_line);
    /// What was read of a line that has not come to its end.
    [[nodiscard]] const std::string& begun() const noexcept { return splitter_.begun(); }
    void go_on_with(std::string begun) { splitter_.go_on_with(std::move(begun)); }

private:
    void pass_on(Workspace& workspace, ReaderSet& readers);

    base::Fd pipe_;
    Route route_;
    LineSplitter splitter_;
    io::Source source_;
};

} // namespace pm::logs
