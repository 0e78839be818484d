// SPDX-License-Identifier: Apache-2.0
#include "channel/node_channels.hpp"

#include "channel/cluster_address.hpp"
#include "policy/command_line.hpp"
#include "policy/listen_variables.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace pm::channel {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;
using engine::ChannelEnds;
using engine::ProcessKey;
using Kind = NodeMessage::Kind;

bool is_node(std::string_view program)
{
    const auto slash = program.rfind('/');
    const std::string_view name = program.substr(slash == std::string_view::npos ? 0 : slash + 1);
    return name == "node" || name == "nodejs";
}

} // namespace

NodeChannels::NodeChannels(io::EventLoop& loop, engine::Sockets& listened, NodeOptions options,
                           std::function<void(const std::string&)> warn)
    : loop_(loop), options_(std::move(options)), warn_(std::move(warn)),
      cluster_(loop, listened, options_.unheld, [this] { on_state(); }), triggers_(loop)
{
    if (auto source = loop_.add_deferred(io::Priority::Deferred, [this] { save(); })) saver_ = *std::move(source);
    if (auto source = loop_.add_deferred(io::Priority::Deferred, [this] { hear_last_words(); })) listener_ = *std::move(source);
}

NodeChannels::~NodeChannels()
{
    if (save_due_) save();
}

