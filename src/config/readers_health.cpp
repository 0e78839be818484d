// SPDX-License-Identifier: Apache-2.0
// The check that makes an app ready: what is asked, and what it can tell of an app like this.
#include "config/app_file.hpp"
#include "config/app_keys.hpp"
#include "config/readers.hpp"
#include "config/values.hpp"
#include "model/program.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <optional>

namespace pm::config::read {
namespace {

using model::ReadyWhen;

constexpr model::Milliseconds kLeastInterval{100};
constexpr std::int64_t kMostRetries = 1000;
constexpr std::array<std::string_view, 3> kActions{"reload", "restart", "none"};

void once(Draft& draft, const Field& field)
{
    if (++draft.health.checks > 1) field.key_fault("there is one check: http, tcp or exec");
}

/// The port that an instance of slot 0 is asked at; nothing: its variable does not tell one. 0: it is not for us to see.
std::optional<std::uint16_t> first_port(const model::AppSpec& spec)
{
    const model::HealthTarget& target = spec.health->target;
    if (target.port_variable.empty()) return target.port;
    const auto variable = spec.env.find(target.port_variable);
    if (variable == spec.env.end()) return std::nullopt;
    if (variable->second == kMask) return std::uint16_t{0};
    const auto port = integer_from(variable->second);
    return port && *port > 0 && *port <= UINT16_MAX ? std::optional(static_cast<std::uint16_t>(*port)) : std::nullopt;
}

bool held(const model::AppSpec& spec, std::uint16_t port)
{
    return std::ranges::any_of(spec.listen, [&](const model::ListenAddress& address) {
        return address.type == model::SocketType::Stream && address.port == port;
    });
}

bool shares_a_port(const model::AppSpec& spec)
{
    if (spec.serving.cluster.value_or(model::ClusterMode::None) != model::ClusterMode::None || !spec.listen.empty()) return true;
    const bool one = spec.instances.kind == model::InstanceCount::Kind::Exact && spec.instances.number < 2;
    return !one || (!spec.serving.cluster && spec.instances_given && model::runs_on_node(spec.interpreter, spec.script));
}

void check_target(const Draft& draft, const Field& app)
{
    const model::AppSpec& spec = draft.spec;
    const model::HealthTarget& target = spec.health->target;
    const bool tcp = target.kind == model::HealthTarget::Kind::Tcp;
    const Path health(app.path(), "health");
    const Path place(health, tcp ? "tcp" : "http");
    const auto port = first_port(spec);
    if (!port)
        app.report().fault(draft.health.mark, place,
                           fmt::format("'{0}' is no port: give it in 'env', or 'port' for PORT (env_file is not seen here)", target.port_variable));
    else if (tcp && held(spec, *port))
        app.report().fault(draft.health.mark, place,
                           fmt::format("tells nothing of port {}: pmd itself listens there ('listen'); ask by http or exec, or use 'ready: notify'", *port));
    else if (target.port_variable.empty() && shares_a_port(spec))
        app.report().warning(draft.health.mark, place,
                             "at a port that processes share any of them may answer, in a reload the old one too: 'ready: listening', 'notify' "
                             "or a check by exec tells of each");
}

void check_pairing(const Draft& draft, const Field& app)
{
    const model::AppSpec& spec = draft.spec;
    const Path ready(app.path(), "ready");
    const bool probe = spec.serving.ready == ReadyWhen::Probe;
    if (probe && !draft.health.given)
        app.report().fault(draft.ready_mark, ready, "'probe' needs 'health', which says what is asked: health: {http: \"http://127.0.0.1:8000/\"}");
    if (!probe && draft.health.given && spec.health->retries == 0)
        app.report().warning(draft.health.key_mark, Path(app.path(), "health"),
                             fmt::format("checks nothing: 'retries' is 0, and 'ready' is '{}'", model::to_string(*spec.serving.ready)));
}

} // namespace

void health(Draft& draft, const Field& field)
{
    if (field.asks_for_nothing()) return;
    draft.health.given = true;
    draft.health.key_mark = field.key_mark();
    draft.spec.health.emplace();
    const std::size_t faults = field.report().faults();
    health_keys().read(draft, field);
    if (field.report().faults() == faults && draft.health.checks == 0) field.fault("what is asked is missing: http, tcp or exec");
}

void health_http(Draft& draft, const Field& field)
{
    once(draft, field);
    std::string url;
    if (!field.text(url)) return;
    auto target = model::http_target_from(url);
    if (!target) return field.fault(target.error().message);
    draft.health.mark = field.node().mark;
    draft.spec.health->target = *std::move(target);
}

void health_tcp(Draft& draft, const Field& field)
{
    once(draft, field);
    std::string address;
    if (!field.text(address)) return;
    auto target = model::tcp_target_from(address);
    if (!target) return field.fault(target.error().message);
    draft.health.mark = field.node().mark;
    draft.spec.health->target = *std::move(target);
}

void health_exec(Draft& draft, const Field& field)
{
    once(draft, field);
    std::vector<std::string> command;
    if (!field.words(command)) return;
    if (command.empty() || command.front().empty()) return field.fault("the command is empty");
    draft.spec.health->command = std::move(command);
}

void health_interval(Draft& draft, const Field& field)
{
    model::Milliseconds interval{};
    if (!field.duration(interval)) return;
    if (interval < kLeastInterval) return field.fault("must be at least 100ms");
    draft.spec.health->interval = interval;
}

void health_count(std::uint32_t& to, const Field& field, std::int64_t least)
{
    std::int64_t number = to;
    if (field.integer(number, least, kMostRetries)) to = static_cast<std::uint32_t>(number);
}

void health_action(Draft& draft, const Field& field)
{
    std::string word;
    if (!field.word(word, kActions)) return;
    if (const auto action = model::on_unhealthy_from(word)) draft.spec.health->on_unhealthy = *action;
}

void complete_health(Draft& draft, const Field& app)
{
    model::AppSpec& spec = draft.spec;
    if (draft.health.given && !spec.serving.ready) spec.serving.ready = ReadyWhen::Probe;
    check_pairing(draft, app);
    if (draft.health.mark.line != 0) check_target(draft, app);
}

} // namespace pm::config::read
