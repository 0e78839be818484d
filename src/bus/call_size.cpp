// SPDX-License-Identifier: Apache-2.0
#include "bus/call_size.hpp"

#include <cstdint>
#include <cstring>

namespace pm::bus {
namespace {

constexpr std::size_t kBytesOfValue = 16; ///< what a value takes that is no text, with what holds it
constexpr int kDeepest = 32;              ///< containers in containers; no method of ours takes more than three

/// Counts towards a bound.
class Meter {
public:
    Meter(sd_bus_message* message, std::size_t most) : message_(message), most_(most) {}
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

    /// Reads to the end of the container it is in; false when there is too much, or what cannot be read.
    bool read(int depth = 0)
    {
        for (;;) {
            char type = 0;
            const char* contents = nullptr;
            const int more = sd_bus_message_peek_type(message_, &type, &contents);
            if (more <= 0) return more == 0;
            if (!(is_container(type) ? container(type, contents, depth) : value(type))) return false;
        }
    }

private:
    static bool is_container(char type) { return type == 'a' || type == 'v' || type == 'r' || type == 'e'; }

    bool value(char type)
    {
        if (type == 's' || type == 'o' || type == 'g') {
            const char* text = nullptr;
            return sd_bus_message_read_basic(message_, type, &text) > 0 && add(std::strlen(text) + kBytesOfValue);
        }
        std::uint64_t any = 0; // as large as the largest of the other types
        return sd_bus_message_read_basic(message_, type, &any) > 0 && add(kBytesOfValue);
    }

    bool container(char type, const char* contents, int depth)
    {
        return depth < kDeepest && add(kBytesOfValue) && sd_bus_message_enter_container(message_, type, contents) > 0 &&
               read(depth + 1) && sd_bus_message_exit_container(message_) >= 0;
    }

    bool add(std::size_t bytes)
    {
        bytes_ += bytes;
        return bytes_ <= most_;
    }

    sd_bus_message* message_;
    std::size_t most_;
    std::size_t bytes_ = 0;
};

} // namespace

std::optional<std::size_t> size_of_arguments(sd_bus_message* message, std::size_t most) noexcept
{
    Meter meter(message, most);
    const bool fits = meter.read();
    if (sd_bus_message_rewind(message, true) < 0 || !fits) return std::nullopt;
    return meter.bytes();
}

} // namespace pm::bus
