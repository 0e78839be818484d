// SPDX-License-Identifier: Apache-2.0
#include "channel/quiet_end.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>

namespace pm::channel {
namespace {

using engine::ProcessKey;
using model::ClusterMode;
using std::chrono::steady_clock;

/// The signal that the engine sends when it hears that a stopped process may have it is there within this time.
constexpr std::chrono::milliseconds kUntilSignalled{20};
constexpr std::chrono::milliseconds kBetweenLooks{1};
/// Whether it blocks the signal.
constexpr int kMostLooks = 20;

bool gets_signal(const model::AppSpec& spec, pid_t pid, pid_t main) noexcept
{
    return pid == main || spec.kill_mode == model::KillMode::Group;
}

} // namespace

QuietEnd::QuietEnd(io::EventLoop& loop, ClusterOf cluster_of, Members members, std::function<void()> persist)
    : loop_(loop), cluster_of_(std::move(cluster_of)), members_(std::move(members)), persist_(std::move(persist)), hold_(loop)
{
}

base::Result<engine::ChannelEnds> QuietEnd::connect(const engine::LaunchRequest& request, const model::SharedIdentity&)
{
    note(request);
    return engine::ChannelEnds();
}

void QuietEnd::reconnect(const engine::LaunchRequest& request, const model::SharedIdentity&) { note(request); }

/// Where nobody takes over what it leaves in the queue, its end is no better for being quiet.
void QuietEnd::note(const engine::LaunchRequest& request)
{
    const ClusterMode mode = cluster_of_(*request.spec);
    if (!request.spec->listen.empty() || mode == ClusterMode::Transparent) processes_[request.key].spec = request.spec;
}

void QuietEnd::runs(ProcessKey key, pid_t pid)
{
    if (const auto found = processes_.find(key); found != processes_.end()) found->second.pid = pid;
}

bool QuietEnd::dismiss(ProcessKey key)
{
    const auto found = processes_.find(key);
    if (found == processes_.end() || found->second.pid == 0 || found->second.moment) return false;
    Process& process = found->second;
    process.moment.emplace(loop_, process.pid, [this, key] { return members_(key); }, persist_);
    if (process.moment->learn() && begin(key, process)) return true;
    process.moment.reset();
    return false;
}

void QuietEnd::wake(ProcessKey key)
{
    if (!processes_.contains(key)) return;
    for (const pid_t pid : members_(key))
        if (const AppProcess process(pid); process) process.signal(SIGCONT);
}

/// Of all that get the signal, the one that cares most.
QuietEnd::Manner QuietEnd::manner_of(const Process& process)
{
    const model::AppSpec& spec = *process.spec;
    const int signal = spec.kill_signal;
    Manner manner = Manner::DiesOfIt;
    for (const auto& [pid, one] : process.moment->processes()) {
        if (!gets_signal(spec, pid, process.pid)) continue;
        const auto masks = one.signals();
        if (!masks) continue; // gone
        if (SignalMasks::has(masks->ignored, signal)) return Manner::Ignores;
        if (SignalMasks::has(masks->blocked, signal)) return Manner::Blocks;
        if (SignalMasks::has(masks->caught, signal)) manner = Manner::Catches;
    }
    return manner;
}

bool QuietEnd::begin(ProcessKey key, Process& process)
{
    switch (manner_of(process)) {
    case Manner::DiesOfIt: return process.moment->wait(process.spec->serving.drain, [this, key] { found(key); });
    case Manner::Blocks: return ++process.looks < kMostLooks ? begin_later(key, process) : wait_shortly(key, process);
    case Manner::Ignores: return false;
    case Manner::Catches: return wait_shortly(key, process);
    }
    return false;
}

bool QuietEnd::wait_shortly(ProcessKey key, Process& process)
{
    auto timer = loop_.add_timer(steady_clock::now() + kShortWait, io::Priority::Normal, [this, key] { give_up(key); });
    if (!timer || !process.moment->wait(kShortWait, [this, key] { found(key); })) return false;
    process.timer = *std::move(timer);
    return true;
}

/// Who starts a thread blocks all signals for that moment; who does it for long waits for them in a way of its own (sigwait(3)), as
/// others catch them.
bool QuietEnd::begin_later(ProcessKey key, Process& process)
{
    const auto again = [this, key] {
        if (Process& same = processes_.at(key); !begin(key, same)) give_up(key);
    };
    auto timer = loop_.add_timer(steady_clock::now() + kBetweenLooks, io::Priority::Normal, again);
    if (timer) process.timer = *std::move(timer);
    return static_cast<bool>(timer);
}

/// What it does about the signal may be another thing than when the wait began (deno's runtime catches it some time after its
/// start).
void QuietEnd::found(ProcessKey key)
{
    manner_of(processes_.at(key)) == Manner::DiesOfIt ? end(key) : tell(key);
}

/// Each thread has the signal before any runs on.
void QuietEnd::end(ProcessKey key)
{
    Process& process = processes_.at(key);
    process.timer.reset(); // nothing is to be given up
    for (const auto& [pid, one] : process.moment->processes())
        if (gets_signal(*process.spec, pid, process.pid)) one.signal_threads(process.spec->kill_signal);
    process.moment->release();
    events_->on_drained(key);
}

void QuietEnd::give_up(ProcessKey key)
{
    Process& process = processes_.at(key);
    process.moment.reset();
    process.timer.reset();
    events_->on_drained(key);
}

/// It gets its one signal from who hears of this, and runs on when it has it: at first one thread alone, which takes it.
void QuietEnd::tell(ProcessKey key)
{
    Process& process = processes_.at(key);
    process.told = steady_clock::now();
    for (const auto& [pid, one] : process.moment->processes())
        if (gets_signal(*process.spec, pid, process.pid)) hold_.hold(pid, process.spec->kill_signal);
    auto timer = loop_.add_timer(process.told, io::Priority::Processes, [this, key] { look_for_signal(key); });
    if (timer)
        process.timer = *std::move(timer);
    else
        process.moment->release();
    events_->on_drained(key);
}

void QuietEnd::look_for_signal(ProcessKey key)
{
    Process& process = processes_.at(key);
    const auto& all = process.moment->processes();
    const auto main = all.find(process.pid);
    const auto masks = main == all.end() ? std::nullopt : main->second.signals();
    const bool waits = masks && !SignalMasks::has(masks->pending, process.spec->kill_signal);
    const auto now = steady_clock::now();
    if (waits && now < process.told + kUntilSignalled) return process.timer.set_time(now + kBetweenLooks);
    process.moment->release();
    for (const auto& [pid, one] : all) hold_.runs_on(pid);
}

} // namespace pm::channel
