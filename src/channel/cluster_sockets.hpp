// SPDX-License-Identifier: Apache-2.0
// The sockets that the workers of Node apps asked for. They belong to the app: workers come and go, the socket stays and
// connections wait in it.
#pragma once

#include "channel/node_link.hpp"
#include "channel/open_socket.hpp"
#include "channel/socket_depot.hpp"
#include "engine/ports.hpp"

#include <functional>
#include <list>
#include <map>
#include <set>
#include <string>

namespace pm::channel {

struct ClusterSocket {
    std::string app;
    std::string place;            ///< place_of() of the query; one for each slot where slots have their own
    model::ListenAddress address; ///< not of one that is borrowed
    SharedFd fd;
    std::optional<SocketFile> file; ///< of a path
    model::SharedIdentity owner;    ///< with whose rights it was opened and its file is removed
    bool borrowed = false;          ///< one of the app's `listen`: not ours to shut down
    bool turns = false;             ///< pmd accepts its connections
    std::string data = "null";      ///< JSON that a worker gave for all of them
    std::set<engine::ProcessKey> holders;
    std::optional<model::TimePoint> unheld_since; ///< nobody has it any more
};

class ClusterSockets {
public:
    static constexpr std::size_t kMostOfApp = 256;

    /// Where sockets are kept from now on; it must outlive this. Without, they end with pmd.
    void set_depot(SocketDepot& depot) noexcept { depot_ = &depot; }

    struct Wanted {
        std::string app;
        std::string place;
        model::ListenAddress address;
        Rights rights;
        bool reuse_address = false;
        base::Fd borrowed; ///< valid: no other is opened
    };
    /// The one at that place, opened now if it was not. The error is an errno. It stays where it is until it is closed.
    [[nodiscard]] tl::expected<ClusterSocket*, int> obtain(Wanted wanted);
    [[nodiscard]] ClusterSocket* find(const std::string& app, const std::string& place);
    void close(const std::string& app, const std::string& place);
    /// Of one app; null: none.
    [[nodiscard]] std::list<ClusterSocket>* of(const std::string& app);
    [[nodiscard]] const std::map<std::string, std::list<ClusterSocket>>& all() const noexcept { return apps_; }
    /// Takes up one that an earlier pmd kept, when the depot has it.
    void recover(ClusterSocket socket);
    /// The name under which the depot has it.
    [[nodiscard]] static std::string stored_name(const std::string& app, const std::string& place);

private:
    [[nodiscard]] tl::expected<ClusterSocket, int> open(Wanted& wanted);

    SocketDepot* depot_ = nullptr;
    bool discarded_ = false; ///< the depot may have copies that it is about to close
    std::map<std::string, std::list<ClusterSocket>> apps_;
};

} // namespace pm::channel
