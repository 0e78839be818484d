// SPDX-License-Identifier: Apache-2.0
#include "model/serving.hpp"

#include "model/name_table.hpp"

namespace pm::model {
namespace {

constexpr NameTable<ClusterMode, 6> kClusterModes{{{{ClusterMode::None, "none"},
                                                    {ClusterMode::Shared, "shared"},
                                                    {ClusterMode::RoundRobin, "round-robin"},
                                                    {ClusterMode::ReusePort, "reuseport"},
                                                    {ClusterMode::Transparent, "transparent"},
                                                    {ClusterMode::ReusePortBpf, "reuseport-bpf"}}}};
constexpr NameTable<Balance, 2> kBalances{{{{Balance::Even, "even"}, {Balance::Shared, "shared"}}}};
constexpr NameTable<ReadyWhen, 5> kReadyWhens{{{{ReadyWhen::Notify, "notify"},
                                                {ReadyWhen::Ipc, "ipc"},
                                                {ReadyWhen::Listening, "listening"},
                                                {ReadyWhen::Probe, "probe"},
                                                {ReadyWhen::Started, "started"}}}};
constexpr NameTable<ReloadMode, 3> kReloadModes{
    {{{ReloadMode::Rolling, "rolling"}, {ReloadMode::Restart, "restart"}, {ReloadMode::Signal, "signal"}}}};

} // namespace

bool is_node_cluster(ClusterMode mode) noexcept
{
    return mode == ClusterMode::Shared || mode == ClusterMode::RoundRobin || mode == ClusterMode::ReusePort;
}

std::string_view to_string(ClusterMode mode) noexcept { return kClusterModes.name(mode); }
std::optional<ClusterMode> cluster_mode_from(std::string_view name) noexcept { return kClusterModes.value(name); }
std::string_view to_string(Balance balance) noexcept { return kBalances.name(balance); }
std::optional<Balance> balance_from(std::string_view name) noexcept { return kBalances.value(name); }
std::string_view to_string(ReadyWhen when) noexcept { return kReadyWhens.name(when); }
std::optional<ReadyWhen> ready_when_from(std::string_view name) noexcept { return kReadyWhens.value(name); }
std::string_view to_string(ReloadMode mode) noexcept { return kReloadModes.name(mode); }
std::optional<ReloadMode> reload_mode_from(std::string_view name) noexcept { return kReloadModes.value(name); }

} // namespace pm::model
