// SPDX-License-Identifier: Apache-2.0
// Turns what a pipe gives, in whatever pieces, into whole lines, as far as they can be waited for.
//
// Lines travel in blocks: a block is a run of lines that lies in one piece of memory, each ended by '\n'. Most blocks are a
// part of the read buffer itself, so a flood is neither copied nor looked at line by line. A line that is too long, or
// whose end does not come, is passed on in pieces: where a block does not end with '\n', its last line goes on in the next
// block. So the blocks of a pipe, one behind the other, are what was read of it.
#pragma once

#include <list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pm::logs {

/// The blocks of one wake-up; the views last until clear(), or until the read buffer is used again.
class LineBatch {
public:
    void clear();
    /// `continues`: the block goes on with a line of which a piece was passed on before.
    void add(std::string_view block, bool continues);
    void add_owned(std::string block, bool continues);
    [[nodiscard]] std::span<const std::string_view> blocks() const { return blocks_; }
    [[nodiscard]] bool empty() const { return blocks_.empty(); }
    /// Whether the first block goes on with a line of an earlier batch.
    [[nodiscard]] bool continues() const noexcept { return continues_; }

private:
    std::vector<std::string_view> blocks_;
    std::list<std::string> owned_; ///< lines that were joined or cut; a list, so that the views stay
    bool continues_ = false;
};

/// Keeps the begun line of one pipe between two reads. Bytes are never interpreted: NUL and broken UTF-8 pass.
class LineSplitter {
public:
    /// Adds the complete lines of the begun line and `chunk` to `batch`. A line of more than `max_line` bytes is passed on
    /// in pieces of at most that many, not cut within a UTF-8 character.
    void feed(std::string_view chunk, std::size_t max_line, LineBatch& batch);
    /// Passes on what there is of the begun line, but for the bytes of a character that has yet to become whole; if there
    /// is nothing else, these too.
    void flush(LineBatch& batch);
    /// End of file: the begun line is a line too.
    void finish(LineBatch& batch);

    /// What is kept of the begun line, for another splitter to go on with.
    [[nodiscard]] const std::string& begun() const noexcept { return begun_; }
    /// A piece of the begun line was passed on already.
    [[nodiscard]] bool is_open() const noexcept { return open_; }
    void go_on_with(std::string begun, bool open)
    {
        begun_ = std::move(begun);
        open_ = open;
    }

private:
    std::string_view join(std::string_view chunk, std::size_t max_line, LineBatch& batch);
    void pass_on(std::size_t bytes, LineBatch& batch);
    void end_line(LineBatch& batch);

    std::string begun_;
    bool open_ = false;
};

/// The lines that end in `block`.
[[nodiscard]] std::size_t count_lines(std::string_view block) noexcept;

/// Calls `each(line, whole)` for every line of `block`, without its '\n'; not whole: the last one, which has none.
template <typename Each>
void for_each_line(std::string_view block, Each&& each)
{
    while (!block.empty()) {
        const auto end = block.find('\n');
        each(block.substr(0, end), end != std::string_view::npos);
        block.remove_prefix(end == std::string_view::npos ? block.size() : end + 1);
    }
}

} // namespace pm::logs