Result<ChannelEnds> NodeChannels::connect(const engine::LaunchRequest& request, const model::SharedIdentity& user)
{
    const model::ClusterMode mode = options_.cluster_of(*request.spec);
    if (!model::is_node_cluster(mode) && !options_.has_channel(*request.spec)) return ChannelEnds();
    int pair[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return base::fail_errno("making the message channel", errno);
    base::Fd ours(pair[0]), theirs(pair[1]);
    if (::fcntl(ours.get(), F_SETFL, O_NONBLOCK) < 0)
        return base::fail_errno("making the message channel", errno); // theirs blocks, as Node expects
    auto worker = std::make_shared<NodeWorker>(request, user, *this);
    worker->mode = mode;
    if (model::is_node_cluster(mode)) worker->unique_id = ++last_id_;
    ChannelEnds ends = ends_for(*worker, std::move(theirs));
    if (depot_ != nullptr) depot_->store(stored_name(request.key), ours.get());
    if (auto attached = attach(std::move(worker), std::move(ours), {}); !attached)
        return tl::unexpected(std::move(attached).error());
    return ends;
}

ChannelEnds NodeChannels::ends_for(const NodeWorker& worker, base::Fd theirs) const
{
    const model::AppSpec& spec = *worker.request.spec;
    ChannelEnds ends;
    ends.messages = std::move(theirs);
    ends.environment["NODE_CHANNEL_FD"] = std::to_string(static_cast<std::size_t>(policy::kFirstSocket) + spec.listen.size());
    ends.environment["NODE_CHANNEL_SERIALIZATION_MODE"] = "json";
    const bool shares = !spec.listen.empty() || worker.mode == model::ClusterMode::Transparent;
    if (worker.unique_id == 0 && !shares) return ends;
    if (worker.unique_id != 0) ends.environment["NODE_UNIQUE_ID"] = std::to_string(worker.unique_id);
    if (wants_drain_script(spec)) ends.arguments = {"--require", options_.drain_script};
    return ends;
}

bool NodeChannels::wants_drain_script(const model::AppSpec& spec) const
{
    if (options_.drain_script.empty() || spec.serving.drain.count() <= 0 || has_other_root(spec)) return false;
    const policy::LaunchCommand command = policy::command_line(spec);
    return command.kind == policy::LaunchCommand::Kind::Interpreted && is_node(command.argv.front()) &&
           ::access(options_.drain_script.c_str(), R_OK) == 0;
}

Result<void> NodeChannels::attach(std::shared_ptr<NodeWorker> worker, base::Fd fd, NodeLink::State state)
{
    NodeWorker& attached = *worker;
    ended(attached.key());
    workers_[attached.key()] = std::move(worker);
    auto link = NodeLink::open(loop_, std::move(fd), attached, std::move(state));
    if (!link) {
        ended(attached.key());
        return tl::unexpected(std::move(link).error());
    }
    attached.link = *std::move(link);
    if (attached.unique_id != 0) cluster_.joined(attached);
    on_state();
    return {};
}

/// The process, or its channel, is no more.
void NodeChannels::let_go(NodeWorker& worker)
{
    if (std::exchange(worker.unique_id, 0U) != 0) cluster_.left(worker);
    if (depot_ != nullptr) depot_->discard(stored_name(worker.key()));
    on_state();
}

bool NodeChannels::dismiss(ProcessKey key)
{
    NodeWorker* worker = find(key);
    if (worker == nullptr) return false;
    return worker->unique_id != 0 ? cluster_.dismiss(*worker) : drain(*worker);
}

/// Of a program that is no worker, but whose servers pmd-drain.cjs can close.
bool NodeChannels::drain(NodeWorker& worker)
{
    if (!worker.online || !worker.post({.text = "{\"cmd\":\"NODE_PMD_DRAIN\"}\n"})) return false;
    worker.dismissed = true;
    on_state();
    return true;
}

void NodeChannels::on_serves(NodeWorker& worker)
{
    if (worker.unique_id != 0) return;
    worker.online = true;
    on_state();
}

bool NodeChannels::send_shutdown(ProcessKey key)
{
    const NodeWorker* worker = find(key);
    return worker != nullptr && worker->post({.text = "\"shutdown\"\n", .internal = false});
}

Result<void> NodeChannels::send(ProcessKey key, std::string_view json)
{
    const NodeWorker* worker = find(key);
    if (worker == nullptr || !worker->is_open()) return fail(ErrorCode::NotSupported, "it has no message channel");
    std::string line(json);
    std::ranges::replace_if(
        line, [](char c) { return c == '\n' || c == '\r'; }, ' '); // blanks of JSON, nowhere else
    const Kind kind = read_message(line).kind;
    if (kind == Kind::Malformed) return fail(ErrorCode::InvalidArgument, "the message is not JSON, or too deep");
    if (kind != Kind::App && kind != Kind::Ready)
        return fail(ErrorCode::InvalidArgument, "messages whose 'cmd' begins with NODE_ are Node's own");
    line += '\n';
    if (worker->post({.text = std::move(line), .internal = false})) return {};
    return fail(ErrorCode::LimitExceeded, "too much waits to be read by the process");
}

void NodeChannels::ended(ProcessKey key)
{
    const auto found = workers_.find(key);
    if (found == workers_.end()) return;
    const std::shared_ptr<NodeWorker> worker = std::move(found->second);
    workers_.erase(found);
    if (!worker->link) return triggers_.ended(key);
    worker->ended = true;
    let_go(*worker);
    ended_.push_back(worker);
    listener_.set_enabled(true);
}

/// "process.send(result); process.exit()": the end is seen before what was said before it.
void NodeChannels::hear_last_words()
{
    for (const auto& worker : std::exchange(ended_, {})) {
        worker->link->read_rest();
        triggers_.ended(worker->key());
    }
}

void NodeChannels::rests(const std::string& app)
{
    cluster_.rests(app);
}

std::vector<std::string> NodeChannels::addresses(const std::string& app) const
{
    std::set<std::string> all;
    for (const auto& [key, worker] : workers_)
        if (worker->app() == app) all.insert(worker->addresses.begin(), worker->addresses.end());
    return {all.begin(), all.end()};
}

/// What is told last may end the worker.
void NodeChannels::on_line(NodeWorker& worker, const NodeMessage& message, std::string_view line)
{
    const ProcessKey key = worker.key();
    if (worker.ended && message.kind != Kind::App && message.kind != Kind::Handle) return;
    switch (message.kind) {
    case Kind::App: {
        const std::string_view text = line.substr(message.marked ? 1 : 0);
        if (!on_custom(worker, message, text)) told_->on_message(key, std::string(text));
        return;
    }
    case Kind::Ready: return told_->on_ready(key, model::ReadyWhen::Ipc);
    case Kind::Handle: return message.inner.empty() ? void() : told_->on_message(key, message.inner);
    case Kind::Malformed: return complain(worker, "says what is not Node's protocol on its message channel; it is ignored");
    case Kind::Serves: return on_serves(worker);
    case Kind::Drained: return worker.unique_id == 0 && worker.dismissed ? told_->on_drained(key) : void();
    case Kind::HandleAck:
    case Kind::HandleNack:
    case Kind::Unknown: return;
    case Kind::Online:
    case Kind::Query:
    case Kind::Listening:
    case Kind::Close:
    case Kind::Leaving:
    case Kind::Answer: break;
    }
    if (worker.unique_id != 0) on_cluster(worker, message);
}

void NodeChannels::on_cluster(NodeWorker& worker, const NodeMessage& message)
{
    worker.online = true;
    if (message.kind == Kind::Query) cluster_.on_query(worker, message.query);
    if (message.kind == Kind::Close) cluster_.on_close(worker, message.key);
    if (message.kind == Kind::Leaving) cluster_.on_leaving(worker, message.seq);
    if (message.kind == Kind::Answer) cluster_.on_answer(worker, message);
    if (message.kind == Kind::Online) on_state();
    if (message.kind != Kind::Listening) return;
    cluster_.on_listening(worker, message.query);
    told_->on_ready(worker.key(), model::ReadyWhen::Listening);
}

void NodeChannels::on_end(NodeWorker& worker, bool too_long)
{
    if (worker.ended) return;
    if (too_long)
        warn_(fmt::format("app '{}', process {}: a message of more than {} MiB: its message channel is closed", worker.app(),
                          worker.key().id.value, NodeLink::kMostLine >> 20));
    const bool drained = worker.dismissed;
    const ProcessKey key = worker.key();
    worker.link.reset();
    let_go(worker);
    triggers_.closed(key);
    if (drained) told_->on_drained(key);
}

void NodeChannels::complain(NodeWorker& worker, const char* what)
{
    if (std::exchange(worker.complained, true)) return;
    warn_(fmt::format("app '{}', process {} {}", worker.app(), worker.key().id.value, what));
}

NodeWorker* NodeChannels::find(ProcessKey key) const
{
    const auto found = workers_.find(key);
    return found == workers_.end() ? nullptr : found->second.get();
}

} // namespace pm::channel
