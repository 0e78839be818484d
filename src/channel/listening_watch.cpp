// SPDX-License-Identifier: Apache-2.0
#include "channel/listening_watch.hpp"

#include "channel/listening_sockets.hpp"

#include <algorithm>

namespace pm::channel {
namespace {

constexpr model::Duration kFirst = std::chrono::milliseconds(10);
constexpr model::Duration kSlowest = std::chrono::milliseconds(200);
constexpr model::Duration kOverdue = std::chrono::seconds(2); ///< of one that should listen by now
constexpr std::size_t kMostDescriptors = 16384;               ///< of all its processes together, for one look

} // namespace

ListeningWatch::ListeningWatch(io::EventLoop& loop, Members members, std::function<void(const std::string&)> warn,
                               std::function<bool(const model::AppSpec&)> told_by_others)
    : loop_(loop), members_(std::move(members)), warn_(std::move(warn)), told_by_others_(std::move(told_by_others))
{
}

base::Result<engine::ChannelEnds> ListeningWatch::connect(const engine::LaunchRequest& request, const model::SharedIdentity& user)
{
    (void)user;
    const model::ServingSpec& serving = request.spec->serving;
    if (serving.ready == model::ReadyWhen::Listening) waiting_[request.key].listen_timeout = serving.listen_timeout;
    return engine::ChannelEnds();
}

void ListeningWatch::reconnect(const engine::LaunchRequest& request, const model::SharedIdentity&)
{
    const model::ServingSpec& serving = request.spec->serving;
    const bool told = !serving.ready && told_by_others_ && told_by_others_(*request.spec);
    if (!told && serving.ready != model::ReadyWhen::Listening) return;
    Waiting& waiting = waiting_[request.key];
    waiting.listen_timeout = serving.listen_timeout;
    waiting.must = serving.ready.has_value();
}

void ListeningWatch::runs(engine::ProcessKey key, pid_t pid)
{
    const auto found = waiting_.find(key);
    if (found == waiting_.end()) return;
    Waiting& waiting = found->second;
    waiting.pid = pid;
    waiting.since = std::chrono::steady_clock::now();
    waiting.interval = kFirst;
    auto timer = loop_.add_timer(waiting.since + kFirst, io::Priority::Normal, [this, key] { look(key); });
    if (timer)
        waiting.timer = *std::move(timer);
    else
        warn_(timer.error().message + "; it will not be seen to listen");
}

/// Telling is the last thing that is done.
void ListeningWatch::look(engine::ProcessKey key)
{
    const auto found = waiting_.find(key);
    if (found == waiting_.end()) return;
    Waiting& waiting = found->second;
    if (listens(key, waiting.pid)) {
        waiting_.erase(found);
        if (events_ != nullptr) events_->on_ready(key, model::ReadyWhen::Listening);
        return;
    }
    const auto now = std::chrono::steady_clock::now();
    if (!waiting.must && now - waiting.since > waiting.listen_timeout) {
        waiting_.erase(found);
        return;
    }
    waiting.interval = std::min(waiting.interval * 2, now - waiting.since < waiting.listen_timeout ? kSlowest : kOverdue);
    waiting.timer.set_time(now + waiting.interval);
}

bool ListeningWatch::listens(engine::ProcessKey key, pid_t main) const
{
    const Inodes sockets = listening_sockets(main);
    if (sockets.empty()) return false;
    std::size_t budget = kMostDescriptors;
    if (has_any(main, sockets, budget)) return true;
    const std::vector<pid_t> pids = members_(key);
    return std::ranges::any_of(pids, [&](pid_t pid) { return pid != main && has_any(pid, sockets, budget); });
}

} // namespace pm::channel
