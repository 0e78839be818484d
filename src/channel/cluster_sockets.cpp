// SPDX-License-Identifier: Apache-2.0
#include "channel/cluster_sockets.hpp"


#include <algorithm>
#include <cerrno>
#include <fmt/format.h>
#include <sys/socket.h>
#include <utility>

namespace pm::channel {

/// Short whatever the path (FDNAME= takes 255 bytes of ASCII). FNV-1a.
std::string ClusterSockets::stored_name(const std::string& app, const std::string& place)
{
    std::uint64_t hash = 0xcbf29ce484222325U;
    for (const char c : app + "\n" + place) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    return fmt::format("cluster-{:016x}", hash);
}

std::list<ClusterSocket>* ClusterSockets::of(const std::string& app)
{
    const auto found = apps_.find(app);
    return found == apps_.end() ? nullptr : &found->second;
}

ClusterSocket* ClusterSockets::find(const std::string& app, const std::string& place)
{
    std::list<ClusterSocket>* list = of(app);
    if (list == nullptr) return nullptr;
    const auto found = std::ranges::find(*list, place, &ClusterSocket::place);
    return found == list->end() ? nullptr : &*found;
}

tl::expected<ClusterSocket*, int> ClusterSockets::obtain(Wanted wanted)
{
    if (ClusterSocket* held = find(wanted.app, wanted.place)) {
        if (!held->file || socket_file(held->owner, held->address.host) == held->file) return held;
        // A file that somebody removed leads to nobody: the socket is made anew. Who has the old one keeps it.
        held->borrowed = !held->holders.empty();
        close(wanted.app, wanted.place);
    }
    if (const auto* list = of(wanted.app); list != nullptr && list->size() >= kMostOfApp) return tl::unexpected(EMFILE);
    auto opened = open(wanted);
    if (!opened) return tl::unexpected(opened.error());
    if (depot_ != nullptr) depot_->store(stored_name(wanted.app, wanted.place), opened->fd->get());
    std::list<ClusterSocket>& list = apps_[wanted.app];
    list.push_back(*std::move(opened));
    return &list.back();
}

tl::expected<ClusterSocket, int> ClusterSockets::open(Wanted& wanted)
{
    ClusterSocket socket{.app = wanted.app, .place = wanted.place, .address = wanted.address, .owner = wanted.rights.owner};
    if (wanted.borrowed) {
        socket.borrowed = true;
        socket.fd = std::make_shared<const base::Fd>(std::move(wanted.borrowed));
        return socket;
    }
    auto opened = open_socket(wanted.address, wanted.rights, wanted.reuse_address);
    if (!opened && opened.error().error == EADDRINUSE && depot_ != nullptr && std::exchange(discarded_, false)) {
        depot_->settle();
        opened = open_socket(wanted.address, wanted.rights, wanted.reuse_address);
    }
    // libuv tells a missing directory so.
    if (!opened) return tl::unexpected(opened.error().error == ENOENT ? EACCES : opened.error().error);
    socket.fd = std::make_shared<const base::Fd>(std::move(opened->fd));
    socket.file = opened->file;
    return socket;
}

/// A copy that the depot, or a process that was spared, still has takes no connections either.
void ClusterSockets::close(const std::string& app, const std::string& place)
{
    const auto found = apps_.find(app);
    if (found == apps_.end()) return;
    found->second.remove_if([&](const ClusterSocket& socket) {
        if (socket.place != place) return false;
        if (!socket.borrowed) ::shutdown(socket.fd->get(), SHUT_RDWR);
        if (socket.file) remove_own(socket.owner, socket.address.host, *socket.file);
        return true;
    });
    if (found->second.empty()) apps_.erase(found);
    if (depot_ == nullptr) return;
    depot_->discard(stored_name(app, place));
    discarded_ = true;
}

void ClusterSockets::recover(ClusterSocket socket)
{
    if (depot_ == nullptr || find(socket.app, socket.place) != nullptr) return;
    base::Fd kept = depot_->recover(stored_name(socket.app, socket.place));
    if (!kept) return;
    socket.fd = std::make_shared<const base::Fd>(std::move(kept));
    if (socket.address.kind == model::ListenAddress::Kind::Path && !socket.borrowed)
        socket.file = socket_file(socket.owner, socket.address.host);
    std::list<ClusterSocket>& list = apps_[socket.app];
    list.push_back(std::move(socket));
}

} // namespace pm::channel
