// SPDX-License-Identifier: Apache-2.0
#include "channel/bind_broker.hpp"

#include "base/guard.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/epoll.h>

namespace pm::channel {
namespace {

using engine::ProcessKey;
using model::ClusterMode;

std::string depot_name(ProcessKey key)
{
    return fmt::format("bind-{}.{}", key.id.value, key.generation.value);
}

} // namespace

BindBroker::BindBroker(io::EventLoop& loop, ClusterOf cluster_of, Members members, std::function<void(const std::string&)> warn)
    : loop_(loop), paths_(loop), cluster_of_(std::move(cluster_of)), members_(std::move(members)), warn_(std::move(warn))
{
}

/// An app whose sockets pmd holds shares those.
bool BindBroker::wants(const model::AppSpec& spec) const
{
    const ClusterMode mode = cluster_of_(spec);
    return spec.listen.empty() && (mode == ClusterMode::Transparent || mode == ClusterMode::ReusePortBpf);
}

BindBroker::Filter BindBroker::filter_of(const engine::LaunchRequest& request, const model::SharedIdentity& user) const
{
    Filter filter;
    filter.key = request.key;
    filter.app = request.spec->name;
    filter.user = user;
    filter.each_its_own = cluster_of_(*request.spec) == ClusterMode::ReusePortBpf;
    return filter;
}

base::Result<engine::ChannelEnds> BindBroker::connect(const engine::LaunchRequest& request, const model::SharedIdentity& user)
{
    engine::ChannelEnds ends;
    if (!wants(*request.spec)) return ends;
    filters_[request.key] = filter_of(request, user);
    ends.bind_notifications = true;
    return ends;
}

void BindBroker::reconnect(const engine::LaunchRequest& request, const model::SharedIdentity& user)
{
    if (!wants(*request.spec)) return;
    Filter& filter = filters_[request.key] = filter_of(request, user);
    if (depot_ != nullptr) filter.listener = depot_->recover(depot_name(request.key));
    filter.orphan = !filter.listener && !filter.each_its_own;
    watch(filter);
    AppSockets& sockets = app(filter.app).sockets;
    sockets.recover();
    sockets.held_by(filter.key);
}

void BindBroker::take_filter(ProcessKey key, base::Fd& listener)
{
    Filter* filter = find(key);
    if (filter == nullptr) return;
    filter->listener = std::move(listener);
    if (depot_ != nullptr) depot_->store(depot_name(key), filter->listener.get());
    watch(*filter);
}

void BindBroker::ended(ProcessKey key)
{
    const auto filter = filters_.extract(key);
    if (!filter) return;
    std::erase_if(later_, [&](const Later& later) { return later.key == key; });
    if (depot_ != nullptr) depot_->discard(depot_name(key));
    const auto found = apps_.find(filter.mapped().app);
    if (found == apps_.end()) return;
    found->second.sockets.forget(key);
    found->second.sockets.put_back_paths(); // where the kernel does not tell
}

void BindBroker::rests(const std::string& name)
{
    const auto found = apps_.find(name);
    if (found == apps_.end()) return;
    found->second.sockets.close_all();
    apps_.erase(found);
}

std::vector<std::string> BindBroker::addresses(const std::string& name) const
{
    const auto found = apps_.find(name);
    return found == apps_.end() ? std::vector<std::string>() : found->second.sockets.addresses();
}

BindBroker::App& BindBroker::app(const std::string& name)
{
    return apps_.try_emplace(name, name, depot_).first->second;
}

BindBroker::Filter* BindBroker::find(ProcessKey key)
{
    const auto found = filters_.find(key);
    return found == filters_.end() ? nullptr : &found->second;
}

void BindBroker::watch(Filter& filter)
{
    if (!filter.listener) return;
    auto source = loop_.add_io(filter.listener.get(), EPOLLIN, io::Priority::Normal,
                               [this, key = filter.key](std::uint32_t events) { on_events(key, events); });
    if (source) {
        filter.source = *std::move(source);
        return;
    }
    warn_(fmt::format("app '{}': {}; a process of it cannot bind", filter.app, source.error().message));
    filter.listener.reset(); // an answer that never came would be worse
    if (depot_ != nullptr) depot_->discard(depot_name(filter.key));
}

/// One at a time: a process that does nothing else takes turns with everything else of the loop.
void BindBroker::on_events(ProcessKey key, std::uint32_t events)
{
    Filter* filter = find(key);
    if (filter == nullptr) return;
    if ((events & EPOLLIN) == 0) { // no process is left that has the filter
        filter->source.reset();
        filter->listener.reset();
        return;
    }
    const int listener = filter->listener.get();
    const auto call = receive_notification(listener);
    if (!call) return;
    base::guard(
        [&] {
            on_question(*filter, {*call, AskingProcess(call->thread)});
        },
        [&](const std::string&) { let_go_on(listener, call->id); });
}

void BindBroker::on_question(Filter& filter, Question question)
{
    const int listener = filter.listener.get();
    if (!question.process || !is_waiting(listener, question.call.id)) return let_go_on(listener, question.call.id);
    if (question.call.listens) return on_listen(filter, std::move(question));
    on_bind(filter, std::move(question));
}

void BindBroker::on_bind(Filter& filter, Question question)
{
    const int listener = filter.listener.get();
    switch (judge(filter, question)) {
    case Verdict::GoOn: return let_go_on(listener, question.call.id);
    case Verdict::Answered: return;
    case Verdict::Wait: break;
    }
    look_later({.key = filter.key, .question = std::move(question), .socket = {}, .due = {}});
}

void BindBroker::on_listen(Filter& filter, Question question)
{
    base::Fd socket = take(filter, question);
    SharedSocket* shared = socket ? app(filter.app).sockets.find(socket_inode(socket.get())) : nullptr;
    if (shared != nullptr) {
        shared->add_holder({filter.key, question.process.pid(), question.call.fd});
        if (!shared->fd) shared->fd = base::Fd(::fcntl(socket.get(), F_DUPFD_CLOEXEC, 3));
    }
    let_go_on(filter.listener.get(), question.call.id);
    if (!socket || (filter.ready && (shared == nullptr || shared->listening))) return;
    if (!is_listening(socket.get()))
        return look_later({.key = filter.key, .question = std::move(question), .socket = std::move(socket), .due = {}});
    listens(filter, socket.get(), question.process);
    tell_ready(filter.key);
}

/// A copy of the socket that the call is about.
base::Fd BindBroker::take(Filter& filter, const Question& question)
{
    base::Fd socket = question.process.copy(question.call.fd);
    const int error = errno;
    if (!socket && (error == EPERM || error == EACCES || error == ENOSYS) && !std::exchange(app(filter.app).warned, true))
        warn_(fmt::format("app '{}': its instances cannot share what they bind: taking a socket of process {}: {} (it runs a "
                          "program with rights of its own, or Yama or a sandbox forbids looking at it)",
                          filter.app, question.process.pid(), std::strerror(error)));
    return socket;
}

/// Where the process asks to bind `socket`; nothing when that is no place to share.
std::optional<BoundPlace> BindBroker::place_wanted(const Filter& filter, const Question& question, int socket)
{
    SocketAddress wanted;
    if (question.call.size > sizeof wanted.bytes) return std::nullopt;
    wanted.size = static_cast<socklen_t>(question.call.size);
    if (!question.process.read(question.call.address, &wanted.bytes, question.call.size)) return std::nullopt;
    if (!is_waiting(filter.listener.get(), question.call.id)) return std::nullopt;
    return place_for(socket, wanted);
}

BindBroker::Verdict BindBroker::judge(Filter& filter, const Question& question)
{
    const base::Fd socket = take(filter, question);
    const auto place = socket ? place_wanted(filter, question, socket.get()) : std::nullopt;
    if (!place) return Verdict::GoOn;
    if (filter.each_its_own) {
        const int on = 1;
        if (place->is_ip()) ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
        return Verdict::GoOn;
    }
    App& app = this->app(filter.app);
    SharedSocket* shared = app.sockets.find(*place);
    if (shared != nullptr)
        if (const Verdict verdict = look_at_first(app, shared, question); verdict != Verdict::Answered) return verdict;
    if (shared != nullptr) return hand_over(filter, *shared, question, socket.get());
    app.sockets.close_in_the_way(*place);
    SharedSocket fresh;
    fresh.place = *place;
    fresh.inode = socket_inode(socket.get());
    fresh.first = question.process.duplicate();
    fresh.number = question.call.fd;
    app.sockets.add(std::move(fresh));
    return Verdict::GoOn;
}

/// Answered: there is a copy, or nothing to be had. `shared` is not listened on.
BindBroker::Verdict BindBroker::copy_first(SharedSocket& shared, const Question& question)
{
    if (shared.first.pid() == question.process.pid()) return Verdict::Answered; // it binds anew
    base::Fd socket = shared.first.copy(shared.number);
    if (socket_inode(socket.get()) != shared.inode) return Verdict::Answered; // closed, or its process is gone
    if (is_connected(socket.get())) return Verdict::GoOn;                     // a client that chose its port
    const auto place = place_of(socket.get());
    if (!place) return Verdict::Wait; // its bind has not happened yet, or was refused
    if (*place != shared.place) return Verdict::GoOn;
    if (const std::string path = place->path(); !path.empty()) shared.file = shared.first.find_socket(path);
    shared.fd = std::move(socket);
    return Verdict::Answered;
}

/// Answered: `shared` is what there is to hand over; null: nothing, who asks is the first.
BindBroker::Verdict BindBroker::look_at_first(App& app, SharedSocket*& shared, const Question& question)
{
    if (!shared->fd)
        if (const Verdict verdict = copy_first(*shared, question); verdict != Verdict::Answered) return verdict;
    if (shared->kept) shared->kept->put_back(); // a program may remove it right before it binds
    // Whoever put another file there has made our socket one that nobody can reach.
    const std::string path = shared->place.path();
    const auto file = path.empty() ? std::nullopt : question.process.find_socket(path);
    const bool lost = !path.empty() && (!file || (shared->file && file != shared->file));
    if (shared->fd && !lost) return Verdict::Answered;
    app.sockets.drop(*shared);
    shared = nullptr;
    return Verdict::Answered;
}

/// `own`: a copy of the socket that the process made, and that it loses.
BindBroker::Verdict BindBroker::hand_over(Filter& filter, SharedSocket& shared, const Question& question, int own)
{
    const int listener = filter.listener.get();
    const std::uint64_t id = question.call.id;
    if (socket_inode(own) != shared.inode) { // else a signal came between, and the call is made again
        if (shared.is_held_by(question.process) && socket_option(own, SOL_SOCKET, SO_REUSEPORT, 0) == 0) {
            answer(listener, id, EADDRINUSE);
            return Verdict::Answered;
        }
        const bool close_on_exec = question.process.closes_on_exec(question.call.fd);
        const int flags = ::fcntl(shared.fd.get(), F_GETFL);
        const int blocking = ::fcntl(own, F_GETFL) & O_NONBLOCK;
        if ((flags & O_NONBLOCK) != blocking) ::fcntl(shared.fd.get(), F_SETFL, (flags & ~O_NONBLOCK) | blocking);
        if (put_in_place(listener, id, shared.fd.get(), question.call.fd, close_on_exec) != 0) return Verdict::GoOn;
    }
    shared.add_holder({filter.key, question.process.pid(), question.call.fd});
    answer(listener, id, 0);
    return Verdict::Answered;
}

} // namespace pm::channel
