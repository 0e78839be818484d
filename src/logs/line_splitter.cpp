// SPDX-License-Identifier: Apache-2.0
#include "logs/line_splitter.hpp"

#include <algorithm>
#include <utility>

namespace pm::logs {
namespace {

bool continues_character(char byte) noexcept { return (static_cast<unsigned char>(byte) & 0xc0) == 0x80; }

/// How many of the first `limit` bytes of `text` to keep so that no character is torn; `text` is longer than `limit`.
std::size_t cut_point(std::string_view text, std::size_t limit) noexcept
{
    std::size_t at = limit;
    while (at > 0 && limit - at < 3 && continues_character(text[at])) --at;
    return at == 0 || continues_character(text[at]) ? limit : at; // not UTF-8: cut anywhere
}

/// How many bytes of `text` are there without the character that its end has only the beginning of.
std::size_t whole_characters(std::string_view text) noexcept
{
    std::size_t at = text.size();
    while (at > 0 && text.size() - at < 3 && continues_character(text[at - 1])) --at;
    if (at == 0) return text.size();
    const auto lead = static_cast<unsigned char>(text[at - 1]);
    const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
    return text.size() - (at - 1) < length ? at - 1 : text.size();
}

} // namespace

void LineBatch::clear()
{
    blocks_.clear();
    owned_.clear();
    continues_ = false;
}

void LineBatch::add(std::string_view block, bool continues)
{
    if (blocks_.empty()) continues_ = continues;
    blocks_.push_back(block);
}

void LineBatch::add_owned(std::string block, bool continues)
{
    owned_.push_back(std::move(block));
    add(owned_.back(), continues);
}

void LineSplitter::feed(std::string_view chunk, std::size_t max_line, LineBatch& batch)
{
    max_line = std::max<std::size_t>(max_line, 4);
    while (!chunk.empty()) {
        if (!begun_.empty()) {
            chunk = join(chunk, max_line, batch);
            continue;
        }
        // A '\n' within the first max_line + 1 bytes: all lines before the last such one are short enough.
        const auto last = chunk.substr(0, max_line + 1).rfind('\n');
        if (last != std::string_view::npos) {
            batch.add(chunk.substr(0, last + 1), std::exchange(open_, false));
            chunk.remove_prefix(last + 1);
        } else {
            const std::string_view head = chunk.substr(0, max_line);
            begun_.assign(head);
            chunk.remove_prefix(head.size());
        }
    }
}

std::string_view LineSplitter::join(std::string_view chunk, std::size_t max_line, LineBatch& batch)
{
    const std::size_t room = max_line - std::min(max_line, begun_.size());
    const auto end = chunk.substr(0, room + 1).find('\n');
    if (end != std::string_view::npos) {
        begun_.append(chunk.substr(0, end));
        end_line(batch);
        return chunk.substr(end + 1);
    }
    if (chunk.size() <= room) {
        begun_.append(chunk);
        return {};
    }
    begun_.append(chunk.substr(0, room + 1)); // one byte too many: now it is known to be too long
    pass_on(cut_point(begun_, begun_.size() - 1), batch);
    return chunk.substr(room + 1);
}

/// The first `bytes` of the begun line, which goes on.
void LineSplitter::pass_on(std::size_t bytes, LineBatch& batch)
{
    std::string rest = begun_.substr(bytes);
    begun_.resize(bytes);
    batch.add_owned(std::exchange(begun_, std::move(rest)), std::exchange(open_, true));
}

void LineSplitter::end_line(LineBatch& batch)
{
    begun_ += '\n';
    batch.add_owned(std::exchange(begun_, {}), std::exchange(open_, false));
}

void LineSplitter::flush(LineBatch& batch)
{
    if (begun_.empty()) return;
    const std::size_t whole = whole_characters(begun_);
    pass_on(whole > 0 ? whole : begun_.size(), batch);
}

void LineSplitter::finish(LineBatch& batch)
{
    if (!begun_.empty() || open_) end_line(batch);
}

std::size_t count_lines(std::string_view block) noexcept
{
    return static_cast<std::size_t>(std::count(block.begin(), block.end(), '\n'));
}

} // namespace pm::logs
