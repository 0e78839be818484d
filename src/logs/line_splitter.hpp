// SPDX-License-Identifier: Apache-2.0
// Turns what a pipe gives, in whatever pieces, into whole lines.
//
// Lines travel in blocks: a block is a run of complete lines, each ended by '\n', that lies in one piece of memory. Most
// blocks are a part of the read buffer itself, so a flood is neither copied nor looked at line by line.
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
    void add(std::string_view block) { blocks_.push_back(block); }
    void add_owned(std::string block);
    [[nodiscard]] std::span<const std::string_view> blocks() const { return blocks_; }
    [[nodiscard]] bool empty() const { return blocks_.empty(); }

private:
    std::vector<std::string_view> blocks_;
    std::list<std::string> owned_; ///< lines that were joined or cut; a list, so that the views stay
};

/// Keeps the begun line of one pipe between two reads. Bytes are never interpreted: NUL and broken UTF-8 pass.
class LineSplitter {
public:
    /// Adds the complete lines of the begun line and `chunk` to `batch`. A line of more than `max_line` bytes is cut into
    /// several, not within a UTF-8 character.
    void feed(std::string_view chunk, std::size_t max_line, LineBatch& batch);
    /// End of file: the begun line is a line too.
    void finish(LineBatch& batch);

    /// The begun line, for another splitter to go on with.
    [[nodiscard]] const std::string& begun() const noexcept { return begun_; }
    void go_on_with(std::string begun) { begun_ = std::move(begun); }

private:
    std::string_view join(std::string_view chunk, std::size_t max_line, LineBatch& batch);
    void cut(LineBatch& batch);

    std::string begun_;
};

[[nodiscard]] std::size_t count_lines(std::string_view block) noexcept;

/// Calls `each(line)` for every line of `block`, without its '\n'.
template <typename Each>
void for_each_line(std::string_view block, Each&& each)
{
    while (!block.empty()) {
        const auto end = block.find('\n');
        each(block.substr(0, end));
        block.remove_prefix(end == std::string_view::npos ? block.size() : end + 1);
    }
}

} // namespace pm::logs
