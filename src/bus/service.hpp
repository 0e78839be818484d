// SPDX-License-Identifier: Apache-2.0
// One connection to one bus with our name and objects on it; made anew when the bus was lost.
#pragma once

#include "bus/authority.hpp"
#include "bus/call_line.hpp"
#include "bus/callers.hpp"
#include "bus/publisher.hpp"
#include "bus/unread.hpp"
#include "io/sdbus_bridge.hpp"

#include "sdbus_versions.hpp"

#include <functional>
#include <memory>
#include <string>

namespace pm::bus {

class Service {
public:
    /// Connects (start-up: waits for the bus), exports everything, then takes the name. `address` is used for embedded
    /// buses only. `on_lost(why)` comes once, from the loop; destroy the service later, not inside it. Errors: no bus,
    /// or the name is owned by another pmd.
    static base::Result<std::unique_ptr<Service>> start(io::EventLoop& loop, Publisher& publisher, Context& context,
                                                        const std::string& address,
                                                        std::function<void(const std::string&)> on_lost);
    ~Service();
    Service(const Service&) = delete;
    Service& operator=(const Service&) = delete;

private:
    using OnLost = std::function<void(const std::string&)>;
    Service(io::EventLoop& loop, std::unique_ptr<sdbus::IConnection> connection, Publisher& publisher, Context& context, const OnLost& on_lost);

    std::unique_ptr<sdbus::IConnection> connection_;
    Publisher& publisher_;
    Context& context_;
    std::unique_ptr<Callers> callers_; ///< where other users than pmd's can call
    std::unique_ptr<Unread> unread_;   ///< the same
    std::unique_ptr<CallLine> line_;
    std::unique_ptr<Authority> authority_;
    std::unique_ptr<io::SdbusBridge> bridge_;
};

} // namespace pm::bus
