// SPDX-License-Identifier: Apache-2.0
#include "channel/node_cluster.hpp"

#include "channel/cluster_address.hpp"
#include "channel/socket_address.hpp"
#include "io/timers.hpp"
#include "policy/listen_variables.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <unistd.h>

namespace pm::channel {
namespace {

using engine::ProcessKey;
using model::ClusterMode;

constexpr std::uint32_t kReuseAddress = 4; ///< libuv: UV_UDP_REUSEADDR
constexpr mode_t kUsualUmask = 0022;
constexpr std::size_t kMostHeld = 256;
constexpr std::size_t kMostAddresses = 64;

model::TimePoint now()
{
    return io::MonotonicClock().now();
}

/// As Node's server.address() has it; empty for a path.
std::string sockname(int fd)
{
    SocketAddress bound;
    bound.size = sizeof bound.bytes;
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&bound.bytes), &bound.size) < 0) return {};
    char text[INET6_ADDRSTRLEN] = {};
    if (bound.family() == AF_INET) {
        const auto* four = reinterpret_cast<const sockaddr_in*>(&bound.bytes);
        ::inet_ntop(AF_INET, &four->sin_addr, text, sizeof text);
        return fmt::format(R"({{"address":"{}","family":"IPv4","port":{}}})", text, ntohs(four->sin_port));
    }
    if (bound.family() != AF_INET6) return {};
    const auto* six = reinterpret_cast<const sockaddr_in6*>(&bound.bytes);
    ::inet_ntop(AF_INET6, &six->sin6_addr, text, sizeof text);
    return fmt::format(R"({{"address":"{}","family":"IPv6","port":{}}})", text, ntohs(six->sin6_port));
}

/// The key of a reply: no other of that worker has it, as the program's queries are counted.
std::string key_of(const ServerQuery& query)
{
    return fmt::format("{}-#{}", place_of(query), query.seq);
}

/// What the worker's program could do itself is done for it.
Rights rights_of(const NodeWorker& worker)
{
    Rights rights{.owner = worker.user};
    if (worker.user && worker.user->uid != 0 && ::geteuid() == 0)
        rights.may_have_low_ports = may_bind_low_ports(*worker.request.spec);
    return rights;
}

} // namespace

/// Numbers of messages go on from those of an earlier pmd: who answers late is not misunderstood.
NodeCluster::NodeCluster(io::EventLoop& loop, engine::Sockets& listened, model::Milliseconds unheld,
                         std::function<void()> changed)
    : loop_(loop), listened_(listened), unheld_(unheld), changed_(std::move(changed)),
      last_seq_(std::chrono::duration_cast<std::chrono::microseconds>(now().time_since_epoch()).count()),
      turns_(
          loop, [this](const std::string& app, const std::string& place) { return candidates(app, place); },
          [this] { return ++last_seq_; })
{
}

void NodeCluster::on_query(NodeWorker& worker, const ServerQuery& query)
{
    const auto socket = socket_for(worker, query);
    if (!socket) return refuse(worker, query.seq, key_of(query), socket.error());
    if ((*socket)->holders.contains(worker.key())) return refuse(worker, query.seq, key_of(query), EADDRINUSE);
    give(worker, query, **socket);
}

tl::expected<ClusterSocket*, int> NodeCluster::socket_for(const NodeWorker& worker, const ServerQuery& query)
{
    if (worker.held.size() >= kMostHeld) return tl::unexpected(EMFILE);
    const model::AppSpec& spec = *worker.request.spec;
    if (const int error = refused_by_sandbox(spec, query)) return tl::unexpected(error);
    ClusterSockets::Wanted wanted{.app = spec.name, .place = place_of(query), .rights = rights_of(worker)};
    if (query.family == ServerQuery::Family::Descriptor) {
        auto borrowed = listened_socket(worker, query.fd);
        if (!borrowed) return tl::unexpected(borrowed.error());
        wanted.borrowed = *std::move(borrowed);
        return sockets_.obtain(std::move(wanted));
    }
    auto address = address_of(query, spec.umask ? static_cast<mode_t>(*spec.umask) : kUsualUmask);
    if (!address) return tl::unexpected(address.error());
    const bool own_of_slot =
        worker.mode == ClusterMode::ReusePort && model::is_ip(address->kind) && !is_udp(query) && query.port != 0;
    if (own_of_slot) {
        address->reuseport = true;
        wanted.place += fmt::format("/{}", worker.request.slot.value);
    }
    wanted.address = *std::move(address);
    wanted.reuse_address = is_udp(query) && (query.flags & kReuseAddress) != 0;
    return sockets_.obtain(std::move(wanted));
}

/// Node means the primary's descriptor of that number: here one of the app's `listen`, numbered as its processes have it.
tl::expected<base::Fd, int> NodeCluster::listened_socket(const NodeWorker& worker, int number)
{
    const auto index = static_cast<std::size_t>(number) - policy::kFirstSocket;
    if (number < policy::kFirstSocket || index >= worker.request.spec->listen.size()) return tl::unexpected(EBADF);
    const auto fds = listened_.descriptors(worker.request);
    if (!fds || index >= fds->size()) return tl::unexpected(EBADF);
    base::Fd copy(::fcntl((*fds)[index], F_DUPFD_CLOEXEC, 3));
    if (!copy) return tl::unexpected(errno);
    return copy;
}

