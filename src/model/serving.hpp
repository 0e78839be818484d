// SPDX-License-Identifier: Apache-2.0
// How an app's instances share a port, how they tell that they are ready, and how new ones take over from old ones.
#pragma once

#include <chrono>
#include <csignal>
#include <cstdint>
#include <optional>
#include <string_view>

namespace pm::model {

/// How the instances of an app come to share what they listen on.
enum class ClusterMode {
    None,         ///< they do not, or by `listen`
    Shared,       ///< Node's cluster protocol; one socket for all workers, see Balance
    RoundRobin,   ///< the same with Balance::Even
    ReusePort,    ///< Node's cluster protocol; a socket for each slot, all of one SO_REUSEPORT group
    Transparent,  ///< any program; what it binds is exchanged for the socket the others have (seccomp user notification)
    ReusePortBpf, ///< any program; pmd sets SO_REUSEPORT on what it binds (a BPF program is not needed for it)
};

/// How the connections of a Node cluster come to its processes.
enum class Balance {
    Even,   ///< pmd accepts and hands them out in turn
    Shared, ///< each process accepts from the one socket, whoever is first
};

/// What tells that a process serves.
enum class ReadyWhen {
    Notify,    ///< READY=1 to NOTIFY_SOCKET, sd_notify(3)
    Ipc,       ///< the message "ready" on its channel, as PM2's wait_ready
    Listening, ///< it listens: Node cluster's message, or a listening socket in one of its processes
    Probe,     ///< a check of AppSpec::health succeeds
    Started,   ///< it has lived for min_uptime
};

enum class ReloadMode {
    Rolling, ///< the new process is ready before the old one is told to go
    Restart, ///< the old process ends before the new one starts, one instance after the other
    Signal,  ///< the program does it itself when it gets the signal
};

struct ReloadPolicy {
    std::optional<ReloadMode> mode;    ///< unset: Rolling where old and new can serve beside each other, else Restart
    std::uint32_t parallel = 1;        ///< instances that are replaced at once; at least 1
    std::uint32_t max_unavailable = 0; ///< Rolling: so many instances may end before their successors are ready
    int signal = SIGHUP;               ///< Signal
    bool operator==(const ReloadPolicy&) const = default;
};

/// What of an app tells how it takes part in serving, beside `listen`. Keys of the same names.
struct ServingSpec {
    std::optional<ClusterMode> cluster;              ///< unset: policy::cluster_of()
    Balance balance = Balance::Even;                 ///< of ClusterMode::Shared
    std::optional<ReadyWhen> ready;                  ///< unset: policy::readiness_of()
    bool wait_ready = false;                         ///< `ready` is Ipc by PM2's key: at a start the end of listen_timeout counts, too
    std::chrono::milliseconds listen_timeout{8'000}; ///< from the start of the program until it must be ready
    std::chrono::milliseconds watchdog{0};           ///< longest silence between two WATCHDOG=1; 0: none is asked for
    std::chrono::milliseconds drain{10'000};         ///< for a process that is replaced, until it gets its signal; 0: it gets it at once
    bool shutdown_with_message = false;              ///< a stop sends the message "shutdown" in place of the signal
    bool channel = false;                            ///< a message channel for a program that is not Node's ("stdin: ipc")
    ReloadPolicy reload;
    bool operator==(const ServingSpec&) const = default;
};

[[nodiscard]] std::string_view to_string(Balance balance) noexcept;
[[nodiscard]] std::optional<Balance> balance_from(std::string_view name) noexcept;
/// Node's cluster protocol is spoken with its processes.
[[nodiscard]] bool is_node_cluster(ClusterMode mode) noexcept;
[[nodiscard]] std::string_view to_string(ClusterMode mode) noexcept;
[[nodiscard]] std::optional<ClusterMode> cluster_mode_from(std::string_view name) noexcept;
[[nodiscard]] std::string_view to_string(ReadyWhen when) noexcept;
[[nodiscard]] std::optional<ReadyWhen> ready_when_from(std::string_view name) noexcept;
[[nodiscard]] std::string_view to_string(ReloadMode mode) noexcept;
[[nodiscard]] std::optional<ReloadMode> reload_mode_from(std::string_view name) noexcept;

} // namespace pm::model
