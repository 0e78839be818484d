// SPDX-License-Identifier: Apache-2.0
// A text handed to yaml-cpp piece by piece, until it reads far ahead and tells of nothing.
//
// yaml-cpp keeps all tokens from a '[' or '{' that may turn out to be a key until that is closed, at some 200 bytes each:
// a text of 4 MiB would cost the better part of a gigabyte before the first event, where all other bounds are checked.
#pragma once

#include <algorithm>
#include <cstddef>
#include <streambuf>
#include <string>
#include <string_view>

namespace pm::config {

class MeteredText final : public std::streambuf {
public:
    static constexpr std::size_t kMaxAhead = 512u << 10; ///< bytes
    static constexpr std::size_t kMaxBrackets = 64u << 10;

    /// Leaves yaml-cpp's parser; it reads past std::istream, which would swallow it.
    struct TooFarAhead {};

    /// `text` must outlive this; `events` counts what was told of it so far.
    MeteredText(std::string_view text, const std::size_t& events) : text_(text), events_(events) {}

protected:
    int_type underflow() override
    {
        if (at_ == text_.size()) return traits_type::eof();
        if (events_ != seen_) {
            seen_ = events_;
            ahead_ = brackets_ = 0;
        }
        const std::string_view piece = text_.substr(at_, kPiece);
        ahead_ += piece.size();
        brackets_ += static_cast<std::size_t>(std::ranges::count_if(piece, [](char c) { return c == '[' || c == '{'; }));
        if (ahead_ > kMaxAhead || brackets_ > kMaxBrackets) throw TooFarAhead{};
        at_ += piece.size();
        char* begin = const_cast<char*>(piece.data()); // streambuf has no const form; nothing here writes
        setg(begin, begin, begin + piece.size());
        return traits_type::to_int_type(*begin);
    }

private:
    static constexpr std::size_t kPiece = 4096;

    std::string_view text_;
    const std::size_t& events_;
    std::size_t at_ = 0;
    std::size_t seen_ = 0;
    std::size_t ahead_ = 0;    ///< bytes since the last event
    std::size_t brackets_ = 0; ///< of these, those that open something (or are in a quote: nobody has so many)
};

} // namespace pm::config
