// SPDX-License-Identifier: Apache-2.0
// The one sd-event loop, with sources as RAII handles. Nothing here blocks; every callback runs inside guard().
#pragma once

#include "base/error.hpp"
#include "model/status.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <systemd/sd-event.h>

namespace pm::io {

/// Which sources are served first when several are ready.
enum class Priority : std::int64_t {
    Processes = -10, ///< deaths, timers: replacing a crashed app comes first
    Normal = 0,      ///< the bus
    Output = 10,     ///< log lines: a flood of them delays nobody
    Deferred = 10,   ///< notifications about what has happened: in turn with output, neither keeps the other waiting
};

/// Owns one event source; destroying it removes the source, also from inside its own callback.
class Source {
public:
    Source() noexcept = default;
    Source(Source&&) noexcept = default;
    Source& operator=(Source&&) noexcept = default;
    [[nodiscard]] explicit operator bool() const noexcept { return record_ != nullptr; }
    void reset() noexcept { record_.reset(); }
    /// Io sources: the events to wait for (EPOLLIN...); 0 keeps the source but waits for nothing.
    void set_io_events(std::uint32_t events) noexcept;
    /// Timer sources: sets the time anew and arms.
    void set_time(model::TimePoint when) noexcept;
    void set_enabled(bool enabled) noexcept;

    struct Record; ///< private to event_loop.cpp
private:
    friend class EventLoop;
    struct Delete {
        void operator()(Record* record) const noexcept;
    };
    explicit Source(Record* record) noexcept : record_(record) {}
    std::unique_ptr<Record, Delete> record_;
};

class EventLoop {
public:
    /// Throws std::system_error when the kernel gives no epoll (start-up only).
    EventLoop();
    ~EventLoop();
    EventLoop(const EventLoop&) = delete;
    EventLoop& operator=(const EventLoop&) = delete;

    /// Calls back with the ready events (EPOLLIN, EPOLLHUP...) while the source lives. Does not own `fd`.
    [[nodiscard]] base::Result<Source> add_io(int fd, std::uint32_t events, Priority priority,
                                              std::function<void(std::uint32_t)> callback);
    /// Calls back once at `when` (CLOCK_MONOTONIC, accuracy 1 us); arm again with set_time().
    [[nodiscard]] base::Result<Source> add_timer(model::TimePoint when, Priority priority,
                                                 std::function<void()> callback);
    /// Calls back when `signal` arrives; blocks it for the process.
    [[nodiscard]] base::Result<Source> add_signal(int signal, std::function<void(int)> callback);
    /// Created disabled; set_enabled(true) asks for one call, after everything more urgent.
    [[nodiscard]] base::Result<Source> add_deferred(Priority priority, std::function<void()> callback);
    /// Calls back before each wait.
    [[nodiscard]] base::Result<Source> add_prepare(std::function<void()> callback);

    /// From now on tells the service manager that the loop turns, in half of the time it demands, sd_watchdog_enabled(3).
    /// False when it demands nothing.
    bool serve_watchdog() noexcept;
    /// Runs until exit(); returns its code.
    int run();
    void exit(int code) noexcept;
    /// Runs one iteration, waiting at most `timeout` (negative: for ever); false after exit(). For tests.
    bool run_once(model::Duration timeout);
    [[nodiscard]] sd_event* get() const noexcept { return event_; }

private:
    sd_event* event_ = nullptr;
};

} // namespace pm::io
