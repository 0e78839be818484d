// SPDX-License-Identifier: Apache-2.0
#include "policy/serving.hpp"

#include "base/text.hpp"
#include "model/program.hpp"

namespace pm::policy {

using model::ClusterMode;
using model::ReadyWhen;

ClusterMode cluster_of(const model::AppSpec& spec)
{
    if (spec.serving.cluster) return *spec.serving.cluster;
    if (!spec.listen.empty()) return ClusterMode::None;
    if (model::clusters_as_node(spec.interpreter, spec.script)) return spec.instances_given ? ClusterMode::Shared : ClusterMode::None;
    if (model::runs_on_bun(spec.interpreter, spec.script) && spec.instances_given) return ClusterMode::Transparent;
    const bool one = spec.instances.kind == model::InstanceCount::Kind::Exact && spec.instances.number < 2;
    return one || !spec.increment_var.empty() ? ClusterMode::None : ClusterMode::Transparent;
}

ClusterMode sharing_of(const model::AppSpec& spec)
{
    const ClusterMode mode = cluster_of(spec);
    return mode == ClusterMode::Shared && spec.serving.balance == model::Balance::Even ? ClusterMode::RoundRobin : mode;
}

bool has_channel(const model::AppSpec& spec)
{
    return model::runs_on_node(spec.interpreter, spec.script) || spec.serving.channel || spec.serving.shutdown_with_message ||
           spec.serving.ready == ReadyWhen::Ipc;
}

Readiness readiness_of(const model::AppSpec& spec, bool takes_over, bool listens)
{
    const auto& ready = spec.serving.ready;
    if (ready == ReadyWhen::Started) return {.within = spec.restart.min_uptime};
    // PM2 takes the end of the time for readiness; in a reload that would let broken code take over.
    if (ready && spec.serving.wait_ready && !takes_over) return {.by = *ready, .should_tell = true, .within = spec.serving.listen_timeout};
    if (ready) return {.by = *ready, .must_tell = true, .within = spec.serving.listen_timeout};
    const ClusterMode cluster = cluster_of(spec);
    if (cluster != ClusterMode::None && listens) return {.by = ReadyWhen::Listening, .must_tell = true, .within = spec.serving.listen_timeout};
    // Nobody knows yet whether it will listen: Node's workers mostly do, of others as many work off queues.
    if (model::is_node_cluster(cluster) || (cluster != ClusterMode::None && takes_over)) 
        return {.by = ReadyWhen::Listening, .within = spec.restart.min_uptime};
    return {.within = takes_over ? spec.restart.min_uptime : model::Milliseconds(0)};
}

std::string not_told(ReadyWhen by)
{
    switch (by) {
    case ReadyWhen::Notify: return "READY=1 did not come (sd_notify(3))";
    case ReadyWhen::Ipc: return "the message 'ready' did not come (process.send('ready'))";
    case ReadyWhen::Listening: return "it does not listen";
    case ReadyWhen::Probe: return "no check has succeeded";
    case ReadyWhen::Started: break;
    }
    return "it has not lived long enough";
}

base::Result<model::HealthTarget> health_target(const model::AppSpec& spec, const Identity& identity)
{
    model::HealthTarget target = spec.health.value_or(model::HealthSpec()).target;
    if (target.port_variable.empty()) return target;
    const Environment variables = environment(spec, identity, {});
    const auto variable = variables.find(target.port_variable);
    const auto port = variable == variables.end() ? std::nullopt : base::parse_number<std::uint16_t>(variable->second);
    if (port.value_or(0) == 0)
        return base::fail(base::ErrorCode::InvalidArgument, "asking " + model::to_string(target) + ": the variable '" + target.port_variable + "' is no port");
    target.port = *port;
    target.port_variable.clear();
    return target;
}

model::ReloadMode reload_mode_of(const model::AppSpec& spec)
{
    if (spec.serving.reload.mode) return *spec.serving.reload.mode;
    const bool shares = !spec.listen.empty() || cluster_of(spec) != ClusterMode::None;
    return shares ? model::ReloadMode::Rolling : model::ReloadMode::Restart;
}

std::string reload_hint_of(const model::AppSpec& spec, bool migrates)
{
    const model::ReloadMode mode = reload_mode_of(spec);
    if (mode == model::ReloadMode::Restart && !spec.serving.reload.mode)
        return "a reload restarts it, as its processes share no socket: with 'listen', or several 'instances', the new process serves before "
               "the old one goes ('reload: {mode: restart}' says that this is meant)";
    if (mode == model::ReloadMode::Rolling && spec.listen.empty() && cluster_of(spec) == ClusterMode::ReusePortBpf && !migrates)
        return "a reload loses the connections that wait for a process that goes, as each has a queue of its own: 'sysctl "
               "net.ipv4.tcp_migrate_req=1' has the kernel pass them on, 'cluster: transparent' shares one queue";
    return {};
}

} // namespace pm::policy
