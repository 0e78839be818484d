// SPDX-License-Identifier: Apache-2.0
#include "channel/node_turns.hpp"

#include <algorithm>
#include <cerrno>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <utility>
#include <vector>

namespace pm::channel {
namespace {

constexpr int kAcceptedAtOnce = 32;
/// More would only wait in its channel.
constexpr std::ptrdiff_t kMostOnTheWay = 8;
/// So many workers refused it: nobody will take it.
constexpr int kMostTries = 16;

} // namespace

NodeTurns::NodeTurns(io::EventLoop& loop, Candidates candidates, std::function<std::int64_t()> next_seq)
    : loop_(loop), candidates_(std::move(candidates)), next_seq_(std::move(next_seq))
{
}

base::Result<void> NodeTurns::add(const ClusterSocket& socket)
{
    const Place place{socket.app, socket.place};
    if (listeners_.contains(place)) return {};
    auto source =
        loop_.add_io(socket.fd->get(), EPOLLIN, io::Priority::Output, [this, place](std::uint32_t) { accept_some(place); });
    if (!source) return tl::unexpected(std::move(source).error());
    Listener& listener = listeners_[place];
    listener.fd = socket.fd;
    listener.source = *std::move(source);
    if (paused_) listener.source.set_io_events(0U);
    return {};
}

void NodeTurns::remove(const std::string& app, const std::string& place)
{
    listeners_.erase({app, place});
}

void NodeTurns::serve(const std::string& app, const std::string& place)
{
    const auto found = listeners_.find({app, place});
    if (found == listeners_.end()) return;
    Listener& listener = found->second;
    while (!listener.waiting.empty()) {
        if (!hand_out(found->first, listener, listener.waiting.front())) return;
        listener.waiting.pop_front();
    }
    set_accepting(listener, is_needed(found->first));
}

bool NodeTurns::is_needed(const Place& place) const
{
    return !std::ranges::all_of(candidates_(place.first, place.second), &Candidate::accepts);
}

void NodeTurns::accept_some(const Place& place)
{
    Listener& listener = listeners_.at(place);
    if (!is_needed(place)) return set_accepting(listener, false);
    for (int count = 0; count < kAcceptedAtOnce; ++count) {
        if (!next(place, listener)) return set_accepting(listener, false);
        Connection connection{
            std::make_shared<const base::Fd>(::accept4(listener.fd->get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC))};
        if (!*connection.fd) return; // none left, or no room for one: asked again when the loop turns
        if (!hand_out(place, listener, connection)) listener.waiting.push_back(std::move(connection));
    }
}

bool NodeTurns::hand_out(const Place& place, Listener& listener, Connection& connection)
{
    const auto to = next(place, listener);
    if (!to) return false;
    const std::int64_t seq = next_seq_();
    listener.on_their_way[seq] = {to->worker->key(), connection};
    listener.last = to->worker->key();
    NodeParcel parcel{.text = connection_message(to->key, seq), .fd = connection.fd, .connection = true, .number = seq};
    if (to->worker->post(std::move(parcel))) return true;
    listener.on_their_way.erase(seq);
    return false;
}

/// The first behind the one whose turn it was that has not much to do yet.
std::optional<NodeTurns::Candidate> NodeTurns::next(const Place& place, const Listener& listener) const
{
    std::vector<Candidate> all = candidates_(place.first, place.second);
    const auto behind = std::ranges::find_if(all, [&](const Candidate& one) { return one.worker->key() > listener.last; });
    std::ranges::rotate(all, behind);
    for (Candidate& one : all) {
        const auto busy =
            std::ranges::count_if(listener.on_their_way, [&](const auto& way) { return way.second.worker == one.worker->key(); });
        if (busy < kMostOnTheWay) return std::move(one);
    }
    return std::nullopt;
}

void NodeTurns::on_answer(const NodeWorker& worker, std::int64_t seq, bool accepted)
{
    for (auto& [place, listener] : listeners_) {
        const auto found = listener.on_their_way.find(seq);
        if (found == listener.on_their_way.end() || found->second.worker != worker.key()) continue;
        Connection connection = std::move(found->second.connection);
        listener.on_their_way.erase(found);
        if (!accepted) take_back(listener, std::move(connection));
        return serve(place.first, place.second);
    }
}

void NodeTurns::left(engine::ProcessKey worker)
{
    for (auto& [place, listener] : listeners_) {
        std::vector<Connection> back;
        std::erase_if(listener.on_their_way, [&](auto& way) {
            if (way.second.worker != worker) return false;
            back.push_back(std::move(way.second.connection));
            return true;
        });
        for (Connection& connection : back) take_back(listener, std::move(connection));
        serve(place.first, place.second);
    }
}

void NodeTurns::take_back(Listener& listener, Connection connection)
{
    if (++connection.tries < kMostTries) listener.waiting.push_back(std::move(connection));
}

void NodeTurns::set_accepting(Listener& listener, bool on) const
{
    if (listener.accepting == on) return;
    listener.accepting = on;
    if (!paused_) listener.source.set_io_events(on ? std::uint32_t{EPOLLIN} : 0U);
}

void NodeTurns::pause(bool on)
{
    paused_ = on;
    for (auto& [place, listener] : listeners_)
        listener.source.set_io_events(listener.accepting && !on ? std::uint32_t{EPOLLIN} : 0U);
}

bool NodeTurns::at_rest() const
{
    return std::ranges::all_of(listeners_, [](const auto& entry) { return entry.second.waiting.empty() && entry.second.on_their_way.empty(); });
}

} // namespace pm::channel
