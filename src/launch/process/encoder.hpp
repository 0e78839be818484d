// SPDX-License-Identifier: Apache-2.0
// Writes orders for pm-exec (see launch/wire.hpp for the format and its reasons).
#pragma once

#include "launch/wire.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace pm::launch {

class Encoder {
public:
    Encoder();
    /// `value` must hold no NUL; one that does is cut there, as execve(2) would.
    void text(wire::Field field, std::string_view value);
    /// "name=value"
    void assignment(wire::Field field, std::string_view name, std::string_view value);
    void number(wire::Field field, std::int64_t value);
    void limit(int resource, std::uint64_t soft, std::uint64_t hard);
    void groups(std::span<const std::uint32_t> ids);
    /// The finished orders. The encoder is spent afterwards.
    [[nodiscard]] std::string finish();

private:
    void begin(wire::Field field, std::size_t length);
    void pad();
    std::string bytes_;
};

} // namespace pm::launch
