// SPDX-License-Identifier: Apache-2.0
#include "channel/notify_socket.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <bitset>
#include <fmt/format.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace pm::channel {
namespace {

using base::Result;
using engine::ProcessKey;

/// So many messages of one process are read in so long a time; one that sends faster waits for the next turn.
constexpr int kMostInTurn = 16;
constexpr std::chrono::milliseconds kTurn{20};

std::string name_of(ProcessKey key) { return fmt::format("{}.{}", key.id.value, key.generation.value); }
/// FDNAME= takes no ':'.
std::string depot_name(ProcessKey key) { return "notify-" + name_of(key); }

bool wanted(const model::AppSpec& spec)
{
    return spec.serving.ready == model::ReadyWhen::Notify || spec.serving.watchdog.count() > 0;
}

/// A user that systemd makes up at the start is known to the kernel alone: senders are told by what they are part of.
bool has_unknown_user(const model::AppSpec& spec)
{
    return std::ranges::any_of(spec.sandbox, [](const model::SandboxSetting& setting) {
        const bool* set = setting.properties.empty() ? nullptr : std::get_if<bool>(&setting.properties.front().value);
        return setting.name == "DynamicUser" && set != nullptr && *set;
    });
}

bool is_there(pid_t pid) { return ::access(fmt::format("/proc/{}", pid).c_str(), F_OK) == 0; }

} // namespace

struct NotifySockets::Process {
    std::string title; ///< for people
    model::SharedIdentity identity; ///< null: pmd's own
    bool any_user = false;
    uid_t user = 0;
    bool waits_for_ready = false; ///< signs of life are owed from READY=1 on, not from the start on
    base::Fd socket;
    Watchdog watchdog;
    io::Source readable{};
    model::TimePoint turn_began{};
    int read_in_turn = 0;
    io::Source next_turn{};
    pid_t pid = 0;
    pid_t last_sender = 0; ///< that was found to be of it
    bool ready = false;
    bool stopping = false;
    bool busy = false;       ///< its next message is being taken elsewhere
    bool look_later = false; ///< at the watchdog, when that is done
    std::string status{};
    std::bitset<4> complained{}; ///< by Fault

    [[nodiscard]] bool has_turn() noexcept
    {
        const auto now = std::chrono::steady_clock::now();
        if (now >= turn_began + kTurn) {
            turn_began = now;
            read_in_turn = 0;
        }
        return read_in_turn < kMostInTurn;
    }
};

NotifySockets::NotifySockets(io::EventLoop& loop, std::string directory, Owns owns, std::function<void(const std::string&)> warn)
    : loop_(loop), directory_(std::move(directory)), owns_(std::move(owns)), warn_(std::move(warn)), disposal_(loop),
      removed_(loop, io::Priority::Normal, [this](int, const std::string& name) { on_removed(name); })
{
}

NotifySockets::~NotifySockets() { directory_.remove_empty(); }

NotifySockets::Process* NotifySockets::find(ProcessKey key)
{
    const auto found = processes_.find(key);
    return found == processes_.end() ? nullptr : found->second.get();
}

Result<base::Fd> NotifySockets::make(ProcessKey key, const model::SharedIdentity& user, bool any_user)
{
    auto socket = directory_.make(name_of(key), user, any_user);
    if (!socket) return socket;
    if (depot_ != nullptr) depot_->store(depot_name(key), socket->get());
    // Without it, what is removed is not put back.
    (void)removed_.add(directory_.path());
    return socket;
}

/// Its own, of a process that has ended, are none of these any more.
void NotifySockets::on_removed(const std::string& name)
{
    if (name.empty()) return put_back();
    const auto parts = base::split(name, '.');
    const auto id = base::parse_number<std::uint32_t>(parts.front());
    const auto generation = base::parse_number<std::uint64_t>(parts.back());
    if (!id || !generation) return;
    const ProcessKey key{base::InstanceId{*id}, base::Generation{*generation}};
    if (Process* process = find(key)) put_back(key, *process);
}

void NotifySockets::put_back()
{
    std::vector<ProcessKey> keys;
    for (const auto& [key, process] : processes_) keys.push_back(key);
    for (const ProcessKey key : keys)
        if (Process* process = find(key)) put_back(key, *process); // what one had said may end another
}

