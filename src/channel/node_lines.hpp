// SPDX-License-Identifier: Apache-2.0
// A stream of bytes cut into lines, no longer than a bound.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace pm::channel {

class NodeLines {
public:
    /// `most`: bytes of one line.
    explicit NodeLines(std::size_t most) : most_(most) {}

    /// Calls `line` for each line that is complete now, without its end; empty ones are left out. It answers whether to go on.
    /// False: a line is too long, and nothing more may come.
    bool feed(std::string_view bytes, const std::function<bool(std::string_view)>& line);
    /// The beginning of a line whose end did not come yet.
    [[nodiscard]] const std::string& rest() const noexcept { return rest_; }
    void set_rest(std::string rest) { rest_ = std::move(rest); }

private:
    std::size_t most_;
    std::string rest_;
};

} // namespace pm::channel
