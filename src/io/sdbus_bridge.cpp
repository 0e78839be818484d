// SPDX-License-Identifier: Apache-2.0
#include "io/sdbus_bridge.hpp"

#include <chrono>
#include <stdexcept>
#include <sys/epoll.h>

namespace pm::io {
namespace {

/// How long messages are read in one turn of the loop; more wait for the next, after anything more urgent. Reading one is quick (calls
/// are served elsewhere, bus/call_line), and must keep up with what a bus can pass on: what waits in the bus waits in one line.
constexpr std::chrono::milliseconds kMostPerTurn{20};

Source take(base::Result<Source> made)
{
    if (!made) throw std::runtime_error(made.error().message);
    return std::move(*made);
}

} // namespace

SdbusBridge::SdbusBridge(EventLoop& loop, sdbus::IConnection& connection,
                         std::function<void(const std::string&)> on_lost)
    : connection_(connection), on_lost_(std::move(on_lost))
{
    const auto poll = connection_.getEventLoopPollData();
    io_ = take(loop.add_io(poll.fd, EPOLLIN, Priority::Normal, [this](std::uint32_t) { process(); }));
    timer_ = take(loop.add_timer(model::TimePoint::max(), Priority::Normal, [this] { process(); }));
    timer_.set_enabled(false);
    prepare_ = take(loop.add_prepare([this] { prepare(); }));
}

void SdbusBridge::prepare()
{
    if (is_lost_) return;
    try {
        const auto poll = connection_.getEventLoopPollData();
        io_.set_io_events(static_cast<std::uint32_t>(poll.events)); // EPOLL* and POLL* agree for in, out, err, hup
        if (const auto deadline = dbus::deadline_of(poll))
            timer_.set_time(model::TimePoint(*deadline));
        else
            timer_.set_enabled(false);
    } catch (const sdbus::Error& error) {
        lost(error.getMessage());
    }
}

void SdbusBridge::process()
{
    try {
        const auto end = std::chrono::steady_clock::now() + kMostPerTurn;
        while (!is_lost_ && dbus::process_one(connection_) && std::chrono::steady_clock::now() < end) {
        }
    } catch (const sdbus::Error& error) {
        lost(error.getMessage());
    }
}

void SdbusBridge::lost(const std::string& why)
{
    if (is_lost_) return;
    is_lost_ = true;
    io_.reset();
    timer_.reset();
    on_lost_(why);
}

} // namespace pm::io
