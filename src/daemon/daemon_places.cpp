// SPDX-License-Identifier: Apache-2.0
// What pmd has in its directories, and what becomes of it when somebody cleans there: it is noticed at once, and made anew.
// The lock of the state directory (base/state_lock.hpp) keeps other pmds away meanwhile.
#include "daemon/daemon.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <utility>

namespace pm::daemon {
namespace {

constexpr model::Milliseconds kFirstAgain{100};
constexpr model::Milliseconds kSlowestAgain{30'000};

} // namespace

void Daemon::guard_places()
{
    auto turn = loop_.add_deferred(io::Priority::Processes, [this] { put_back(); });
    if (!turn) return log_.warning(turn.error().message);
    put_back_ = *std::move(turn);
    watch_places();
    if (auto done = have_places(); !done) log_.warning(done.error().message); // what went between its making and the watch
    if (runtime_.state_lock < 0) return;
    auto asked = loop_.add_io(runtime_.state_lock, EPOLLIN, io::Priority::Normal, [this](std::uint32_t) { answer_state_lock(); });
    if (asked)
        state_lock_asked_ = *std::move(asked);
    else
        log_.warning(asked.error().message);
}

void Daemon::answer_state_lock()
{
    const base::Fd asker(::accept4(runtime_.state_lock, nullptr, nullptr, SOCK_CLOEXEC));
    const std::string where = runtime_.bus == config::BusKind::Embedded ? "bus embedded at " + runtime_.locations.runtime_dir
                                                                        : fmt::format("{} bus", config::to_string(runtime_.bus));
    if (asker) (void)::send(asker.get(), where.data(), where.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

/// Each time: a directory that was made anew is another one.
void Daemon::watch_places()
{
    for (const std::string& path : {runtime_.locations.runtime_dir, runtime_.locations.state_dir, kept_apps(runtime_).directory})
        if (const auto watch = places_.add(path); !watch)
            log_.write(io::Severity::Debug, watch.error().message + "; what is removed from it is not put back");
}

base::Result<void> Daemon::have_places()
{
    const std::string& directory = runtime_.locations.runtime_dir;
    if (auto made = prepare_directory(directory, runtime_.bus == config::BusKind::Embedded); !made) return made;
    if (auto made = prepare_directory(runtime_.locations.state_dir, false); !made) return made;
    state_.put_back(); // first, as pmd may be killed next
    mark_life(runtime_);
    if (!is_lock_there(directory, runtime_.lock)) {
        auto lock = take_lock(directory);
        if (!lock) return tl::unexpected(std::move(lock).error());
        if (!*lock)
            return base::fail(base::ErrorCode::Failed,
                              fmt::format("another pmd has taken '{}', from which this one's files were removed", directory));
        new_lock_ = *std::move(lock);
        runtime_.lock = new_lock_.get();
    }
    watch_places();
    notify_.put_back();
    const bool lost_bus = embedded_ && !embedded_->is_reachable() && !reopen_;
    if (lost_bus) bus_lost("its socket was removed");
    return {};
}

void Daemon::put_back()
{
    if (ending_) return;
    if (auto done = have_places(); done) {
        put_back_delay_ = {};
        return put_back_again_.reset();
    } else if (!put_back_again_) {
        log_.warning(done.error().message + "; it is tried again");
    }
    put_back_delay_ = std::clamp(put_back_delay_ * 2, kFirstAgain, kSlowestAgain);
    if (put_back_again_) return put_back_again_.set_time(clock_.now() + put_back_delay_);
    if (auto timer = loop_.add_timer(clock_.now() + put_back_delay_, io::Priority::Normal, [this] { put_back(); }))
        put_back_again_ = *std::move(timer);
}

} // namespace pm::daemon
