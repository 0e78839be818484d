// SPDX-License-Identifier: Apache-2.0
#include "channel/quiet_moment.hpp"

#include "base/guard.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>

namespace pm::channel {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

/// Looks and stops take one part of so many of the time.
constexpr int kShare = 20;
constexpr std::chrono::microseconds kShortestPause{1'000};
constexpr std::chrono::microseconds kLongestPause{20'000};
/// Threads that wait in a system call have to get a processor before they stop.
constexpr std::chrono::microseconds kFirstCheck{50};
constexpr std::chrono::microseconds kLongestCheck{1'000};
/// One that has not stopped after so long runs on: it waits for a disk, or the machine is busy.
constexpr std::chrono::microseconds kLongestStop{20'000};
constexpr std::chrono::milliseconds kLongIdle{1'000};
constexpr std::chrono::milliseconds kShortIdle{20};

} // namespace

QuietMoment::QuietMoment(io::EventLoop& loop, pid_t main, Members members, std::function<void()> before_stop)
    : loop_(loop), main_(main), members_(std::move(members)), before_stop_(std::move(before_stop)), random_(static_cast<std::minstd_rand::result_type>(main))
{
}

bool QuietMoment::learn()
{
    refresh();
    if (!processes_.contains(main_)) return false;
    const auto learned = [&](const auto& entry) { return connections_.learn(entry.second) || entry.second.has_ended(); };
    return std::ranges::all_of(processes_, learned) && connections_.listens();
}

bool QuietMoment::wait(model::Duration patience, Found found)
{
    found_ = std::move(found);
    patience_ = patience;
    begun_ = steady_clock::now();
    auto timer = loop_.add_timer(begun_, io::Priority::Processes, [this] { turn(); });
    if (timer) timer_ = *std::move(timer);
    return static_cast<bool>(timer_);
}

void QuietMoment::release() noexcept
{
    if (!std::exchange(stopped_, false)) return;
    for (const auto& [pid, process] : processes_) process.signal(SIGCONT);
}

void QuietMoment::turn()
{
    base::guard([&] { stopped_ ? look_at_stopped() : look(); },
                [&](const std::string&) {
                    release();
                    pause(kLongestPause);
                });
}

/// Not while they are stopped: who is forgotten then would stay so.
void QuietMoment::refresh()
{
    const auto forget_all_but = [this](const std::vector<pid_t>& listed) {
        std::erase_if(processes_, [&](const auto& entry) { return std::ranges::find(listed, entry.first) == listed.end(); });
    };
    const std::vector<pid_t> listed = members_();
    forget_all_but(listed);
    bool opened = false;
    for (const pid_t pid : listed) {
        if (processes_.contains(pid)) continue;
        if (AppProcess process(pid); process) opened |= processes_.emplace(pid, std::move(process)).second;
    }
    if (opened) forget_all_but(members_()); // who had a number when it was opened is still one of them
}

bool QuietMoment::nobody_new() const
{
    return std::ranges::all_of(members_(), [this](pid_t pid) { return processes_.contains(pid); });
}

std::optional<std::chrono::milliseconds> QuietMoment::idle_after() const
{
    const auto age = steady_clock::now() - begun_;
    if (age < patience_ / 2) return std::nullopt;
    const auto quarter = std::chrono::duration_cast<std::chrono::milliseconds>(patience_ / 4);
    return age < patience_ * 3 / 4 ? std::min(kLongIdle, quarter) : kShortIdle;
}

bool QuietMoment::any_connection()
{
    const auto idle = idle_after();
    return std::ranges::any_of(processes_, [&](const auto& entry) { return connections_.any(entry.second, idle) && !entry.second.has_ended(); });
}

void QuietMoment::look()
{
    const auto begun = steady_clock::now();
    refresh();
    const auto main = processes_.find(main_);
    if (main == processes_.end()) return; // it has ended
    if (!main->second.is_stopped() /* by somebody else */ && !any_connection()) return stop();
    pause(std::chrono::duration_cast<model::Duration>(steady_clock::now() - begun));
}

void QuietMoment::stop()
{
    if (before_stop_) before_stop_();
    stopped_ = true;
    stopped_at_ = steady_clock::now();
    for (const auto& [pid, process] : processes_) process.signal(SIGSTOP);
    next_check_ = kFirstCheck;
    timer_.set_time(stopped_at_ + next_check_);
}

void QuietMoment::look_at_stopped()
{
    const auto all_stopped = [](const auto& entry) { return entry.second.is_all_stopped(); };
    const auto used = [&] { return std::chrono::duration_cast<model::Duration>(steady_clock::now() - stopped_at_); };
    if (!std::ranges::all_of(processes_, all_stopped)) {
        if (used() < kLongestStop) {
            next_check_ = std::min<model::Duration>(next_check_ * 2, kLongestCheck);
            return timer_.set_time(steady_clock::now() + next_check_);
        }
    } else if (nobody_new() && !any_connection()) {
        return found_();
    }
    release();
    pause(used());
}

void QuietMoment::pause(model::Duration used)
{
    const auto now = steady_clock::now();
    const auto by_age = std::chrono::duration_cast<model::Duration>(now - begun_) / 100;
    const auto usual = std::clamp<model::Duration>(by_age, kShortestPause, kLongestPause);
    const auto pause = std::max<model::Duration>(usual, used * kShare);
    std::uniform_int_distribution<std::int64_t> spread(pause.count() * 3 / 4, pause.count() * 5 / 4);
    timer_.set_time(now + model::Duration(spread(random_)));
}

} // namespace pm::channel
