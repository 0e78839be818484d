// SPDX-License-Identifier: Apache-2.0
// How the keys of an app are read, one function for each that is more than one typed value.
#pragma once

#include "config/draft.hpp"

namespace pm::config::read {

// readers_program.cpp
void name(Draft& draft, const Field& field);
void name_space(Draft& draft, const Field& field);
void name_prefix(Draft& draft, const Field& field);
void script(Draft& draft, const Field& field);
void interpreter(Draft& draft, const Field& field);
void cwd(Draft& draft, const Field& field);
void instances(Draft& draft, const Field& field);
void launcher(Draft& draft, const Field& field);

// readers_dependencies.cpp
void depends_on(Draft& draft, const Field& field);

// readers_env.cpp
void env(Draft& draft, const Field& field);
void env_file(Draft& draft, const Field& field);
void port(Draft& draft, const Field& field);
void filter_env(Draft& draft, const Field& field);
void variable_name(std::string& to, const Field& field);
/// "env_<profile>"; false when `key` is none.
bool profile(Draft& draft, std::string_view key, const Field& field);

// readers_listen.cpp
void listen(Draft& draft, const Field& field);
void listen_address(Draft& draft, const Field& field);
void listen_name(Draft& draft, const Field& field);
void listen_type(Draft& draft, const Field& field);
void listen_backlog(Draft& draft, const Field& field);
void listen_flag(Draft& draft, const Field& field, std::string_view key, bool model::ListenAddress::*flag);
void listen_account(Draft& draft, const Field& field, std::string_view key, std::string model::ListenAddress::*who);
void listen_mode(Draft& draft, const Field& field);
/// Paths made absolute, names given; faults of what only all addresses together can tell.
void complete_listen(Draft& draft, const Field& app);

// readers_process.cpp
void account(std::string& to, const Field& field);
void umask(Draft& draft, const Field& field);
void nice(Draft& draft, const Field& field);
void oom_score_adj(Draft& draft, const Field& field);
void rlimits(Draft& draft, const Field& field);
void open_files(Draft& draft, const Field& field);
void stop_exit_codes(Draft& draft, const Field& field);
void max_restarts(Draft& draft, const Field& field);
void kill_signal(Draft& draft, const Field& field);
void kill_timeout(Draft& draft, const Field& field);
void kill_mode(Draft& draft, const Field& field);
void treekill(Draft& draft, const Field& field);

// readers_limits.cpp
void limits(Draft& draft, const Field& field);
void limit_scope(Draft& draft, const Field& field);
/// A size or infinity; `least` is what is allowed at least.
void memory(std::optional<std::uint64_t>& to, const Field& field, std::uint64_t least);
void cpu_share(Draft& draft, const Field& field);
void weight(std::optional<std::uint32_t>& to, const Field& field);
void tasks(Draft& draft, const Field& field);

// readers_sandbox.cpp
void sandbox(Draft& draft, const Field& field);
/// Faults of properties that `limits` or `rlimits` set too.
void check_sandbox(const Draft& draft, const Field& app);

// readers_logs.cpp
/// Checks a path and replaces its "~"; false when it is none.
bool whole_path(const Draft& draft, std::string& path, const Field& field);
/// A path, "~" replaced; anything too long to be one is a fault.
void file(const Draft& draft, std::string& to, const Field& field);
/// As file(), with PM2's "NULL" for /dev/null.
void stream_file(const Draft& draft, std::string& to, const Field& field);
void log_file(Draft& draft, const Field& field);
void log_type(Draft& draft, const Field& field);
void log_date_format(Draft& draft, const Field& field);
void logs(Draft& draft, const Field& field);
void log_target(Draft& draft, const Field& field);

// readers_serving.cpp
void exec_mode(Draft& draft, const Field& field);
void cluster(Draft& draft, const Field& field);
void balance(Draft& draft, const Field& field);
void ready(Draft& draft, const Field& field);
void wait_ready(Draft& draft, const Field& field);
/// More than 0.
void positive_duration(model::Milliseconds& to, const Field& field);
/// A time, or true or false.
void drain(Draft& draft, const Field& field);
void reload(Draft& draft, const Field& field);
void reload_mode(Draft& draft, const Field& field);
void reload_count(std::uint32_t& to, const Field& field, std::int64_t least);
void reload_signal(Draft& draft, const Field& field);
/// Defaults and faults that several of these keys make together.
void complete_serving(Draft& draft, const Field& app);

// readers_health.cpp
void health(Draft& draft, const Field& field);
void health_http(Draft& draft, const Field& field);
void health_tcp(Draft& draft, const Field& field);
void health_exec(Draft& draft, const Field& field);
void health_interval(Draft& draft, const Field& field);
void health_count(std::uint32_t& to, const Field& field, std::int64_t least);
void health_action(Draft& draft, const Field& field);
/// Faults that `health` makes together with other keys.
void complete_health(Draft& draft, const Field& app);

// readers_watch.cpp
void watch(Draft& draft, const Field& field);
void ignore_watch(Draft& draft, const Field& field);
void watch_options(Draft& draft, const Field& field);
void watch_delay(Draft& draft, const Field& field);
void watch_ignored(Draft& draft, const Field& field);
void watch_depth(Draft& draft, const Field& field);
void watch_polls(Draft& draft, const Field& field);
void watch_interval(Draft& draft, const Field& field);
void complete_watch(Draft& draft, const Field& app);

void rotate(Draft& draft, const Field& field);
void rotate_size(Draft& draft, const Field& field);
void rotate_age(Draft& draft, const Field& field);
void rotate_keep(Draft& draft, const Field& field);

// readers_later.cpp: types of keys that are not supported yet
void any_bool(Draft& draft, const Field& field);
void any_duration(Draft& draft, const Field& field);
void any_size(Draft& draft, const Field& field);
void max_memory(Draft& draft, const Field& field);
void any_texts(Draft& draft, const Field& field);
void any_map(Draft& draft, const Field& field);
void count(Draft& draft, const Field& field);
void cron(Draft& draft, const Field& field);
void stdio(Draft& draft, const Field& field);

/// Decides what will be executed (see resolve_program.cpp); of a spec whose cwd and env are complete.
void resolve_program(Draft& draft, const Field& app);

} // namespace pm::config::read
