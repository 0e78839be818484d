// SPDX-License-Identifier: Apache-2.0
// The engine's clock and its one timer per instance, on the event loop.
#pragma once

#include "engine/ports.hpp"
#include "io/event_loop.hpp"

#include <functional>
#include <unordered_map>

namespace pm::io {

class MonotonicClock final : public engine::Clock {
public:
    [[nodiscard]] model::TimePoint now() const override { return std::chrono::steady_clock::now(); }
    [[nodiscard]] model::WallTime wall() const override { return std::chrono::system_clock::now(); }
};

class InstanceTimers final : public engine::Timers {
public:
    /// `fire` is called from the loop; `warn` when a timer cannot be made (the instance then waits for other events).
    InstanceTimers(EventLoop& loop, std::function<void(base::InstanceId)> fire,
                   std::function<void(const std::string&)> warn)
        : loop_(loop), fire_(std::move(fire)), warn_(std::move(warn))
    {
    }
    void arm(base::InstanceId id, model::TimePoint when) override;
    void disarm(base::InstanceId id) override;

private:
    EventLoop& loop_;
    std::function<void(base::InstanceId)> fire_;
    std::function<void(const std::string&)> warn_;
    std::unordered_map<base::InstanceId, Source> sources_;
};

} // namespace pm::io
