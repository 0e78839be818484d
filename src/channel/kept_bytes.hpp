// SPDX-License-Identifier: Apache-2.0
// Bytes that outlive pmd: a memory file in a SocketDepot, whose content is replaced as a whole or not at all.
#pragma once

#include "channel/socket_depot.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace pm::channel {

class KeptBytes {
public:
    static constexpr std::size_t kMost = std::size_t{64} << 20;

    /// `depot` must outlive this. `name`: for the depot.
    KeptBytes(SocketDepot& depot, std::string name);
    /// What was written last, by whatever pmd; empty: nothing.
    [[nodiscard]] std::string read() const;
    /// 0 or errno; what was there before stays then.
    int write(std::string_view bytes);

private:
    SocketDepot& depot_;
    std::string name_;
    base::Fd file_;
    std::uint64_t last_ = 0; ///< number of the writing that read() finds
};

} // namespace pm::channel
