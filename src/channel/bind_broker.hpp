// SPDX-License-Identifier: Apache-2.0
// `cluster: transparent`: the processes of an app, each of which binds its port as if it were alone, come to share one
// listening socket. Any program, unchanged; the filter that pm-exec installed tells of each bind(2) and listen(2).
//
// The first bind at a place is let go on: the kernel carries it out, with the rights, namespaces and sandbox of the app,
// and refuses what it refuses (EADDRINUSE, EACCES). When that process calls listen(2), a copy of its socket is taken
// (pidfd_getfd(2)). Every later process that binds there gets a copy of that one in place of the socket it made, under the
// same number, and its bind returns 0. pmd itself never binds: there is nothing it could be talked into.
//
// `cluster: reuseport-bpf` goes the same way, and no further than the first bind: each process keeps its own socket, on which
// SO_REUSEPORT is set before the kernel binds it, and the kernel spreads the connections evenly. One that ends with
// connections in its queue loses them, unless net.ipv4.tcp_migrate_req is 1.
//
// What the kernel does after the answer is not told, so the broker looks at the socket again, soon and not for long.
// The path of a unix socket is kept as well (channel/kept_path.hpp): a process that removes it when it ends, or before it binds it anew, shares on.
//
// What is shared is the open file description: options and backlog are those of the first, O_NONBLOCK is what the newest
// wants. What never gets a copy: port 0, UDP, paths that are not absolute, and bind by io_uring, of which no filter hears.
#pragma once

#include "channel/app_sockets.hpp"
#include "channel/notification.hpp"
#include "io/event_loop.hpp"

#include <functional>
#include <map>
#include <set>

namespace pm::channel {

class BindBroker final : public engine::Channels {
public:
    using ClusterOf = std::function<model::ClusterMode(const model::AppSpec&)>;
    /// The living processes of `key`, as its launcher knows them.
    using Members = std::function<std::vector<pid_t>(engine::ProcessKey key)>;
    /// What of one launched process is looked at again, at once; above, its processes bind by themselves.
    static constexpr std::size_t kMostWaiting = 64;
    /// A process that runs has bound everything so long after it listened on something.
    static constexpr std::chrono::seconds kAllBound{10};

    /// `warn` gets sentences for the log.
    BindBroker(io::EventLoop& loop, ClusterOf cluster_of, Members members, std::function<void(const std::string&)> warn);
    /// Before the loop runs; it must outlive this.
    void set_events(engine::ChannelEvents& events) noexcept { events_ = &events; }
    /// Where listeners and sockets are kept from now on; it must outlive this. Without, they end with pmd.
    void set_depot(SocketDepot& depot) noexcept { depot_ = &depot; }
    /// No process waits for an answer, or is about to listen.
    [[nodiscard]] bool at_rest() const noexcept { return later_.empty(); }
    /// Lets all who wait go on: the kernel tells nobody else of them. Before another pmd is executed in our place.
    void answer_all();

    base::Result<engine::ChannelEnds> connect(const engine::LaunchRequest& request, const model::SharedIdentity& user) override;
    void reconnect(const engine::LaunchRequest& request, const model::SharedIdentity& user) override;
    void take_filter(engine::ProcessKey key, base::Fd& listener) override;
    void runs(engine::ProcessKey key, pid_t pid) override;
    void ended(engine::ProcessKey key) override;
    void rests(const std::string& app) override;
    [[nodiscard]] std::vector<std::string> addresses(const std::string& app) const override;

private:
    struct App {
        App(const std::string& name, SocketDepot* depot) : sockets(name, depot) {}
        AppSockets sockets;
        io::Source all_bound;
        bool warned = false;
    };
    /// A launched process and all that come of it.
    struct Filter {
        engine::ProcessKey key;
        std::string app;
        model::SharedIdentity user; ///< null: pmd's own
        base::Fd listener; ///< invalid: not there yet, or nobody is left
        io::Source source;
        bool ready = false;        ///< told
        bool orphan = false;       ///< its listener ended with an earlier pmd
        bool each_its_own = false; ///< SO_REUSEPORT is set, and nothing shared
    };
    struct Question {
        Notification call;
        AskingProcess process;
    };
    /// Something to look at again: a bind that is not answered, or (`listens`) a socket of which listen was called.
    struct Later {
        engine::ProcessKey key;
        Question question;
        base::Fd socket;
        model::TimePoint due;
        model::Duration delay{1'000};
        int looks = 0;
    };
    enum class Verdict { GoOn, Wait, Answered };

    [[nodiscard]] bool wants(const model::AppSpec& spec) const;
    [[nodiscard]] Filter filter_of(const engine::LaunchRequest& request, const model::SharedIdentity& user) const;
    [[nodiscard]] App& app(const std::string& name);
    [[nodiscard]] Filter* find(engine::ProcessKey key);
    void watch(Filter& filter);
    void on_events(engine::ProcessKey key, std::uint32_t events);
    void on_question(Filter& filter, Question question);
    void on_bind(Filter& filter, Question question);
    void on_listen(Filter& filter, Question question);

    [[nodiscard]] static std::optional<BoundPlace> place_wanted(const Filter& filter, const Question& question, int socket);
    [[nodiscard]] static Verdict copy_first(SharedSocket& shared, const Question& question);
    [[nodiscard]] Verdict judge(Filter& filter, const Question& question);
    /// Whether the socket that was bound first can be had now.
    [[nodiscard]] Verdict look_at_first(App& app, SharedSocket*& shared, const Question& question);
    [[nodiscard]] Verdict hand_over(Filter& filter, SharedSocket& shared, const Question& question, int own);
    [[nodiscard]] base::Fd take(Filter& filter, const Question& question);

    void look_later(Later later);
    void look_again();
    /// True when there is no more to look at. `ready` gets whose readiness is to be told.
    [[nodiscard]] bool look(Later& later, std::vector<engine::ProcessKey>& ready);
    void arm();
    void listens(Filter& filter, int socket, const AskingProcess& process);
    void tell_ready(engine::ProcessKey key);
    void take_up(const Filter& filter, pid_t pid);
    /// The path of a unix socket leads to it from now on, whichever process removes it.
    void keep_path(const Filter& filter, SharedSocket& shared, const AskingProcess& process);

    io::EventLoop& loop_;
    PathKeeper paths_;
    ClusterOf cluster_of_;
    Members members_;
    std::function<void(const std::string&)> warn_;
    engine::ChannelEvents* events_ = nullptr;
    SocketDepot* depot_ = nullptr;
    std::map<engine::ProcessKey, Filter> filters_;
    std::map<std::string, App> apps_;
    std::vector<Later> later_;
    io::Source timer_;
};

} // namespace pm::channel
