// SPDX-License-Identifier: Apache-2.0
#include "logs/pipe_stream.hpp"

#include <algorithm>
#include <cerrno>
#include <sys/epoll.h>
#include <unistd.h>

namespace pm::logs {
namespace {

/// Lines put into another form can grow fiftyfold (empty ones to JSON), so a wake-up takes fewer of them.
constexpr std::size_t kMaxFormatted = 4u << 10;
/// Scratch text is given back when a wake-up needed more than this.
constexpr std::size_t kKeepScratch = 256u << 10;

} // namespace

base::Result<void> PipeStream::watch(io::EventLoop& loop, std::function<void()> on_readable)
{
    auto source = loop.add_io(pipe_.get(), EPOLLIN, io::Priority::Output,
                              [on_readable = std::move(on_readable)](std::uint32_t) { on_readable(); });
    if (!source) return tl::unexpected(std::move(source.error()));
    source_ = std::move(*source);
    return {};
}

bool PipeStream::read(Workspace& workspace, ReaderSet& readers, std::size_t max_line)
{
    const std::size_t portion = is_verbatim(route_.spec->logs) ? Workspace::kMaxRead : kMaxFormatted;
    const ssize_t got = ::read(pipe_.get(), workspace.buffer.data(), portion);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return true;
    workspace.batch.clear();
    if (got > 0)
        splitter_.feed({workspace.buffer.data(), static_cast<std::size_t>(got)}, max_line, workspace.batch);
    else
        splitter_.finish(workspace.batch);
    if (!workspace.batch.empty()) pass_on(workspace, readers);
    return got > 0;
}

void PipeStream::pass_on(Workspace& workspace, ReaderSet& readers)
{
    const auto wall = std::chrono::system_clock::now();
    if (route_.file || route_.combined) {
        const auto now = std::chrono::steady_clock::now();
        std::span<const std::string_view> blocks = workspace.batch.blocks();
        std::array<std::string_view, 1> formatted;
        if (!is_verbatim(route_.spec->logs)) {
            workspace.formatted.clear();
            append_for_file(workspace.formatted, blocks, route_.spec->logs, *route_.origin, route_.stream, wall);
            formatted.front() = workspace.formatted;
            blocks = formatted;
        }
        if (route_.file) route_.file->write(blocks, now);
        if (route_.combined) route_.combined->write(blocks, now);
        if (workspace.formatted.capacity() > kKeepScratch) workspace.formatted = {};
    }
    readers.publish(route_.origin, route_.stream, workspace.batch.blocks(), wall);
}

} // namespace pm::logs
