// SPDX-License-Identifier: Apache-2.0
// What follows from an app's spec for serving: how its instances share a port, what makes them ready, how they are reloaded.
#pragma once

#include "model/app_spec.hpp"
#include "policy/environment.hpp"

#include <optional>
#include <string>

namespace pm::policy {

/// The spec's `cluster`, or what it is by default: Shared for a Node program whose `instances` are given, Transparent for one of bun's and several
/// instances of anything else, None with `listen` or increment_var.
[[nodiscard]] model::ClusterMode cluster_of(const model::AppSpec& spec);
/// What the workers of a Node cluster are told to do: as cluster_of(), but RoundRobin where Shared is balanced evenly.
[[nodiscard]] model::ClusterMode sharing_of(const model::AppSpec& spec);
/// Its processes get a message channel.
[[nodiscard]] bool has_channel(const model::AppSpec& spec);

/// What a process that runs has to do to be ready.
struct Readiness {
    std::optional<model::ReadyWhen> by; ///< what tells it; nothing: only time does
    bool must_tell = false;             ///< it failed when it has not told within `within`; else it is ready then
    bool should_tell = false;           ///< it is ready then, but that is told
    model::Milliseconds within{0};
    bool operator==(const Readiness&) const = default;
};

/// `takes_over`: of a successor in a reload. `listens`: a process of the app has been seen to listen.
[[nodiscard]] Readiness readiness_of(const model::AppSpec& spec, bool takes_over, bool listens);

/// What was waited for and did not come, a clause: "its message 'ready' did not come (process.send('ready'))".
[[nodiscard]] std::string not_told(model::ReadyWhen by);

/// Where the process is asked: the target of spec.health with the port that its variable holds in this process. Error: there is none.
[[nodiscard]] base::Result<model::HealthTarget> health_target(const model::AppSpec& spec, const Identity& identity);

/// The mode of the spec, or Rolling where old and new share what they listen on, else Restart.
[[nodiscard]] model::ReloadMode reload_mode_of(const model::AppSpec& spec);

/// What a reload of the app loses though nobody asked for that, a sentence with what to do about it; empty: nothing. `migrates`: the
/// kernel gives the connections that wait in a closed SO_REUSEPORT socket to the others of its group (net.ipv4.tcp_migrate_req, ip-sysctl).
[[nodiscard]] std::string reload_hint_of(const model::AppSpec& spec, bool migrates);

} // namespace pm::policy
