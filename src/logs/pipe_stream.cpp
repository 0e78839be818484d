// SPDX-License-Identifier: Apache-2.0
#include "logs/pipe_stream.hpp"

#include <algorithm>
#include <cerrno>
#include <sys/epoll.h>
#include <sys/ioctl.h>
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
    const bool any = !workspace.batch.empty();
    if (any) pass_on(workspace, readers);
    note_begun(any);
    return got > 0;
}

void PipeStream::flush(Workspace& workspace, ReaderSet& readers)
{
    workspace.batch.clear();
    splitter_.flush(workspace.batch);
    if (!workspace.batch.empty()) pass_on(workspace, readers);
    note_begun(true);
}

/// `passed_on`: what is left of a begun line has only come now.
void PipeStream::note_begun(bool passed_on)
{
    if (splitter_.begun().empty())
        begun_since_.reset();
    else if (passed_on || !begun_since_)
        begun_since_ = std::chrono::steady_clock::now();
}

bool PipeStream::has_unread() const noexcept
{
    int bytes = 0;
    return ioctl(pipe_.get(), FIONREAD, &bytes) == 0 && bytes > 0;
}

BegunLine PipeStream::begun() const
{
    const auto within = [this](const std::shared_ptr<Sink>& sink) { return sink && sink->is_within_line_of(key_); };
    return {splitter_.begun(), splitter_.is_open(), within(route_.file), within(route_.combined)};
}

void PipeStream::go_on_with(BegunLine begun)
{
    splitter_.go_on_with(std::move(begun.text), begun.open);
    if (begun.in_file && route_.file) route_.file->go_on_for(key_, parted());
    if (begun.in_combined && route_.combined) route_.combined->go_on_for(key_, parted());
    note_begun(true);
}

std::string_view PipeStream::parted() const { return is_verbatim(route_.spec->logs) ? "\n" : kParted; }

void PipeStream::pass_on(Workspace& workspace, ReaderSet& readers)
{
    const auto wall = std::chrono::system_clock::now();
    if (route_.file || route_.combined) {
        const auto now = std::chrono::steady_clock::now();
        std::span<const std::string_view> blocks = workspace.batch.blocks();
        std::array<std::string_view, 1> formatted;
        const model::LogSpec& spec = route_.spec->logs;
        SinkPlace place{key_, workspace.batch.continues(), std::exchange(may_continue_, false), {}, parted()};
        std::string resumed;
        if (!is_verbatim(spec)) {
            workspace.formatted.clear();
            append_for_file(workspace.formatted, blocks, spec, *route_.origin, route_.stream, wall, place.continues);
            formatted.front() = workspace.formatted;
            blocks = formatted;
            place.may_continue = false;
            if (spec.type == model::LogType::Json)
                place.continues = false; // each object is a line
            else if (place.continues)
                place.resumed = resumed = before_rest(spec, wall);
        }
        if (route_.file) route_.file->write(blocks, now, place);
        if (route_.combined) route_.combined->write(blocks, now, place);
        if (workspace.formatted.capacity() > kKeepScratch) workspace.formatted = {};
    }
    readers.publish(route_.origin, route_.stream, workspace.batch, wall);
}

} // namespace pm::logs
