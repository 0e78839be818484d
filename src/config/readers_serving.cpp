// SPDX-License-Identifier: Apache-2.0
// How instances share a port, become ready, and are reloaded.
#include "config/app_keys.hpp"
#include "config/readers.hpp"
#include "config/values.hpp"
#include "model/program.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace pm::config::read {
namespace {

using model::ClusterMode;
using model::ReadyWhen;

constexpr std::array<std::string_view, 6> kClusters{"none", "shared", "round-robin", "reuseport", "transparent", "reuseport-bpf"};
constexpr std::array<std::string_view, 5> kReady{"notify", "ipc", "listening", "probe", "started"};
constexpr std::array<std::string_view, 4> kExecModes{"fork", "fork_mode", "cluster", "cluster_mode"};
constexpr std::array<std::string_view, 3> kReloadModes{"rolling", "restart", "signal"};
constexpr std::int64_t kMostAtOnce = 10'000;

/// PM2's exec_mode, where `cluster` does not say it.
void complete_exec_mode(Draft& draft)
{
    model::AppSpec& spec = draft.spec;
    if (!draft.exec_cluster || spec.serving.cluster || (*draft.exec_cluster && !spec.listen.empty())) return;
    if (!*draft.exec_cluster)
        spec.serving.cluster = ClusterMode::None;
    else
        spec.serving.cluster = model::clusters_as_node(spec.interpreter, spec.script) ? ClusterMode::Shared : ClusterMode::Transparent;
}

void check_cluster(const Draft& draft, const Field& app)
{
    const model::AppSpec& spec = draft.spec;
    if (!spec.serving.cluster || *spec.serving.cluster == ClusterMode::None) return;
    const Path place(app.path(), "cluster");
    const std::string_view name = model::to_string(*spec.serving.cluster);
    if (!spec.listen.empty())
        app.report().fault(draft.cluster_mark, place, fmt::format("'{}' does not go together with 'listen', whose sockets all instances share anyway", name));
    else if (model::is_node_cluster(*spec.serving.cluster) && !model::clusters_as_node(spec.interpreter, spec.script))
        app.report().fault(draft.cluster_mark, place, fmt::format("'{}' is for programs that node runs; 'transparent' is for any", name));
}

void check_balance(const Draft& draft, const Field& app)
{
    const model::AppSpec& spec = draft.spec;
    if (!draft.balance_mark) return;
    const bool shared = spec.serving.cluster ? *spec.serving.cluster == ClusterMode::Shared : spec.listen.empty() && model::clusters_as_node(spec.interpreter, spec.script);
    if (!shared) app.report().fault(*draft.balance_mark, Path(app.path(), "balance"), "is for 'cluster: shared', the default for Node programs with 'instances'");
}

void check_ready(const Draft& draft, const Field& app)
{
    const model::AppSpec& spec = draft.spec;
    const Path place(app.path(), "ready");
    if (spec.serving.ready == ReadyWhen::Listening && !spec.listen.empty())
        app.report().fault(draft.ready_mark, place, "'listening' tells nothing with 'listen': pmd itself listens, before the app starts; "
                                                    "use notify, ipc or started");
}

} // namespace

void exec_mode(Draft& draft, const Field& field)
{
    std::string mode;
    if (!field.word(mode, kExecModes)) return;
    draft.exec_cluster = mode.starts_with("cluster");
    if (draft.cluster_mark.line == 0) draft.cluster_mark = field.node().mark;
}

void cluster(Draft& draft, const Field& field)
{
    std::string word;
    draft.cluster_mark = field.node().mark;
    if (field.word(word, kClusters)) draft.spec.serving.cluster = model::cluster_mode_from(word);
}

void balance(Draft& draft, const Field& field)
{
    constexpr std::array<std::string_view, 2> kBalances{"even", "shared"};
    std::string word;
    if (!field.word(word, kBalances)) return;
    draft.balance_mark = field.node().mark;
    draft.spec.serving.balance = *model::balance_from(word);
}

void ready(Draft& draft, const Field& field)
{
    std::string word;
    draft.ready_mark = field.node().mark;
    if (field.word(word, kReady)) draft.spec.serving.ready = model::ready_when_from(word);
}

void wait_ready(Draft& draft, const Field& field)
{
    if (draft.ready_mark.line == 0) draft.ready_mark = field.node().mark;
    field.boolean(draft.wait_ready);
}

void positive_duration(model::Milliseconds& to, const Field& field)
{
    model::Milliseconds time = to;
    if (!field.duration(time)) return;
    if (time <= model::Milliseconds(0)) return field.fault("must be more than 0");
    to = time;
}

void drain(Draft& draft, const Field& field)
{
    model::Milliseconds& drain = draft.spec.serving.drain;
    if (field.is(Node::Kind::Scalar) && (field.node().text == "true" || field.node().text == "false")) {
        drain = field.node().text == "true" ? model::ServingSpec{}.drain : model::Milliseconds(0);
        return;
    }
    field.duration(drain);
}

void reload(Draft& draft, const Field& field) { reload_keys().read(draft, field); }

void reload_mode(Draft& draft, const Field& field)
{
    std::string word;
    if (field.word(word, kReloadModes)) draft.spec.serving.reload.mode = model::reload_mode_from(word);
}

void reload_count(std::uint32_t& to, const Field& field, std::int64_t least)
{
    std::int64_t number = to;
    if (field.integer(number, least, kMostAtOnce)) to = static_cast<std::uint32_t>(number);
}

void reload_signal(Draft& draft, const Field& field)
{
    Draft read_into(draft.options);
    kill_signal(read_into, field);
    if (read_into.kill_signal) draft.spec.serving.reload.signal = *read_into.kill_signal;
}

void complete_serving(Draft& draft, const Field& app)
{
    if (draft.wait_ready && !draft.spec.serving.ready) {
        draft.spec.serving.ready = ReadyWhen::Ipc;
        draft.spec.serving.wait_ready = true;
    }
    complete_exec_mode(draft);
    check_cluster(draft, app);
    check_balance(draft, app);
    check_ready(draft, app);
    complete_health(draft, app);
}

} // namespace pm::config::read