void NotifySockets::put_back(ProcessKey key, Process& process)
{
    if (directory_.leads_to(name_of(key), process.socket.get())) return;
    auto socket = make(key, process.identity, process.any_user);
    if (!socket) return complain(process, Fault::Removed, "somebody removed its notify socket: " + socket.error().message + "; what it says is not heard");
    read(key); // what was said before; this may end the process
    Process* there = find(key);
    if (there == nullptr) return directory_.remove(name_of(key));
    if (there->ready) directory_.mark_ready(name_of(key));
    const bool listened = static_cast<bool>(there->readable);
    there->readable.reset();
    disposal_.close(std::exchange(there->socket, *std::move(socket)));
    if (listened) listen(key, *there);
    if (there->busy) there->readable.set_io_events(0);
}

NotifySockets::Process& NotifySockets::add(const engine::LaunchRequest& request, const model::SharedIdentity& user, base::Fd socket)
{
    const ProcessKey key = request.key;
    const model::ServingSpec& serving = request.spec->serving;
    auto process = std::make_unique<Process>(Process{
        .title = fmt::format("{}, instance {}", request.spec->name, request.slot.value),
        .identity = user,
        .any_user = has_unknown_user(*request.spec),
        .user = user ? user->uid : ::geteuid(),
        .waits_for_ready = serving.ready == model::ReadyWhen::Notify,
        .socket = std::move(socket),
        .watchdog = Watchdog(loop_, serving.watchdog, [this, key] { look_at_watchdog(key); })});
    return *(processes_[key] = std::move(process));
}

Result<engine::ChannelEnds> NotifySockets::connect(const engine::LaunchRequest& request, const model::SharedIdentity& user)
{
    engine::ChannelEnds ends;
    if (!wanted(*request.spec)) return ends;
    auto socket = make(request.key, user, has_unknown_user(*request.spec));
    if (!socket) return tl::unexpected(socket.error());
    add(request, user, *std::move(socket));
    ends.environment["NOTIFY_SOCKET"] = directory_.path_of(name_of(request.key));
    const model::Duration watchdog = request.spec->serving.watchdog;
    if (watchdog.count() > 0) ends.environment["WATCHDOG_USEC"] = std::to_string(watchdog.count()); // of whatever pid it has
    return ends;
}

void NotifySockets::reconnect(const engine::LaunchRequest& request, const model::SharedIdentity& user)
{
    if (!wanted(*request.spec)) return;
    const std::string name = name_of(request.key);
    const bool was_ready = directory_.is_marked_ready(name);
    base::Fd socket = depot_ != nullptr ? depot_->recover(depot_name(request.key)) : base::Fd();
    if (socket && !directory_.leads_to(name, socket.get())) disposal_.close(std::move(socket));
    if (!socket) {
        auto made = make(request.key, user, has_unknown_user(*request.spec));
        if (!made) return warn_(fmt::format("{}: {}; what it says is not heard until its next start", request.spec->name, made.error().message));
        socket = *std::move(made);
        if (was_ready) directory_.mark_ready(name);
    }
    add(request, user, std::move(socket)).ready = was_ready;
}

void NotifySockets::sweep()
{
    directory_.sweep([this](const std::string& name) {
        return std::ranges::any_of(processes_, [&](const auto& entry) { return name_of(entry.first) == name; });
    });
}

void NotifySockets::runs(ProcessKey key, pid_t pid)
{
    Process* process = find(key);
    if (process == nullptr) return;
    process->pid = pid;
    if (!process->waits_for_ready || process->ready) process->watchdog.start();
    listen(key, *process);
}

void NotifySockets::listen(ProcessKey key, Process& process)
{
    auto readable = loop_.add_io(process.socket.get(), EPOLLIN, io::Priority::Output, [this, key](std::uint32_t) { read(key); });
    if (readable)
        process.readable = *std::move(readable);
    else
        warn_(fmt::format("{}: {}; what it says is not heard", process.title, readable.error().message));
}

void NotifySockets::ended(ProcessKey key)
{
    const auto node = processes_.extract(key);
    if (!node) return;
    Process& process = *node.mapped();
    process.readable.reset();
    directory_.remove(name_of(key));
    if (depot_ != nullptr) depot_->discard(depot_name(key));
    ::shutdown(process.socket.get(), SHUT_RD); // nothing comes any more
    NotifyDatagram left;
    if (left.peek(process.socket.get()) && left.is_message) disposal_.close(std::move(process.socket));
}

void NotifySockets::read(ProcessKey key)
{
    NotifyDatagram datagram;
    for (;;) {
        Process* process = find(key); // what was told may have ended it
        if (process == nullptr || process->busy) return;
        if (!process->has_turn()) return rest(key, *process);
        if (!datagram.peek(process->socket.get())) return;
        ++process->read_in_turn;
        if (datagram.descriptors) return take_with_descriptors(key, *process, datagram);
        (void)::recv(process->socket.get(), nullptr, 0, MSG_DONTWAIT);
        hear(key, datagram);
    }
}

