// SPDX-License-Identifier: Apache-2.0
// The sockets that the processes of one app bound by themselves and share.
//
// A socket is at first only known: a process bound it, and it is its own. From its first listen(2) on we have a copy: it is
// open, with the connections that wait in it, whoever of the app comes and goes, and it is kept in the depot. One that no
// process of the app has been given any more waits for a successor; it is dropped when those that run do without it.
#pragma once

#include "channel/asking_process.hpp"
#include "channel/bound_place.hpp"
#include "channel/kept_path.hpp"
#include "channel/socket_depot.hpp"
#include "engine/ports.hpp"

#include <memory>
#include <string>
#include <vector>

namespace pm::channel {

/// Who was given a socket, and where it put it.
struct SocketHolder {
    engine::ProcessKey key; ///< the process as the engine counts, with all that came of it
    pid_t pid = 0;          ///< the very one; 0: not known
    int number = -1;        ///< its descriptor
};

struct SharedSocket {
    BoundPlace place;
    ino_t inode = 0;
    AskingProcess first;            ///< who bound it,
    int number = -1;                ///< as which descriptor
    base::Fd fd;                    ///< our copy; invalid: nobody listens
    std::optional<SocketFile> file; ///< of a path, as far as it is known
    std::unique_ptr<KeptPath> kept; ///< the path, from the first listen(2) on; null also where it cannot be kept
    bool listening = false;
    std::vector<SocketHolder> holders;
    int slot = -1; ///< in the depot

    void add_holder(const SocketHolder& holder);
    /// Whether the process has it open, as far as it is known.
    [[nodiscard]] bool is_held_by(const AskingProcess& process) const;
};

class AppSockets {
public:
    /// Of one app; above, programs bind as if they were alone.
    static constexpr std::size_t kMost = 64;
    /// Of one socket; above, the oldest of the same key are forgotten.
    static constexpr std::size_t kMostHolders = 256;

    /// `depot` may be null, else it must outlive this.
    AppSockets(const std::string& app, SocketDepot* depot);

    [[nodiscard]] SharedSocket* find(const BoundPlace& place);
    [[nodiscard]] SharedSocket* find(ino_t inode);
    /// Makes room by forgetting one that nobody listens on. False: there is none.
    bool add(SharedSocket socket);
    /// Marks it as listening, and keeps it.
    void keep(SharedSocket& socket);
    /// Links the paths that processes removed to their sockets again.
    void put_back_paths();
    /// Lets go of our copy; the processes that have it open go on.
    void drop(SharedSocket& socket);
    /// Closes those that no process holds and that would be in the way of `place`.
    void close_in_the_way(const BoundPlace& place);
    /// Closes those that no process holds, if there are others that one does.
    void close_left_behind();
    void close_all();
    void forget(engine::ProcessKey holder);
    /// Takes up what an earlier pmd kept, once.
    void recover();
    /// A process that an earlier pmd launched may have any of them.
    void held_by(engine::ProcessKey key);
    [[nodiscard]] std::vector<std::string> addresses() const;
    /// `visitor` must not add or drop any.
    template <typename Visitor>
    void visit(Visitor&& visitor)
    {
        for (const auto& socket : sockets_) visitor(*socket);
    }

private:
    [[nodiscard]] std::string depot_name(int slot) const;
    [[nodiscard]] int free_slot() const;
    void close(SharedSocket& socket);

    std::string prefix_; ///< of names in the depot
    SocketDepot* depot_;
    bool recovered_ = false;
    std::vector<std::unique_ptr<SharedSocket>> sockets_;
};

} // namespace pm::channel
