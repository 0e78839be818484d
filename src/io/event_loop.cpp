// SPDX-License-Identifier: Apache-2.0
#include "io/event_loop.hpp"

#include "base/guard.hpp"

#include <csignal>
#include <ctime>
#include <sys/epoll.h>
#include <syslog.h>
#include <system_error>
#include <systemd/sd-journal.h>

namespace pm::io {

/// Lives until its Source is gone *and* no callback of it runs any more.
struct Source::Record {
    sd_event_source* source = nullptr;
    std::function<void(std::uint32_t)> callback;
    int when_enabled = SD_EVENT_ONESHOT; ///< descriptors and signals stay on
    bool running = false;
    bool orphaned = false;
};

namespace {

using Record = Source::Record;

void report_fault(const std::string& what)
{
    sd_journal_print(LOG_ERR, "a callback failed: %s", what.c_str());
    std::fprintf(stderr, "pmd: internal error: a callback failed: %s\n", what.c_str());
}

/// Runs the callback; deletes the record if its owner let go of it meanwhile.
void call(Record& record, std::uint32_t events) noexcept
{
    record.running = true;
    base::guard([&] { record.callback(events); }, report_fault);
    record.running = false;
    if (record.orphaned) delete &record;
}

int on_io(sd_event_source*, int, std::uint32_t events, void* data)
{
    call(*static_cast<Record*>(data), events);
    return 0;
}

int on_time(sd_event_source*, std::uint64_t, void* data)
{
    call(*static_cast<Record*>(data), 0);
    return 0;
}

int on_signal(sd_event_source*, const signalfd_siginfo* info, void* data)
{
    call(*static_cast<Record*>(data), info->ssi_signo);
    return 0;
}

int on_plain(sd_event_source*, void* data)
{
    call(*static_cast<Record*>(data), 0);
    return 0;
}

std::uint64_t to_usec(model::TimePoint when) noexcept
{
    // Rounded up: a timer that comes a nanosecond early makes its owner find that nothing is due.
    const auto usec = std::chrono::ceil<model::Duration>(when.time_since_epoch()).count();
    return usec < 0 ? 0 : static_cast<std::uint64_t>(usec);
}

} // namespace

void Source::Delete::operator()(Record* record) const noexcept
{
    sd_event_source_disable_unref(record->source);
    record->source = nullptr;
    if (record->running)
        record->orphaned = true;
    else
        delete record;
}

void Source::set_io_events(std::uint32_t events) noexcept
{
    if (record_) sd_event_source_set_io_events(record_->source, events);
}

void Source::set_time(model::TimePoint when) noexcept
{
    if (!record_) return;
    sd_event_source_set_time(record_->source, to_usec(when));
    sd_event_source_set_enabled(record_->source, SD_EVENT_ONESHOT);
}

void Source::set_enabled(bool enabled) noexcept
{
    if (record_) sd_event_source_set_enabled(record_->source, enabled ? record_->when_enabled : SD_EVENT_OFF);
}

EventLoop::EventLoop()
{
    if (const int r = sd_event_new(&event_); r < 0)
        throw std::system_error(-r, std::generic_category(), "creating the event loop");
}

EventLoop::~EventLoop() { sd_event_unref(event_); }

namespace {

/// Finishes a source that sd_event_add_* has made (or failed to make, `r` < 0).
base::Result<Record*> finish(int r, std::unique_ptr<Record> record, Priority priority, const char* doing)
{
    if (r >= 0) r = sd_event_source_set_priority(record->source, static_cast<std::int64_t>(priority));
    if (r < 0) {
        sd_event_source_disable_unref(record->source);
        return base::fail_errno(doing, -r);
    }
    return record.release();
}

std::unique_ptr<Record> make_record(std::function<void(std::uint32_t)> callback)
{
    auto record = std::make_unique<Record>();
    record->callback = std::move(callback);
    return record;
}

} // namespace

base::Result<Source> EventLoop::add_io(int fd, std::uint32_t events, Priority priority,
                                       std::function<void(std::uint32_t)> callback)
{
    auto record = make_record(std::move(callback));
    record->when_enabled = SD_EVENT_ON;
    const int r = sd_event_add_io(event_, &record->source, fd, events, on_io, record.get());
    return finish(r, std::move(record), priority, "watching a file descriptor").map([](Record* made) {
        return Source(made);
    });
}

base::Result<Source> EventLoop::add_timer(model::TimePoint when, Priority priority, std::function<void()> callback)
{
    auto record = make_record([callback = std::move(callback)](std::uint32_t) { callback(); });
    const int r = sd_event_add_time(event_, &record->source, CLOCK_MONOTONIC, to_usec(when), 1, on_time, record.get());
    return finish(r, std::move(record), priority, "arming a timer").map([](Record* made) { return Source(made); });
}

base::Result<Source> EventLoop::add_signal(int signal, std::function<void(int)> callback)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, signal);
    if (sigprocmask(SIG_BLOCK, &set, nullptr) < 0) return base::fail_errno("blocking a signal", errno);
    auto record = make_record([callback = std::move(callback)](std::uint32_t number) {
        callback(static_cast<int>(number));
    });
    record->when_enabled = SD_EVENT_ON;
    const int r = sd_event_add_signal(event_, &record->source, signal, on_signal, record.get());
    return finish(r, std::move(record), Priority::Normal, "watching a signal").map([](Record* made) {
        return Source(made);
    });
}

base::Result<Source> EventLoop::add_deferred(Priority priority, std::function<void()> callback)
{
    auto record = make_record([callback = std::move(callback)](std::uint32_t) { callback(); });
    int r = sd_event_add_defer(event_, &record->source, on_plain, record.get());
    if (r >= 0) r = sd_event_source_set_enabled(record->source, SD_EVENT_OFF);
    return finish(r, std::move(record), priority, "adding a deferred call").map([](Record* made) {
        return Source(made);
    });
}

base::Result<Source> EventLoop::add_prepare(std::function<void()> callback)
{
    // Only its prepare callback is wanted, and sd-event asks enabled sources alone: a timer that never elapses is enabled
    // and never pending. (A deferred source would fire once and then be off.)
    auto record = make_record([callback = std::move(callback)](std::uint32_t) { callback(); });
    int r = sd_event_add_time(event_, &record->source, CLOCK_MONOTONIC, UINT64_MAX, 0, on_time, record.get());
    if (r >= 0) r = sd_event_source_set_prepare(record->source, on_plain);
    return finish(r, std::move(record), Priority::Normal, "adding a prepare call").map([](Record* made) {
        return Source(made);
    });
}

bool EventLoop::serve_watchdog() noexcept { return sd_event_set_watchdog(event_, 1) > 0; }

int EventLoop::run() { return sd_event_loop(event_); }

void EventLoop::exit(int code) noexcept { sd_event_exit(event_, code); }

bool EventLoop::run_once(model::Duration timeout)
{
    const auto usec = timeout.count() < 0 ? UINT64_MAX : static_cast<std::uint64_t>(timeout.count());
    return sd_event_run(event_, usec) >= 0 && sd_event_get_state(event_) != SD_EVENT_FINISHED;
}

} // namespace pm::io