void NodeCluster::give(NodeWorker& worker, const ServerQuery& query, ClusterSocket& socket)
{
    const bool in_turn = worker.mode == ClusterMode::RoundRobin && !is_udp(query) && !socket.borrowed;
    if (in_turn && !turns_.add(socket)) return refuse(worker, query.seq, key_of(query), ENOMEM);
    if (socket.data == "null") socket.data = query.data;
    ServerReply reply{query.seq, ++last_seq_, 0, key_of(query), socket.data, is_udp(query)};
    NodeParcel parcel{.number = query.seq, .key = reply.key};
    if (in_turn) {
        socket.turns = true;
        parcel.text = reply_for_turns(reply, sockname(socket.fd->get()));
    } else {
        parcel.text = reply_with_socket(reply);
        parcel.fd = socket.fd;
        parcel.stored = ClusterSockets::stored_name(socket.app, socket.place);
    }
    socket.holders.insert(worker.key());
    socket.unheld_since.reset();
    worker.held[reply.key] = socket.place;
    worker.post(std::move(parcel));
    changed_();
    if (socket.turns) turns_.serve(socket.app, socket.place);
}

void NodeCluster::refuse(NodeWorker& worker, std::int64_t answered, const std::string& key, int error)
{
    worker.post({.text = reply_message({.answered = answered, .seq = ++last_seq_, .error = error, .key = key})});
}

void NodeCluster::on_listening(NodeWorker& worker, const ServerQuery& where)
{
    worker.listens = true;
    if (worker.addresses.size() < kMostAddresses) worker.addresses.insert(for_people(where));
    sweep_later();
    changed_();
}

void NodeCluster::on_close(NodeWorker& worker, const std::string& key)
{
    const auto found = worker.held.find(key);
    if (found == worker.held.end()) return;
    const std::string place = found->second;
    worker.held.erase(found);
    release(worker, place, !worker.dismissed);
    changed_();
}

void NodeCluster::on_leaving(NodeWorker& worker, std::int64_t seq)
{
    worker.dismissed = true;
    worker.post({.text = answer_message(seq, ++last_seq_)});
    changed_();
}

void NodeCluster::on_answer(NodeWorker& worker, const NodeMessage& message)
{
    turns_.on_answer(worker, message.answered, message.accepted);
}

void NodeCluster::on_undelivered(NodeWorker& worker, const NodeParcel& parcel)
{
    if (parcel.connection) return turns_.on_answer(worker, parcel.number, false);
    on_close(worker, parcel.key);
    refuse(worker, parcel.number, parcel.key, EMFILE);
}

bool NodeCluster::dismiss(NodeWorker& worker)
{
    if (!worker.online || !worker.is_open()) return false;
    worker.dismissed = true;
    const bool told = worker.post({.text = disconnect_message(++last_seq_)});
    changed_();
    return told;
}

void NodeCluster::left(NodeWorker& worker)
{
    workers_.erase(worker.key());
    turns_.left(worker.key());
    for (const auto& [key, place] : std::exchange(worker.held, {})) release(worker, place, false);
    worker.listens = false;
    worker.addresses.clear();
    changed_();
}

void NodeCluster::release(const NodeWorker& worker, const std::string& place, bool on_purpose)
{
    ClusterSocket* socket = sockets_.find(worker.app(), place);
    if (socket == nullptr || socket->holders.erase(worker.key()) == 0 || !socket->holders.empty()) return;
    // A slot whose worker was told to go, and has no successor, is not to come back: its share of connections must not wait.
    if (on_purpose || (socket->address.reuseport && worker.dismissed)) return close(worker.app(), place);
    socket->unheld_since = now();
    sweep_later();
}

void NodeCluster::close(const std::string& app, const std::string& place)
{
    turns_.remove(app, place);
    sockets_.close(app, place);
}

void NodeCluster::rests(const std::string& app)
{
    while (const auto* list = sockets_.of(app)) {
        const std::string place = list->front().place;
        close(app, place);
    }
    changed_();
}

void NodeCluster::recover(ClusterSocket socket)
{
    const std::string app = socket.app, place = socket.place;
    sockets_.recover(std::move(socket));
    ClusterSocket* kept = sockets_.find(app, place);
    if (kept == nullptr) return;
    kept->unheld_since = now();
    if (kept->turns) (void)turns_.add(*kept);
    sweep_later();
}

std::vector<NodeTurns::Candidate> NodeCluster::candidates(const std::string& app, const std::string& place)
{
    std::vector<NodeTurns::Candidate> all;
    const ClusterSocket* socket = sockets_.find(app, place);
    if (socket == nullptr) return all;
    for (const ProcessKey key : socket->holders) {
        const auto found = workers_.find(key);
        if (found == workers_.end() || found->second->dismissed || !found->second->is_open()) continue;
        NodeWorker* worker = found->second;
        const auto held = std::ranges::find(worker->held, place, &std::pair<const std::string, std::string>::second);
        if (held != worker->held.end()) all.push_back({worker, held->first, worker->mode != ClusterMode::RoundRobin});
    }
    return all;
}

bool NodeCluster::serves(const std::string& app) const
{
    return std::ranges::any_of(workers_, [&](const auto& one) { return one.second->app() == app && one.second->listens; });
}

void NodeCluster::sweep_later()
{
    if (std::exchange(sweep_due_, true)) return;
    if (sweeper_) return sweeper_.set_time(now() + unheld_);
    if (auto timer = loop_.add_timer(now() + unheld_, io::Priority::Normal, [this] { sweep(); })) sweeper_ = *std::move(timer);
}

void NodeCluster::sweep()
{
    sweep_due_ = false;
    std::vector<std::pair<std::string, std::string>> due;
    for (const auto& [app, list] : sockets_.all())
        for (const ClusterSocket& socket : list) {
            if (!socket.unheld_since || !serves(app)) continue;
            if (*socket.unheld_since + unheld_ <= now())
                due.emplace_back(app, socket.place);
            else
                sweep_later();
        }
    for (const auto& [app, place] : due) close(app, place);
    if (!due.empty()) changed_();
}

} // namespace pm::channel