/// That they are closed is what the sender of BARRIER=1 waits for: it is so when all before it was heard.
void NotifySockets::take_with_descriptors(ProcessKey key, Process& process, const NotifyDatagram& datagram)
{
    const auto kept = std::make_shared<NotifyDatagram>(datagram);
    const bool begun = disposal_.drop_message(process.socket.get(), [this, key, kept] {
        Process* there = find(key);
        if (there == nullptr) return;
        there->busy = false;
        there->readable.set_io_events(EPOLLIN);
        const bool look = std::exchange(there->look_later, false);
        hear(key, *kept);
        if (look) look_at_watchdog(key);
    });
    if (!begun) return rest(key, process);
    process.busy = true;
    process.readable.set_io_events(0);
}

/// It sends faster than it should be read, or not all could be done: nothing more is read for a while.
void NotifySockets::rest(ProcessKey key, Process& process)
{
    process.readable.set_io_events(0);
    const auto when = std::chrono::steady_clock::now() + kTurn;
    if (process.next_turn) return process.next_turn.set_time(when);
    auto turn = loop_.add_timer(when, io::Priority::Output, [this, key] {
        Process* there = find(key);
        if (there != nullptr && !there->busy) there->readable.set_io_events(EPOLLIN);
    });
    if (turn)
        process.next_turn = *std::move(turn);
    else
        process.readable.set_io_events(EPOLLIN);
}

void NotifySockets::hear(ProcessKey key, const NotifyDatagram& datagram)
{
    Process* process = find(key);
    if (process == nullptr) return;
    if (!may_speak(key, *process, datagram.sender))
        return complain(*process, Fault::Stranger, fmt::format("process {} of user {} wrote to its notify socket and is not of it: ignored",
                                                               datagram.sender.pid, datagram.sender.uid));
    const auto message = datagram.whole ? parse_notify(datagram.text()) : std::nullopt;
    if (!message) return complain(*process, Fault::Malformed, "sent what is no notification, sd_notify(3): ignored");
    if (message->store) complain(*process, Fault::Store, "sent FDSTORE=1: pmd keeps no descriptors for apps, they are closed");
    obey(key, *process, *message);
}

bool NotifySockets::may_speak(ProcessKey key, Process& process, const ucred& sender) const
{
    const bool known_user = sender.uid == process.user || sender.uid == 0 || sender.uid == ::geteuid();
    if (sender.pid <= 0 || (!known_user && !process.any_user)) return false;
    if (sender.pid == process.pid || sender.pid == process.last_sender) return true;
    if (owns_(key, sender.pid)) {
        process.last_sender = sender.pid;
        return true;
    }
    // One that is gone, as systemd-notify is by now, cannot be asked: the file let it in.
    return !process.any_user && !is_there(sender.pid);
}

/// Telling is the last thing that is done: it may end the process.
void NotifySockets::obey(ProcessKey key, Process& process, const NotifyMessage& message)
{
    if (message.watchdog) process.watchdog.set_interval(*message.watchdog);
    if (message.alive) process.watchdog.feed();
    if (message.reloading) process.ready = false;
    const bool ready = message.ready && !std::exchange(process.ready, true);
    if (ready) directory_.mark_ready(name_of(key));
    if (ready) process.watchdog.start();
    const bool stopping = message.stopping && !std::exchange(process.stopping, true);
    if (stopping) process.watchdog.stop();
    const bool status = message.status && *message.status != process.status;
    if (status) process.status = *message.status;
    if (events_ == nullptr) return;
    if (status) events_->on_status(key, *message.status);
    if (message.more_time) events_->on_more_time(key, *message.more_time);
    if (stopping) events_->on_stopping(key);
    if (ready) events_->on_ready(key, model::ReadyWhen::Notify);
    if (message.trigger) events_->on_watchdog(key, "it said WATCHDOG=trigger");
}

void NotifySockets::complain(Process& process, Fault fault, const std::string& text)
{
    const auto bit = static_cast<std::size_t>(fault);
    if (process.complained.test(bit)) return;
    process.complained.set(bit);
    warn_(process.title + ": " + text);
}

/// A sign may be waiting to be read, as after a time in which pmd was stopped.
void NotifySockets::look_at_watchdog(ProcessKey key)
{
    read(key);
    Process* process = find(key);
    if (process == nullptr) return;
    if (process->busy) {
        process->look_later = true;
        return;
    }
    if (!process->watchdog.overdue() || events_ == nullptr) return;
    events_->on_watchdog(key, fmt::format("no WATCHDOG=1 for {}", base::format_duration(process->watchdog.interval())));
}

} // namespace pm::channel
