// SPDX-License-Identifier: Apache-2.0
// What the broker looks at again, as nobody tells it: binds that wait for the first one, and sockets about to listen.
#include "channel/bind_broker.hpp"

#include "channel/app_process.hpp"
#include "channel/listening_sockets.hpp"

#include <algorithm>
#include <utility>

namespace pm::channel {
namespace {

/// 1 ms, 2 ms, ... 64 ms: half a second in all. The kernel takes microseconds; a busy machine takes longer.
constexpr int kMostLooks = 12;
constexpr model::Duration kLongestDelay{64'000};
/// Of an orphan: looked at, once.
constexpr std::size_t kMostMembers = 64;
constexpr std::size_t kMostDescriptors = 1024;

} // namespace

void BindBroker::look_later(Later later)
{
    const auto waiting = std::ranges::count(later_, later.key, &Later::key);
    if (static_cast<std::size_t>(waiting) >= kMostWaiting) {
        Filter* filter = find(later.key);
        if (filter != nullptr && !later.socket) let_go_on(filter->listener.get(), later.question.call.id);
        return;
    }
    later.due = std::chrono::steady_clock::now() + later.delay;
    later_.push_back(std::move(later));
    arm();
}

void BindBroker::arm()
{
    if (later_.empty()) return timer_.set_enabled(false);
    const auto next = std::ranges::min_element(later_, {}, &Later::due)->due;
    if (timer_) return timer_.set_time(next);
    if (auto timer = loop_.add_timer(next, io::Priority::Normal, [this] { look_again(); })) timer_ = *std::move(timer);
}

void BindBroker::look_again()
{
    const auto now = std::chrono::steady_clock::now();
    std::vector<engine::ProcessKey> ready;
    std::vector<Later> rest;
    for (Later& later : std::exchange(later_, {})) {
        if (later.due <= now && look(later, ready)) continue;
        if (later.due <= now) later.due = now + later.delay;
        rest.push_back(std::move(later));
    }
    later_ = std::move(rest);
    arm();
    for (const engine::ProcessKey key : ready) tell_ready(key);
}

bool BindBroker::look(Later& later, std::vector<engine::ProcessKey>& ready)
{
    Filter* filter = find(later.key);
    if (filter == nullptr || !filter->listener) return true;
    const bool last = ++later.looks >= kMostLooks;
    later.delay = std::min(later.delay * 2, kLongestDelay);
    if (later.socket) {
        if (!is_listening(later.socket.get())) return last;
        listens(*filter, later.socket.get(), later.question.process);
        ready.push_back(later.key);
        return true;
    }
    const int listener = filter->listener.get();
    if (!is_waiting(listener, later.question.call.id)) return true;
    const Verdict verdict = judge(*filter, later.question);
    if (verdict == Verdict::Wait && !last) return false;
    if (verdict != Verdict::Answered) let_go_on(listener, later.question.call.id);
    return true;
}

void BindBroker::answer_all()
{
    for (const Later& later : later_) {
        Filter* filter = find(later.key);
        if (filter != nullptr && filter->listener && !later.socket) let_go_on(filter->listener.get(), later.question.call.id);
    }
    later_.clear();
    arm();
}

/// From now on the socket outlives who made it.
void BindBroker::listens(Filter& filter, int socket, const AskingProcess& process)
{
    App& of = app(filter.app);
    SharedSocket* shared = of.sockets.find(socket_inode(socket));
    if (shared == nullptr || !shared->fd) return;
    const std::string path = shared->place.path();
    if (!path.empty() && !shared->listening) shared->file = process.find_socket(path);
    keep_path(filter, *shared, process);
    of.sockets.keep(*shared);
    const auto when = std::chrono::steady_clock::now() + kAllBound;
    if (of.all_bound) return of.all_bound.set_time(when);
    auto timer = loop_.add_timer(when, io::Priority::Deferred, [this, name = filter.app] {
        if (const auto found = apps_.find(name); found != apps_.end()) found->second.sockets.close_left_behind();
    });
    if (timer) of.all_bound = *std::move(timer);
}

/// The sockets of an orphan are still to be had from its processes, for those that come after it.
void BindBroker::runs(engine::ProcessKey key, pid_t pid)
{
    Filter* filter = find(key);
    if (filter == nullptr) return;
    if (const auto found = apps_.find(filter->app); found != apps_.end())
        found->second.sockets.visit([&](SharedSocket& shared) {
            if (shared.listening) keep_path(*filter, shared, AskingProcess(pid));
        });
    if (!std::exchange(filter->orphan, false)) return;
    std::vector<pid_t> members = members_(key);
    if (members.size() > kMostMembers) members.resize(kMostMembers);
    for (const pid_t member : members) take_up(*filter, member);
}

void BindBroker::keep_path(const Filter& filter, SharedSocket& shared, const AskingProcess& process)
{
    const std::string path = shared.place.path();
    if (path.empty() || shared.kept || !process) return;
    const base::Fd root = process.root();
    if (root) shared.kept = paths_.keep(root.get(), path, shared.file, filter.user);
    if (shared.kept) shared.file = shared.kept->file();
}

void BindBroker::take_up(const Filter& filter, pid_t pid)
{
    const AppProcess process(pid);
    if (!process) return;
    const Inodes listening = listening_sockets(pid);
    AppSockets& sockets = app(filter.app).sockets;
    (void)process.visit_sockets(kMostDescriptors, [&](int number, ino_t inode) {
        if (!listening.contains(inode)) return true;
        if (sockets.find(inode) == nullptr) {
            SharedSocket fresh;
            fresh.fd = process.copy(number);
            const auto place = socket_inode(fresh.fd.get()) == inode ? place_of(fresh.fd.get()) : std::nullopt;
            if (!place || sockets.find(*place) != nullptr) return true;
            fresh.place = *place;
            fresh.inode = inode;
            fresh.number = number;
            if (const std::string path = place->path(); !path.empty()) fresh.file = AskingProcess(pid).find_socket(path);
            if (!sockets.add(std::move(fresh))) return false;
            sockets.keep(*sockets.find(inode));
            keep_path(filter, *sockets.find(inode), AskingProcess(pid));
        }
        sockets.find(inode)->add_holder({filter.key, pid, number});
        return true;
    });
}

void BindBroker::tell_ready(engine::ProcessKey key)
{
    Filter* filter = find(key);
    if (filter == nullptr || std::exchange(filter->ready, true) || events_ == nullptr) return;
    events_->on_ready(key, model::ReadyWhen::Listening);
}

} // namespace pm::channel
