// SPDX-License-Identifier: Apache-2.0
// Lets an sdbus-c++ connection live on our event loop (sdbus-c++ 1.2 has no sd-event integration of its own).
//
// One io source on the connection's descriptor; before each wait its events and time-out are read anew, because
// sd-bus changes them as messages queue up (sd_bus_get_events(3)).
#pragma once

#include "io/event_loop.hpp"

#include "sdbus_versions.hpp"

#include <functional>
#include <string>

namespace pm::io {

class SdbusBridge {
public:
    /// Calls `on_lost(why)` once, from the loop, when the bus is gone; do not destroy the bridge in there, defer it.
    /// Throws std::runtime_error when the loop takes no more sources. Both references must outlive the bridge.
    SdbusBridge(EventLoop& loop, sdbus::IConnection& connection, std::function<void(const std::string&)> on_lost);
    SdbusBridge(const SdbusBridge&) = delete;
    SdbusBridge& operator=(const SdbusBridge&) = delete;

private:
    void prepare();
    void process();
    void lost(const std::string& why);

    sdbus::IConnection& connection_;
    std::function<void(const std::string&)> on_lost_;
    bool is_lost_ = false;
    Source io_;
    Source timer_;
    Source prepare_;
};

} // namespace pm::io
