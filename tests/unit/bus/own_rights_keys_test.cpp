// SPDX-License-Identifier: Apache-2.0
// Whatever a key of an app file makes pmd do as root, an ordinary user could have it do: so every key has been looked at.
#include "config/app_keys.hpp"

#include <gtest/gtest.h>
#include <set>
#include <string_view>

namespace pm::bus::testing
{
namespace
{

using Names = std::set<std::string_view>;

/// policy/own_rights asks polkit about them.
const Names kAskedAbout{"uid", "gid", "nice", "oom_score_adj", "rlimits",
                        "open_files", "out_file", "error_file", "log_file",
                        "memory_low", "cpu_weight", "io_weight", "sandbox"};

/// What they name is used with the rights of the app's user, or by pmd for decisions of its own.
const Names kHarmless{
    // clang-format off
    "script", "name", "namespace", "name_prefix", "append_env_to_name", "args", "interpreter", "node_args", "cwd", "instances",
    "exec_mode", "launcher", "env", "env_file", "filter_env", "port", "instance_var", "increment_var", "umask", "autostart", "depends_on",
    "autorestart", "stop_exit_codes", "max_restarts", "min_uptime", "restart_delay", "exp_backoff_restart_delay", "kill_signal",
    "kill_timeout", "kill_mode", "treekill", "merge_logs", "disable_logs", "log_type", "log_date_format", "time", "pid_file",
    "cluster", "balance", "max_memory_restart", "cron_restart", "ready", "wait_ready", "listen_timeout", "watchdog", "channel", "shutdown_with_message", "drain", "watch", "ignore_watch", "watch_options", "watch_delay",
    // clang-format on
};

/// Maps of keys, which are looked at one by one.
const Names kMaps{"limits", "logs", "listen", "health", "reload"};
const Names kHarmlessBelow{"address", "name", "backlog", "v6only", "reuseport", "nodelay", "free_bind", "user", "group", "mode", "memory_max", "memory_high", "memory_swap_max", "cpu", "tasks", "scope", "to", "type", "date_format", "merge", "disable", "parallel", "max_unavailable", "signal", "http", "tcp", "exec", "interval", "timeout", "retries", "success_threshold", "start_period", "jitter", "on_unhealthy", "rotate"};

TEST(OwnRights, EveryKeyHasBeenLookedAt)
{
    for (const auto& row : config::app_keys().rows()) {
        if (row.key.support != config::Support::Now || kMaps.contains(row.key.name)) continue;
        EXPECT_TRUE(kAskedAbout.contains(row.key.name) || kHarmless.contains(row.key.name))
            << "'" << row.key.name
            << "' is new: if pmd carries it out with its own rights, it belongs into policy/own_rights, else into kHarmless";
    }
    for (const auto map : kMaps)
        for (const auto& row : config::keys_below(map)->rows()) {
            if (row.key.support != config::Support::Now) continue;
            EXPECT_TRUE(kAskedAbout.contains(row.key.name) || kHarmlessBelow.contains(row.key.name))
                << map << "." << row.key.name << " is new: see above";
        }
}

} // namespace
} // namespace pm::bus::testing
