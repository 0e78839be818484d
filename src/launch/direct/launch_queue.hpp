// SPDX-License-Identifier: Apache-2.0
// Keeps a storm of starts from shutting everybody else out.
//
// Deaths are served before everything else, so that a crashed app is replaced at once. Apps that crash as fast as they are
// started would then leave no turn for the bus, for signals and for output. So only a burst of launches is carried out
// at once; those over it wait in line and are carried out a few at a time, in turn with everything else. Pure.
#pragma once

#include "engine/ports.hpp"

#include <algorithm>
#include <chrono>
#include <deque>

namespace pm::launch {

class LaunchQueue {
public:
    static constexpr double kBurst = 128;    ///< launches at once
    static constexpr double kPerSecond = 250; ///< how fast the burst is there again
    static constexpr int kAtOnce = 4;        ///< of those in line, per turn

    /// True: launch now. False: `key` stands in line.
    bool admit(engine::ProcessKey key, model::TimePoint now)
    {
        tokens_ = std::min(kBurst, tokens_ + kPerSecond * std::chrono::duration<double>(now - refilled_).count());
        refilled_ = now;
        if (line_.empty() && tokens_ >= 1) {
            tokens_ -= 1;
            return true;
        }
        line_.push_back(key);
        return false;
    }
    /// `key` stands in line, whatever room there is.
    void stand(engine::ProcessKey key) { line_.push_back(key); }
    [[nodiscard]] bool empty() const noexcept { return line_.empty(); }
    /// The next in line, who may not want to be launched any more. Not for an empty line.
    engine::ProcessKey next()
    {
        const engine::ProcessKey key = line_.front();
        line_.pop_front();
        return key;
    }

private:
    double tokens_ = kBurst;
    model::TimePoint refilled_{};
    std::deque<engine::ProcessKey> line_;
};

} // namespace pm::launch
