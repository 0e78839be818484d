// SPDX-License-Identifier: Apache-2.0
// ChannelEvents that are remembered, and a loop that runs until something is so.
#pragma once

#include "engine/ports.hpp"
#include "io/event_loop.hpp"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace pm::channel::test {

struct Heard final : engine::ChannelEvents {
    std::map<engine::ProcessKey, std::vector<std::string>> of; ///< in the order in which it was heard

    void on_ready(engine::ProcessKey key, model::ReadyWhen by) override
    {
        of[key].push_back("ready by " + std::string(model::to_string(by)));
    }
    void on_unready(engine::ProcessKey key, std::string why) override { of[key].push_back("unready: " + why); }
    void on_status(engine::ProcessKey key, std::string text) override { of[key].push_back("status " + text); }
    void on_more_time(engine::ProcessKey key, model::Duration time) override
    {
        of[key].push_back("more time " + std::to_string(time.count()));
    }
    void on_stopping(engine::ProcessKey key) override { of[key].push_back("stopping"); }
    void on_drained(engine::ProcessKey key) override { of[key].push_back("drained"); }
    void on_watchdog(engine::ProcessKey key, std::string why) override { of[key].push_back("watchdog: " + why); }
    void on_message(engine::ProcessKey key, const std::string& json) override { of[key].push_back("message " + json); }
};

/// False after 10 s.
inline bool run_until(io::EventLoop& loop, const std::function<bool()>& done)
{
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!done()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        loop.run_once(std::chrono::milliseconds(50));
    }
    return true;
}

} // namespace pm::channel::test
