// SPDX-License-Identifier: Apache-2.0
// How pmd finds out by itself whether a process serves: what it asks, and how often.
#pragma once

#include "base/error.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pm::model {

/// Where is asked. Names are not looked up: who asks must not wait for a name server.
struct HealthTarget {
    enum class Kind {
        Http, ///< GET is answered with 2xx or 3xx
        Tcp,  ///< a connection is taken
    };
    Kind kind = Kind::Http;
    std::string host;          ///< numeric, or "localhost": 127.0.0.1, or ::1 where nobody is there
    std::uint16_t port = 0;    ///< 1 or more; 0: port_variable tells it
    std::string path;          ///< Http: with its query, from '/' on; printable ASCII without spaces
    std::string port_variable; ///< the variable of the process that holds its port, for instances that have one each; else empty
    bool operator==(const HealthTarget&) const = default;
};

/// What is done with an instance whose checks fail.
enum class OnUnhealthy { Reload, Restart, None };
[[nodiscard]] std::string_view to_string(OnUnhealthy action) noexcept;
[[nodiscard]] std::optional<OnUnhealthy> on_unhealthy_from(std::string_view name) noexcept;

/// Key `health`: what tells that a process is ready (ReadyWhen::Probe), and later that it serves still.
struct HealthSpec {
    HealthTarget target;              ///< without meaning when there is a command
    std::vector<std::string> command; ///< that must end with exit code 0, run as a process of the app; empty: the target is asked
    std::chrono::milliseconds interval{10'000}; ///< pause between two checks of what is online; at least 100 ms. Before, a second at most
    std::chrono::milliseconds timeout{2'000};   ///< of one check; more than 0
    std::uint32_t retries = 3;                  ///< so many checks in a row fail before it is unhealthy; 0: what is online is not checked
    std::uint32_t success_threshold = 1;        ///< so many in a row must succeed before it is healthy again; at least 1
    std::chrono::milliseconds start_period{0};  ///< failures do not count for so long after it is online
    std::chrono::milliseconds jitter{0};        ///< each pause is longer by up to so much, at random
    OnUnhealthy on_unhealthy = OnUnhealthy::Reload;
    bool operator==(const HealthSpec&) const = default;
};

/// "http://127.0.0.1:8080/health", "http://[::1]:$PORT/". Error: InvalidArgument, what is expected or why it is not supported.
[[nodiscard]] base::Result<HealthTarget> http_target_from(std::string_view url);
/// "127.0.0.1:5432", "[::1]:5432", "localhost:$PORT". Error: InvalidArgument.
[[nodiscard]] base::Result<HealthTarget> tcp_target_from(std::string_view address);
/// As the two above read it; of a TCP target without "tcp://".
[[nodiscard]] std::string to_string(const HealthTarget& target);
/// "127.0.0.1:80", "[::1]:80": as a Host header and people have it.
[[nodiscard]] std::string host_and_port(const HealthTarget& target);

} // namespace pm::model
