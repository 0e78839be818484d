// SPDX-License-Identifier: Apache-2.0
// Cluster mode round-robin: pmd accepts, and the workers get the connections in turn.
//
// pmd keeps its copy of a connection until a worker said that it took it, and gives it to another one when it did not.
// A worker has few on their way to it, and pmd accepts no more than the workers take: the rest waits in the kernel.
#pragma once

#include "channel/cluster_sockets.hpp"
#include "channel/node_worker.hpp"

#include <deque>
#include <functional>
#include <map>

namespace pm::channel {

class NodeTurns {
public:
    /// A worker that may get a connection, and the key by which it knows the socket.
    struct Candidate {
        NodeWorker* worker = nullptr;
        std::string key;
        bool accepts = false; ///< it has the socket, too, as an earlier or a later generation of its app has another mode
    };
    /// In the order of their turns.
    using Candidates = std::function<std::vector<Candidate>(const std::string& app, const std::string& place)>;

    NodeTurns(io::EventLoop& loop, Candidates candidates, std::function<std::int64_t()> next_seq);

    /// From now on connections of the socket are accepted when somebody takes them.
    [[nodiscard]] base::Result<void> add(const ClusterSocket& socket);
    /// What was accepted and nobody took is closed.
    void remove(const std::string& app, const std::string& place);
    /// Somebody new may take connections.
    void serve(const std::string& app, const std::string& place);
    /// Accepts nothing more until it is called with false; what waits is in the kernel's queues then.
    void pause(bool on);
    /// No connection is on its way to a worker, or waits for one.
    [[nodiscard]] bool at_rest() const;
    void on_answer(const NodeWorker& worker, std::int64_t seq, bool accepted);
    /// What is on its way to the worker goes to others.
    void left(engine::ProcessKey worker);

private:
    struct Connection {
        SharedFd fd;
        int tries = 0;
    };
    struct OnItsWay {
        engine::ProcessKey worker;
        Connection connection;
    };
    struct Listener {
        SharedFd fd;
        io::Source source;
        bool accepting = true;
        std::deque<Connection> waiting; ///< accepted, and refused by the worker that got it
        std::map<std::int64_t, OnItsWay> on_their_way;
        engine::ProcessKey last; ///< whose turn it was
    };
    using Place = std::pair<std::string, std::string>;

    void accept_some(const Place& place);
    /// Whether somebody gets nothing but what pmd accepts.
    [[nodiscard]] bool is_needed(const Place& place) const;
    [[nodiscard]] bool hand_out(const Place& place, Listener& listener, Connection& connection);
    [[nodiscard]] std::optional<Candidate> next(const Place& place, const Listener& listener) const;
    void take_back(Listener& listener, Connection connection);
    void set_accepting(Listener& listener, bool on) const;

    io::EventLoop& loop_;
    Candidates candidates_;
    std::function<std::int64_t()> next_seq_;
    std::map<Place, Listener> listeners_;
    bool paused_ = false;
};

} // namespace pm::channel
