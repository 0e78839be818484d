// SPDX-License-Identifier: Apache-2.0
#include "channel/node_lines.hpp"

#include <utility>

namespace pm::channel {

bool NodeLines::feed(std::string_view bytes, const std::function<bool(std::string_view)>& line)
{
    for (;;) {
        const std::size_t end = bytes.find('\n');
        const std::string_view piece = bytes.substr(0, end);
        if (rest_.size() + piece.size() > most_) return false;
        if (end == std::string_view::npos) {
            rest_.append(piece);
            return true;
        }
        bytes.remove_prefix(end + 1);
        // Moved out: a long line does not keep its memory, and the callback may look at rest().
        const std::string begun = std::exchange(rest_, {});
        const std::string whole = begun.empty() ? std::string() : begun + std::string(piece);
        const std::string_view complete = begun.empty() ? piece : std::string_view(whole);
        if (!complete.empty() && !line(complete)) return true;
    }
}

} // namespace pm::channel
