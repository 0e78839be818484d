// SPDX-License-Identifier: Apache-2.0
#include "channel/app_sockets.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <sys/socket.h>

namespace pm::channel {
namespace {

/// Short whatever the name (FDNAME= takes 255 bytes of ASCII). FNV-1a.
std::string prefix_of(const std::string& app)
{
    std::uint64_t hash = 0xcbf29ce484222325U;
    for (const char c : app) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    return fmt::format("taken-{:016x}-", hash);
}

} // namespace

void SharedSocket::add_holder(const SocketHolder& holder)
{
    std::erase_if(holders,
                  [&](const SocketHolder& old) { return old.key == holder.key && (old.pid == 0 || old.pid == holder.pid); });
    if (holders.size() >= AppSockets::kMostHolders) {
        const auto of_same = std::ranges::find(holders, holder.key, &SocketHolder::key);
        holders.erase(of_same == holders.end() ? holders.begin() : of_same);
    }
    holders.push_back(holder);
}

bool SharedSocket::is_held_by(const AskingProcess& process) const
{
    return std::ranges::any_of(holders, [&](const SocketHolder& holder) {
        return holder.pid == process.pid() && socket_inode(process.copy(holder.number).get()) == inode;
    });
}

AppSockets::AppSockets(const std::string& app, SocketDepot* depot) : prefix_(prefix_of(app)), depot_(depot) {}

SharedSocket* AppSockets::find(const BoundPlace& place)
{
    const auto found = std::ranges::find_if(sockets_, [&](const auto& socket) { return socket->place == place; });
    return found == sockets_.end() ? nullptr : found->get();
}

SharedSocket* AppSockets::find(ino_t inode)
{
    const auto found = std::ranges::find_if(sockets_, [&](const auto& socket) { return socket->inode == inode; });
    return found == sockets_.end() ? nullptr : found->get();
}

bool AppSockets::add(SharedSocket socket)
{
    if (sockets_.size() >= kMost) {
        const auto idle = std::ranges::find_if(sockets_, [](const auto& known) { return !known->fd; });
        if (idle == sockets_.end()) return false;
        sockets_.erase(idle);
    }
    sockets_.push_back(std::make_unique<SharedSocket>(std::move(socket)));
    return true;
}

void AppSockets::keep(SharedSocket& socket)
{
    socket.listening = true;
    socket.first = AskingProcess();
    if (socket.slot >= 0) return;
    socket.slot = free_slot();
    if (depot_ != nullptr) depot_->store(depot_name(socket.slot), socket.fd.get());
}

void AppSockets::put_back_paths()
{
    for (const auto& socket : sockets_)
        if (socket->kept) socket->kept->put_back();
}

void AppSockets::drop(SharedSocket& socket)
{
    if (socket.kept) socket.kept->release();
    if (depot_ != nullptr && socket.slot >= 0) depot_->discard(depot_name(socket.slot));
    std::erase_if(sockets_, [&](const auto& known) { return known.get() == &socket; });
}

/// A copy that the depot still has, for a moment, takes no connections either.
void AppSockets::close(SharedSocket& socket)
{
    if (socket.fd) ::shutdown(socket.fd.get(), SHUT_RDWR);
    drop(socket);
}

void AppSockets::close_in_the_way(const BoundPlace& place)
{
    for (std::size_t i = sockets_.size(); i-- > 0;) {
        SharedSocket& socket = *sockets_[i];
        if (socket.fd && socket.holders.empty() && place.is_ip() && socket.place.is_ip() && socket.place.port() == place.port() &&
            socket.place.network == place.network)
            close(socket);
    }
}

void AppSockets::close_left_behind()
{
    const auto held = [](const auto& socket) { return socket->fd && !socket->holders.empty(); };
    if (std::ranges::none_of(sockets_, held)) return;
    for (std::size_t i = sockets_.size(); i-- > 0;)
        if (sockets_[i]->fd && sockets_[i]->holders.empty()) close(*sockets_[i]);
}

void AppSockets::close_all()
{
    while (!sockets_.empty()) close(*sockets_.back());
}

void AppSockets::forget(engine::ProcessKey holder)
{
    for (const auto& socket : sockets_)
        std::erase_if(socket->holders, [&](const SocketHolder& one) { return one.key == holder; });
}

void AppSockets::recover()
{
    if (depot_ == nullptr || std::exchange(recovered_, true)) return;
    for (int slot = 0; slot < static_cast<int>(kMost); ++slot) {
        base::Fd fd = depot_->recover(depot_name(slot));
        const auto place = fd && is_listening(fd.get()) ? place_of(fd.get()) : std::nullopt;
        if (!place) {
            if (fd) depot_->discard(depot_name(slot));
            continue;
        }
        SharedSocket socket;
        socket.place = *place;
        socket.inode = socket_inode(fd.get());
        socket.fd = std::move(fd);
        socket.listening = true;
        socket.slot = slot;
        add(std::move(socket));
    }
}

void AppSockets::held_by(engine::ProcessKey key)
{
    for (const auto& socket : sockets_) socket->add_holder({key, 0, -1});
}

std::vector<std::string> AppSockets::addresses() const
{
    std::vector<std::string> all;
    for (const auto& socket : sockets_)
        if (socket->listening) all.push_back(to_string(socket->place));
    return all;
}

std::string AppSockets::depot_name(int slot) const
{
    return prefix_ + std::to_string(slot);
}

int AppSockets::free_slot() const
{
    int slot = 0;
    while (std::ranges::any_of(sockets_, [&](const auto& socket) { return socket->slot == slot; })) ++slot;
    return slot;
}

} // namespace pm::channel
