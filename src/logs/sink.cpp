// SPDX-License-Identifier: Apache-2.0
#include "logs/sink.hpp"

#include "logs/line_splitter.hpp"

#include <array>
#include <cstring>
#include <fmt/format.h>
#include <vector>

namespace pm::logs {
namespace {

constexpr std::chrono::seconds kCheckEvery{1};
constexpr std::chrono::seconds kRetryAfter{1};

/// The lines that are not wholly among the first `written` bytes of `blocks`.
std::uint64_t lines_after(std::span<const std::string_view> blocks, std::size_t written)
{
    std::uint64_t lines = 0;
    for (const std::string_view block : blocks) {
        const std::size_t skip = std::min(written, block.size());
        lines += count_lines(block.substr(skip));
        written -= skip;
    }
    return lines;
}

/// Takes whole lines from the beginning of `left`, as many as fit into `room` bytes.
std::vector<std::string_view> take_lines(std::vector<std::string_view>& left, std::uint64_t room)
{
    std::size_t whole = 0; // blocks before the one that the last line end is in
    std::size_t end = 0;   // of that line end, in that block
    std::uint64_t before = 0;
    for (std::size_t i = 0; i < left.size() && before < room; ++i) {
        const std::size_t at = left[i].substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(room - before, left[i].size()))).rfind('\n');
        if (at != std::string_view::npos) {
            whole = i;
            end = at + 1;
        }
        before += left[i].size();
    }
    if (end == 0) return {};
    std::vector<std::string_view> taken(left.begin(), left.begin() + static_cast<std::ptrdiff_t>(whole));
    taken.push_back(left[whole].substr(0, end));
    left[whole].remove_prefix(end);
    left.erase(left.begin(), left.begin() + static_cast<std::ptrdiff_t>(whole + (left[whole].empty() ? 1 : 0)));
    return taken;
}

/// With its end; of all blocks when it has none.
std::uint64_t length_of_first_line(const std::vector<std::string_view>& blocks)
{
    std::uint64_t length = 0;
    for (const std::string_view block : blocks) {
        if (const std::size_t end = block.find('\n'); end != std::string_view::npos) return length + end + 1;
        length += block.size();
    }
    return length;
}

/// True when the first `written` bytes of `blocks` end within a line.
bool ends_torn(std::span<const std::string_view> blocks, std::size_t written)
{
    for (const std::string_view block : blocks) {
        if (written < block.size()) return written > 0 && block[written - 1] != '\n';
        written -= block.size();
    }
    return false;
}

} // namespace

/// What fits into the file, and what comes behind it, until all is written.
void Sink::write(std::span<const std::string_view> blocks, model::TimePoint now, const SinkPlace& place)
{
    std::uint64_t size = 0;
    for (const std::string_view block : blocks) size += block.size();
    if (rotation_.size == 0 || size <= room()) return write_together(blocks, now, place);
    SinkPlace behind = place;
    std::vector<std::string_view> left(blocks.begin(), blocks.end());
    while (!left.empty()) {
        std::vector<std::string_view> part = take_lines(left, room());
        if (part.empty()) part = take_lines(left, rotation_.size); // a new file is begun for these
        if (part.empty()) part = take_lines(left, length_of_first_line(left)); // it is longer than any file
        if (part.empty()) part = std::exchange(left, {});
        write_together(part, now, behind);
        behind.continues = behind.may_continue = false;
    }
}

/// How much the file may grow.
std::uint64_t Sink::room() const noexcept
{
    if (!open_ || !open_->file.is_regular) return rotation_.size;
    return open_->file.size < rotation_.size ? rotation_.size - open_->file.size : 0;
}

void Sink::write_together(std::span<const std::string_view> blocks, model::TimePoint now, const SinkPlace& place)
{
    if (blocks.empty()) return;
    if (loss_ && now < loss_->retry) {
        loss_->lines += lines_after(blocks, 0);
        return;
    }
    if (auto ready = make_open(now); !ready) {
        failed(ready.error().message, blocks, 0, now);
        return;
    }
    end_torn_line();
    if (rotation_.is_on() && is_to_be_rotated(blocks, now, place.continues)) {
        if (auto rotated = rotate(now); !rotated) {
            rotate_again_ = now + kRetryAfter;
            if (!std::exchange(complained_, true)) pool_.warn_(rotated.error().message + "; it grows until that works again");
        } else {
            complained_ = false;
        }
        if (auto ready = make_open(now); !ready) {
            failed(ready.error().message, blocks, 0, now);
            return;
        }
    }
    const bool fits = tail_ && ((place.continues && tail_->writer == place.writer) || (place.may_continue && tail_->writer == 0));
    std::vector<std::string_view> parts;
    if (!fits && (tail_ || place.continues)) {
        parts = {tail_ ? tail_->parted : "", place.continues ? place.resumed : ""};
        parts.insert(parts.end(), blocks.begin(), blocks.end());
        blocks = parts;
    }
    const Written written = write_blocks(open_->file.fd.get(), blocks);
    if (open_) open_->file.size += written.bytes;
    if (written.error == 0) {
        tail_.reset();
        if (!blocks.back().ends_with('\n')) tail_ = Tail{place.writer, place.parted, open_->file.device, open_->file.inode};
        recovered();
    } else
        failed(fmt::format("writing {}: {}", shown(path_), std::strerror(written.error)), blocks, written.bytes, now);
}

