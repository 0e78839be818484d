// SPDX-License-Identifier: Apache-2.0
// The Sockets port: what apps listen on, open from before their first process to after their last one.
//
// A held socket is the same for every process of its app, whatever comes and goes: connections made while none is ready
// wait in its queue. It is found by its place (model::same_place), so that a changed file keeps those it did not
// change.
#pragma once

#include "channel/kept_path.hpp"
#include "channel/open_socket.hpp"
#include "channel/socket_depot.hpp"
#include "engine/ports.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pm::channel {

/// The numbers of a user and a group; what was not asked for is absent.
struct AccountIds {
    std::optional<uid_t> uid;
    std::optional<gid_t> gid;
    std::vector<gid_t> groups; ///< supplementary, of the user
};

class HeldSockets final : public engine::Sockets {
public:
    /// `user` and `group` are names, numbers or empty.
    using Accounts = std::function<base::Result<AccountIds>(const std::string& user, const std::string& group)>;

    /// `warn` gets sentences for the log.
    HeldSockets(Accounts accounts, std::function<void(const std::string&)> warn);
    /// Where sockets are kept from now on; it must outlive this. Without, they end with pmd.
    void set_depot(SocketDepot& depot) noexcept { depot_ = &depot; }
    /// Who keeps the paths of unix sockets from now on; it must outlive this. Without, one that a program removed leads to nobody until the next launch.
    void set_paths(PathKeeper& paths) noexcept { paths_ = &paths; }
    /// The name in the depot of one place of one app.
    [[nodiscard]] static std::string name_in_depot(const std::string& app, const model::ListenAddress& address);

    base::Result<void> hold(const model::AppSpec& spec, uid_t owner) override;
    void keep_only(const std::string& app, std::span<const model::ListenAddress> needed) override;
    void resume(const model::AppSpec& spec, uid_t owner) override;
    base::Result<std::vector<int>> descriptors(const engine::LaunchRequest& request) override;

private:
    struct Held {
        model::ListenAddress address; ///< as it is now, options and all
        model::SharedIdentity owner;  ///< whose rights its file is removed with
        base::Fd fd;
        std::optional<SocketFile> file;
        std::unique_ptr<KeptPath> kept{}; ///< of a path; null also where it cannot be kept
    };
    using List = std::vector<Held>;

    [[nodiscard]] static Held* find(List& list, const model::ListenAddress& address);
    [[nodiscard]] base::Result<Rights> rights(const model::AppSpec& spec, const model::ListenAddress& address, uid_t owner);
    [[nodiscard]] base::Result<List> open_missing(const model::AppSpec& spec, uid_t owner);
    [[nodiscard]] base::Result<Held> open(const model::AppSpec& spec, const model::ListenAddress& address, uid_t owner);
    /// Who of this pmd is in the way; empty: nobody.
    [[nodiscard]] std::string holder_of(const model::AppSpec& spec, const model::ListenAddress& address) const;
    void add(const std::string& app, List fresh);
    void close(const std::string& app, Held& held);
    void keep_path(Held& held);
    /// Sets what an open socket can change.
    void adjust(Held& held, const model::ListenAddress& address, const Rights& allowed);

    Accounts accounts_;
    std::function<void(const std::string&)> warn_;
    SocketDepot* depot_ = nullptr;
    PathKeeper* paths_ = nullptr;
    bool discarded_ = false; ///< the depot may have copies that it is about to close
    std::map<std::string, List> apps_;
};

} // namespace pm::channel
