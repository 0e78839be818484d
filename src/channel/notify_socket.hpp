// SPDX-License-Identifier: Apache-2.0
// The notify socket of sd_notify(3): READY=1, STATUS=, STOPPING=1, EXTEND_TIMEOUT_USEC=, WATCHDOG=1 and BARRIER=1.
//
// Each process whose app waits for READY=1, or owes signs of life, has a socket of its own; the others cost nothing. Nothing
// is read before the program runs: until then nobody knows who may speak for it. A process that sends faster than it is read
// waits when it sends; nobody else does.
#pragma once

#include "channel/notify_datagram.hpp"
#include "channel/notify_file.hpp"
#include "channel/notify_message.hpp"
#include "channel/socket_depot.hpp"
#include "channel/watchdog.hpp"
#include "engine/ports.hpp"
#include "io/directory_watch.hpp"
#include "io/fd_disposal.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>

namespace pm::channel {

class NotifySockets final : public engine::Channels {
public:
    /// True when `pid` is a process of `key`'s, as its launcher knows.
    using Owns = std::function<bool(engine::ProcessKey key, pid_t pid)>;

    /// `directory`: where the sockets are, pmd's alone; made when there is a first one. `warn` gets sentences for the log.
    NotifySockets(io::EventLoop& loop, std::string directory, Owns owns, std::function<void(const std::string&)> warn);
    ~NotifySockets() override;

    /// Who hears what processes say; it must outlive this. Before the first connect().
    void set_events(engine::ChannelEvents& events) noexcept { events_ = &events; }
    /// Where sockets are kept from now on; it must outlive this. Without, they end with pmd.
    void set_depot(SocketDepot& depot) noexcept { depot_ = &depot; }
    /// Removes files of processes that nobody went on with: once, after all reconnect()s.
    void sweep();
    /// Makes sockets anew whose files somebody removed; what their processes say meanwhile does not come.
    void put_back();

    base::Result<engine::ChannelEnds> connect(const engine::LaunchRequest& request, const model::SharedIdentity& user) override;
    void reconnect(const engine::LaunchRequest& request, const model::SharedIdentity& user) override;
    void runs(engine::ProcessKey key, pid_t pid) override;
    void ended(engine::ProcessKey key) override;

private:
    struct Process;
    enum class Fault { Stranger, Store, Malformed, Removed };

    [[nodiscard]] Process* find(engine::ProcessKey key);
    Process& add(const engine::LaunchRequest& request, const model::SharedIdentity& user, base::Fd socket);
    [[nodiscard]] base::Result<base::Fd> make(engine::ProcessKey key, const model::SharedIdentity& user, bool any_user);
    void listen(engine::ProcessKey key, Process& process);
    void put_back(engine::ProcessKey key, Process& process);
    void on_removed(const std::string& name);
    void read(engine::ProcessKey key);
    void take_with_descriptors(engine::ProcessKey key, Process& process, const NotifyDatagram& datagram);
    void rest(engine::ProcessKey key, Process& process);
    void hear(engine::ProcessKey key, const NotifyDatagram& datagram);
    void obey(engine::ProcessKey key, Process& process, const NotifyMessage& message);
    [[nodiscard]] bool may_speak(engine::ProcessKey key, Process& process, const ucred& sender) const;
    void complain(Process& process, Fault fault, const std::string& text);
    void look_at_watchdog(engine::ProcessKey key);

    io::EventLoop& loop_;
    NotifyDirectory directory_;
    Owns owns_;
    std::function<void(const std::string&)> warn_;
    engine::ChannelEvents* events_ = nullptr;
    SocketDepot* depot_ = nullptr;
    std::map<engine::ProcessKey, std::unique_ptr<Process>> processes_;
    io::FdDisposal disposal_;
    io::DirectoryWatch removed_;
};

} // namespace pm::channel