base::Result<void> Sink::make_open(model::TimePoint now)
{
    if (open_) {
        pool_.open_.splice(pool_.open_.begin(), pool_.open_, open_->place);
        if (now - open_->checked < kCheckEvery) return {};
        open_->checked = now;
        if (!was_moved(open_->file, path_)) return {};
        close();
    }
    if (pool_.open_.size() >= pool_.max_open_) pool_.open_.back()->close();
    auto file = open_log_file(path_, pool_.private_directory_);
    if (!file) return tl::unexpected(std::move(file.error()));
    pool_.open_.push_front(this);
    open_.emplace(Open{std::move(*file), now, pool_.open_.begin()});
    look_at_tail();
    return {};
}

/// At the end of a line, unless a line without end has made it twice as large as it may be.
bool Sink::is_to_be_rotated(std::span<const std::string_view> blocks, model::TimePoint now, bool continues) const
{
    const LogFile& file = open_->file;
    if (!file.is_regular || file.size == 0 || now < rotate_again_) return false;
    std::uint64_t size = file.size;
    for (const std::string_view block : blocks) size += block.size();
    const bool within_line = tail_.has_value() || continues;
    if (rotation_.size > 0 && (within_line ? file.size >= 2 * rotation_.size : size > rotation_.size)) return true;
    return rotation_.age.count() > 0 && !within_line && std::chrono::system_clock::now() - file.begun >= rotation_.age;
}

base::Result<void> Sink::rotate(model::TimePoint now)
{
    if (path_.path.empty()) return {};
    if (auto ready = make_open(now); !ready) return ready;
    if (!open_->file.is_regular || (open_->file.size == 0 && open_->file.is_empty)) return {};
    if (was_moved(open_->file, path_)) {
        close(); // somebody else has done it
        return {};
    }
    if (auto done = put_aside(path_, std::chrono::time_point_cast<model::WallTime::duration>(std::chrono::system_clock::now())); !done) return done;
    close();
    tail_.reset();
    pool_.put_aside_(path_, rotation_);
    return {};
}

base::Result<void> Sink::empty()
{
    close();
    tail_.reset();
    return path_.path.empty() ? base::Result<void>() : empty_log_file(path_);
}

/// What was just opened may be another file than before.
void Sink::look_at_tail()
{
    if (loss_ && loss_->torn) return; // end_torn_line() sees to it
    const LogFile& file = open_->file;
    if (tail_ && tail_->device == file.device && tail_->inode == file.inode && !file.is_empty) return;
    if (!ends_within_line(file))
        tail_.reset();
    else if (!tail_ || tail_->inode != 0)
        tail_ = Tail{0, "\n", file.device, file.inode};
}

void Sink::end_torn_line()
{
    if (!loss_ || !loss_->torn) return;
    constexpr std::array<std::string_view, 1> kEnd{"\n"};
    loss_->torn = !open_->file.is_empty && write_blocks(open_->file.fd.get(), kEnd).error != 0;
}

void Sink::failed(const std::string& why, std::span<const std::string_view> blocks, std::size_t written,
                  model::TimePoint now)
{
    close(); // the next try opens anew: whatever was wrong with this file may be gone with it
    if (!loss_) {
        pool_.warn_(fmt::format("{}; lines are lost until it works again", why));
        loss_ = Loss{};
    }
    loss_->why = why;
    loss_->lines += lines_after(blocks, written);
    if (written > 0)
        loss_->torn = ends_torn(blocks, written);
    else if (tail_)
        loss_->torn = true;
    tail_.reset();
    loss_->retry = now + kRetryAfter;
}

void Sink::recovered()
{
    if (!loss_) return;
    pool_.warn_(fmt::format("writing {} works again; {} lines were lost", shown(path_), loss_->lines));
    loss_.reset();
}

void Sink::close()
{
    if (!open_) return;
    pool_.open_.erase(open_->place);
    open_.reset();
}

std::string SinkPool::trouble(const LogPath& path) const
{
    const auto found = sinks_.find(path);
    const auto sink = found == sinks_.end() ? nullptr : found->second.lock();
    return sink ? sink->trouble() : std::string();
}

std::shared_ptr<Sink> SinkPool::get(const LogPath& path)
{
    if (path.path.empty()) return nullptr;
    auto& entry = sinks_[path];
    if (auto existing = entry.lock()) return existing;
    std::shared_ptr<Sink> made(new Sink(*this, path), [this, path](Sink* sink) {
        sinks_.erase(path);
        delete sink;
    });
    entry = made;
    return made;
}

} // namespace pm::logs
