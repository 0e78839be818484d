// SPDX-License-Identifier: Apache-2.0
#include "policy/changes.hpp"

#include <array>

namespace pm::policy {
namespace {

using model::AppSpec;

struct Key {
    std::string_view name;
    bool (*same)(const AppSpec&, const AppSpec&);
};

template <auto Member>
constexpr bool same(const AppSpec& left, const AppSpec& right)
{
    return left.*Member == right.*Member;
}
template <auto Group, auto Member>
constexpr bool same_in(const AppSpec& left, const AppSpec& right)
{
    return (left.*Group).*Member == (right.*Group).*Member;
}
using model::LogSpec;
using model::UpkeepSpec;
using model::RestartPolicy;
using model::ServingSpec;
template <auto Member>
constexpr auto kServing = &same_in<&AppSpec::serving, Member>;
template <auto Member>
constexpr auto kRestart = &same_in<&AppSpec::restart, Member>;
template <auto Member>
constexpr auto kLogs = &same_in<&AppSpec::logs, Member>;

constexpr std::array kKeys{
    Key{"name", same<&AppSpec::name>},
    Key{"namespace", same<&AppSpec::name_space>},
    Key{"script", same<&AppSpec::script>},
    Key{"args", same<&AppSpec::args>},
    Key{"interpreter", same<&AppSpec::interpreter>},
    Key{"interpreter_args", same<&AppSpec::interpreter_args>},
    Key{"cwd", same<&AppSpec::cwd>},
    Key{"instance_var", same<&AppSpec::instance_var>},
    Key{"increment_var", same<&AppSpec::increment_var>},
    Key{"env", same<&AppSpec::env>},
    Key{"env_file", same<&AppSpec::env_files>},
    Key{"env_from_caller", same<&AppSpec::env_from_caller>},
    Key{"listen", same<&AppSpec::listen>},
    Key{"cluster", kServing<&ServingSpec::cluster>},
    Key{"balance", kServing<&ServingSpec::balance>},
    Key{"ready", kServing<&ServingSpec::ready>},
    Key{"health", same<&AppSpec::health>},
    Key{"listen_timeout", kServing<&ServingSpec::listen_timeout>},
    Key{"watchdog", kServing<&ServingSpec::watchdog>},
    Key{"drain", kServing<&ServingSpec::drain>},
    Key{"channel", kServing<&ServingSpec::channel>},
    Key{"shutdown_with_message", kServing<&ServingSpec::shutdown_with_message>},
    Key{"reload", kServing<&ServingSpec::reload>},
    Key{"user", same<&AppSpec::user>},
    Key{"group", same<&AppSpec::group>},
    Key{"umask", same<&AppSpec::umask>},
    Key{"nice", same<&AppSpec::nice>},
    Key{"oom_score_adj", same<&AppSpec::oom_score_adj>},
    Key{"rlimits", same<&AppSpec::rlimits>},
    Key{"limits", same<&AppSpec::limits>},
    Key{"sandbox", same<&AppSpec::sandbox>},
    Key{"depends_on", same<&AppSpec::depends_on>},
    Key{"autostart", same<&AppSpec::autostart>},
    Key{"autorestart", kRestart<&RestartPolicy::autorestart>},
    Key{"max_restarts", kRestart<&RestartPolicy::max_restarts>},
    Key{"min_uptime", kRestart<&RestartPolicy::min_uptime>},
    Key{"restart_delay", kRestart<&RestartPolicy::restart_delay>},
    Key{"exp_backoff_restart_delay", kRestart<&RestartPolicy::exp_backoff_restart_delay>},
    Key{"stop_exit_codes", kRestart<&RestartPolicy::stop_exit_codes>},
    Key{"max_memory_restart", same_in<&AppSpec::upkeep, &UpkeepSpec::max_memory>},
    Key{"cron_restart", same_in<&AppSpec::upkeep, &UpkeepSpec::cron>},
    Key{"watch", same_in<&AppSpec::upkeep, &UpkeepSpec::watch>},
    Key{"kill_signal", same<&AppSpec::kill_signal>},
    Key{"kill_timeout", same<&AppSpec::kill_timeout>},
    Key{"kill_mode", same<&AppSpec::kill_mode>},
    Key{"logs.to", kLogs<&LogSpec::to>},
    Key{"out_file", kLogs<&LogSpec::out_file>},
    Key{"error_file", kLogs<&LogSpec::error_file>},
    Key{"log_file", kLogs<&LogSpec::log_file>},
    Key{"merge_logs", kLogs<&LogSpec::merge_logs>},
    Key{"disable_logs", kLogs<&LogSpec::disable_logs>},
    Key{"log_type", kLogs<&LogSpec::type>},
    Key{"log_date_format", kLogs<&LogSpec::date_format>},
    Key{"logs.rotate", kLogs<&LogSpec::rotate>},
    Key{"pid_file", same<&AppSpec::pid_file>},
};

} // namespace

std::vector<std::string_view> spec_changes(const AppSpec& before, const AppSpec& after)
{
    std::vector<std::string_view> names;
    for (const Key& key : kKeys)
        if (!key.same(before, after)) names.push_back(key.name);
    // A field that this table misses must not pass as "the same": compare the whole too.
    AppSpec counted = before;
    counted.instances = after.instances;
    counted.instances_given = after.instances_given;
    if (names.empty() && counted != after) names.emplace_back("spec");
    return names;
}

} // namespace pm::policy
