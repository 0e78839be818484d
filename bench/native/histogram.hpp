// SPDX-License-Identifier: Apache-2.0
// Any number of durations in a fixed space, each to within 1/64 of itself.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace pm::bench {

/// Nanoseconds, counted in 64 steps for each power of two.
class Histogram {
public:
    void add(std::uint64_t value)
    {
        ++counts_[step(value)];
        ++count_;
        max_ = std::max(max_, value);
    }

    std::uint64_t count() const { return count_; }
    std::uint64_t max() const { return max_; }

    /// The value that `share` of all are not above, by nearest rank; 0 when there are none.
    std::uint64_t percentile(double share) const
    {
        const auto rank = static_cast<std::uint64_t>(share * static_cast<double>(count_));
        std::uint64_t seen = 0;
        for (std::size_t index = 0; index < counts_.size(); ++index) {
            seen += counts_[index];
            if (seen > rank) return std::min(top(index), max_);
        }
        return max_;
    }

private:
    static constexpr int kBits = 6;
    static constexpr std::size_t kSteps = 1U << kBits;

    /// The first 128 steps are single values, then there are 64 of 2, 64 of 4, and so on.
    static std::size_t step(std::uint64_t value)
    {
        const int shift = std::max(0, static_cast<int>(std::bit_width(value)) - kBits - 1);
        return static_cast<std::size_t>(shift) * kSteps + static_cast<std::size_t>(value >> shift);
    }
    static std::uint64_t top(std::size_t index)
    {
        const std::size_t shift = index < 2 * kSteps ? 0 : index / kSteps - 1;
        return ((static_cast<std::uint64_t>(index - shift * kSteps) + 1) << shift) - 1;
    }

    std::array<std::uint64_t, (64 - kBits + 1) * kSteps> counts_{};
    std::uint64_t count_ = 0;
    std::uint64_t max_ = 0;
};

} // namespace pm::bench
