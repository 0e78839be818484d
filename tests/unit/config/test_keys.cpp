// SPDX-License-Identifier: Apache-2.0
// One row per key: a good value and where it ends, a bad one and what is said of it.
#include "config/app_keys.hpp"
#include "parse_helpers.hpp"

#include <functional>
#include <set>

namespace pm::config::test {
namespace {

using namespace std::chrono_literals;

using Needs = std::map<std::string, model::DependencyCondition>;
using Condition = model::DependencyCondition;

using model::AppSpec;
using model::InstanceCount;
using std::chrono::milliseconds;
using Strings = std::vector<std::string>;

struct GoodRow {
    std::string line;
    std::function<bool(const AppSpec&)> holds;
};

std::string with(const std::string& line)
{
    return "cwd: /srv\n" + std::string(line.starts_with("script") ? "" : "script: run.sh\n") + line + "\n";
}

const std::vector<GoodRow>& good_rows()
{
    static const std::vector<GoodRow> rows{
        {"script: a b c", [](const AppSpec& s) { return s.script == "a b c" && s.name == "a b c"; }},
        {"script: ~/a.js", [](const AppSpec& s) { return s.script == "/home/ann/a.js" && s.name == "a"; }},
        {"script: dir/tool.tar.gz", [](const AppSpec& s) { return s.script == "dir/tool.tar.gz" && s.name == "tool.tar"; }},
        {"script: .hidden", [](const AppSpec& s) { return s.name == ".hidden"; }},
        {"name: w\u00e9b", [](const AppSpec& s) { return s.name == "w\u00e9b"; }},
        {"name: 12", [](const AppSpec& s) { return s.name == "12"; }},
        {"listen: [8000, 'unix:/x']", [](const AppSpec& s) { return s.listen.size() == 2 && s.listen[1].host == "/x"; }},
        {"namespace: shop", [](const AppSpec& s) { return s.name_space == "shop"; }},
        {"name_prefix: shop", [](const AppSpec& s) { return s.name == "shop:run"; }},
        {"append_env_to_name: true", [](const AppSpec& s) { return s.name == "run"; }},
        {"args: \"-a 'b c' --d=\\\"e f\\\"\"", [](const AppSpec& s) { return s.args == Strings{"-a", "b c", "--d=e f"}; }},
        {"args: [a b, 3, true]", [](const AppSpec& s) { return s.args == Strings{"a b", "3", "true"}; }},
        {"interpreter: python3", [](const AppSpec& s) { return s.interpreter == "python3"; }},
        {"node_args: --x --y", [](const AppSpec& s) { return s.interpreter_args == Strings{"--x", "--y"}; }},
        {"instances: 4", [](const AppSpec& s) { return s.instances == InstanceCount{InstanceCount::Kind::Exact, 4}; }},
        {"instances: '4'", [](const AppSpec& s) { return s.instances == InstanceCount{InstanceCount::Kind::Exact, 4}; }},
        {"instances: max", [](const AppSpec& s) { return s.instances == InstanceCount{InstanceCount::Kind::PerCpu, 0}; }},
        {"instances: 0", [](const AppSpec& s) { return s.instances == InstanceCount{InstanceCount::Kind::PerCpu, 0}; }},
        {"instances: -2", [](const AppSpec& s) { return s.instances == InstanceCount{InstanceCount::Kind::PerCpu, -2}; }},
        {"exec_mode: fork_mode", [](const AppSpec& s) { return s.serving.cluster == model::ClusterMode::None; }},
        {"exec_mode: cluster", [](const AppSpec& s) { return s.serving.cluster == model::ClusterMode::Transparent; }},
        {"exec_mode: cluster\ninterpreter: node", [](const AppSpec& s) { return s.serving.cluster == model::ClusterMode::Shared; }},
        {"balance: shared\ninterpreter: node", [](const AppSpec& s) { return s.serving.balance == model::Balance::Shared; }},
        {"exec_mode: cluster\ncluster: none", [](const AppSpec& s) { return s.serving.cluster == model::ClusterMode::None; }},
        {"exec_mode: cluster\nlisten: 80", [](const AppSpec& s) { return !s.serving.cluster; }},
        {"cluster: round-robin\ninterpreter: node", [](const AppSpec& s) { return s.serving.cluster == model::ClusterMode::RoundRobin; }},
        {"ready: notify", [](const AppSpec& s) { return s.serving.ready == model::ReadyWhen::Notify; }},
        {"wait_ready: true", [](const AppSpec& s) { return s.serving.ready == model::ReadyWhen::Ipc; }},
        {"wait_ready: true\nready: notify", [](const AppSpec& s) { return s.serving.ready == model::ReadyWhen::Notify; }},
        {"listen_timeout: 3000", [](const AppSpec& s) { return s.serving.listen_timeout == 3s; }},
        {"watchdog: 5s", [](const AppSpec& s) { return s.serving.watchdog == 5s; }},
        {"channel: true", [](const AppSpec& s) { return s.serving.channel; }},
        {"shutdown_with_message: true", [](const AppSpec& s) { return s.serving.shutdown_with_message; }},
        {"drain: 20s", [](const AppSpec& s) { return s.serving.drain == 20s; }},
        {"drain: false", [](const AppSpec& s) { return s.serving.drain == 0s; }},
        {"drain: true", [](const AppSpec& s) { return s.serving.drain == 10s; }},
        {"reload: {mode: restart, parallel: 2, max_unavailable: 1, signal: SIGUSR2}",
         [](const AppSpec& s) {
             return s.serving.reload == model::ReloadPolicy{model::ReloadMode::Restart, 2, 1, SIGUSR2};
         }},
        {"instances: 1", [](const AppSpec& s) { return s.instances_given; }},
        {"launcher: systemd", [](const AppSpec& s) { return s.script == "run.sh"; }},
        {"launcher: direct", [](const AppSpec& s) { return s.script == "run.sh"; }},
        {"env: {A: 010, B: 1.50, C: ~, D: {x: [1, '2', 010, true]}}",
         [](const AppSpec& s) {
             return s.env == Variables{{"A", "010"}, {"B", "1.50"}, {"C", ""}, {"D", R"({"x":[1,"2","010",true]})"}};
         }},
        {"env: A=b C='d e'", [](const AppSpec& s) { return s.env == Variables{{"A", "b"}, {"C", "d e"}}; }},
        {"env_file: [.env, ~/x, /y]", [](const AppSpec& s) { return s.env_files == Strings{"/srv/.env", "/home/ann/x", "/y"}; }},
        {"env_file: a/../.env", [](const AppSpec& s) { return s.env_files == Strings{"/srv/.env"}; }},
        {"port: 8080", [](const AppSpec& s) { return s.env == Variables{{"PORT", "8080"}}; }},
        {"filter_env: [B]\nenv: {AB: 1, BC: 2, C: 3}", [](const AppSpec& s) { return s.env == Variables{{"C", "3"}}; }},
        {"env: {AB: 1, B: 2}\nfilter_env: B", [](const AppSpec& s) { return s.env == Variables{{"AB", "1"}}; }},
        {"instance_var: N", [](const AppSpec& s) { return s.instance_var == "N"; }},
        {"health: {exec: \"curl -f 'a b'\"}", [](const AppSpec& s) {
             return s.health && s.health->command == Strings{"curl", "-f", "a b"} && s.serving.ready == model::ReadyWhen::Probe;
         }},
        {"health: {tcp: '[::1]:8000', interval: 5s, timeout: 500ms}", [](const AppSpec& s) {
             return s.health && model::to_string(s.health->target) == "[::1]:8000" && s.health->command.empty() &&
                    s.health->interval == std::chrono::seconds(5) && s.health->timeout == std::chrono::milliseconds(500);
         }},
        {"health: {exec: x, retries: 5, success_threshold: 2, start_period: 3s, jitter: 1s, on_unhealthy: none}\nready: notify",
         [](const AppSpec& s) {
             return s.health->retries == 5 && s.health->success_threshold == 2 && s.health->start_period == milliseconds(3000) &&
                    s.health->jitter == milliseconds(1000) && s.health->on_unhealthy == model::OnUnhealthy::None && s.serving.ready == model::ReadyWhen::Notify;
         }},
        {"health: {}", [](const AppSpec& s) { return !s.health && !s.serving.ready; }},
        {"increment_var: PORT", [](const AppSpec& s) { return s.increment_var == "PORT"; }},
        {"uid: 33", [](const AppSpec& s) { return s.user == "33"; }},
        {"gid: www-data", [](const AppSpec& s) { return s.group == "www-data"; }},
        {"umask: \"0027\"", [](const AppSpec& s) { return s.umask == 027u; }},
        {"umask: 022", [](const AppSpec& s) { return s.umask == 022u; }},
        {"nice: -20", [](const AppSpec& s) { return s.nice == -20; }},
        {"oom_score_adj: 1000", [](const AppSpec& s) { return s.oom_score_adj == 1000; }},
        {"rlimits: {nofile: \"1024:65536\", core: unlimited, as: 1.5G}",
         [](const AppSpec& s) {
             return s.rlimits == std::vector<model::ResourceLimit>{{RLIMIT_CORE, RLIM_INFINITY, RLIM_INFINITY},
                                                                   {RLIMIT_NOFILE, 1024, 65536},
                                                                   {RLIMIT_AS, 1610612736, 1610612736}};
         }},
        {"limits: {open_files: 99}",
         [](const AppSpec& s) { return s.rlimits == std::vector<model::ResourceLimit>{{RLIMIT_NOFILE, 99, 99}}; }},
        {"limits: {memory_max: 1.5G, memory_high: 1G, memory_low: 0, memory_swap_max: infinity}",
         [](const AppSpec& s) {
             return s.limits == model::ResourceControl{.memory_low = 0, .memory_high = 1u << 30, .memory_max = 1610612736,
                                                       .memory_swap_max = model::ResourceControl::kInfinity};
         }},
        {"limits: {scope: app, cpu: 150%, cpuWeight: 10000, io_weight: 1, tasks: 200}",
         [](const AppSpec& s) {
             return s.limits == model::ResourceControl{.scope = model::LimitScope::App, .cpu = 150, .cpu_weight = 10'000,
                                                       .io_weight = 1, .tasks = 200};
         }},
        {"limits: {tasks: infinity}", [](const AppSpec& s) { return s.limits.tasks == model::ResourceControl::kInfinity; }},
        {"sandbox: {PrivateTmp: yes, CPUWeight: idle}",
         [](const AppSpec& s) { return s.sandbox.size() == 2 && s.sandbox[0].name == "CPUWeight" && s.sandbox[1].name == "PrivateTmp"; }},
        {"depends_on: db", [](const AppSpec& s) { return s.depends_on == Needs{{"db", Condition::Ready}}; }},
        {"depends_on: [db, job 2]", [](const AppSpec& s) { return s.depends_on == Needs{{"db", Condition::Ready}, {"job 2", Condition::Ready}}; }},
        {"depends_on: {db: ready, job: completed, c: started}",
         [](const AppSpec& s) {
             return s.depends_on == Needs{{"db", Condition::Ready}, {"job", Condition::Completed}, {"c", Condition::Started}};
         }},
        {"depends_on: null", [](const AppSpec& s) { return s.depends_on.empty(); }},
        {"autostart: false", [](const AppSpec& s) { return !s.autostart; }},
        {"autorestart: False", [](const AppSpec& s) { return !s.restart.autorestart; }},
        {"stop_exit_codes: [3, 0, 3]", [](const AppSpec& s) { return s.restart.stop_exit_codes == std::vector<std::uint8_t>{0, 3}; }},
        {"stop_exit_codes: 7", [](const AppSpec& s) { return s.restart.stop_exit_codes == std::vector<std::uint8_t>{7}; }},
        {"max_restarts: 0", [](const AppSpec& s) { return s.restart.max_restarts == 0; }},
        {"max_restarts: infinity", [](const AppSpec& s) { return s.restart.max_restarts == UINT32_MAX; }},
        {"max_memory_restart: 1.5G", [](const AppSpec& s) { return s.upkeep.max_memory == 1'610'612'736U; }},
        {"max_memory_restart: 0", [](const AppSpec& s) { return !s.upkeep.max_memory; }},
        {"cron_restart: '30 4 * * MON-FRI'", [](const AppSpec& s) { return s.upkeep.cron == "30 4 * * MON-FRI"; }},
        {"cron_restart: '@daily'", [](const AppSpec& s) { return s.upkeep.cron == "@daily"; }},
        {"cron_restart: '0'", [](const AppSpec& s) { return s.upkeep.cron.empty(); }},
        {"watch: true", [](const AppSpec& s) { return s.upkeep.watch.on && s.upkeep.watch.paths.empty(); }},
        {"watch: 'yes'", [](const AppSpec& s) { return s.upkeep.watch.on; }},
        {"watch: false", [](const AppSpec& s) { return !s.upkeep.watch.on; }},
        {"watch: []", [](const AppSpec& s) { return !s.upkeep.watch.on; }},
        {"watch: src", [](const AppSpec& s) { return s.upkeep.watch.on && s.upkeep.watch.paths == std::vector<std::string>{"src"}; }},
        {"watch: [src, 'lib/**/*.js', '!src/tmp']",
         [](const AppSpec& s) {
             return s.upkeep.watch.paths == std::vector<std::string>{"src", "lib/**/*.js"} && s.upkeep.watch.ignore == std::vector<std::string>{"src/tmp"};
         }},
        {"watch: true\nignore_watch: [logs, '*.tmp']\nwatch_delay: 1000",
         [](const AppSpec& s) { return s.upkeep.watch.ignore.size() == 2 && s.upkeep.watch.delay == milliseconds(1000); }},
        {"watch: true\nwatch_options: {followSymlinks: false, depth: 2, usePolling: true, interval: 500, ignored: a}",
         [](const AppSpec& s) {
             return !s.upkeep.watch.follow_symlinks && s.upkeep.watch.depth == 2U && s.upkeep.watch.poll == milliseconds(500) && s.upkeep.watch.ignore.size() == 1;
         }},
        {"logs: {rotate: {size: 10M, age: 1d, keep: 3, compress: true, budget: 1G}}",
         [](const AppSpec& s) { return s.logs.rotate == model::RotateSpec{10u << 20, std::chrono::hours(24), 3, true, 1u << 30}; }},
        {"logs: {rotate: false}", [](const AppSpec& s) { return !s.logs.rotate.is_on(); }},
        {"min_uptime: 1m", [](const AppSpec& s) { return s.restart.min_uptime == milliseconds(60'000); }},
        {"restart_delay: 250", [](const AppSpec& s) { return s.restart.restart_delay == milliseconds(250); }},
        {"exp_backoff_restart_delay: 100ms", [](const AppSpec& s) { return s.restart.exp_backoff_restart_delay == milliseconds(100); }},
        {"kill_signal: usr1", [](const AppSpec& s) { return s.kill_signal == SIGUSR1; }},
        {"kill_timeout: 1.5s", [](const AppSpec& s) { return s.kill_timeout == milliseconds(1500); }},
        {"kill_timeout: 0", [](const AppSpec& s) { return s.kill_timeout == milliseconds(1600); }},
        {"kill_mode: main", [](const AppSpec& s) { return s.kill_mode == model::KillMode::Main; }},
        {"treekill: false", [](const AppSpec& s) { return s.kill_mode == model::KillMode::Main; }},
        {"out_file: logs/o.log", [](const AppSpec& s) { return s.logs.out_file == "/srv/logs/o.log"; }},
        {"out_file: \"NULL\"", [](const AppSpec& s) { return s.logs.out_file == "/dev/null"; }},
        {"out_file: NULL", [](const AppSpec& s) { return s.logs.out_file == "/dev/null"; }},
        {"error_file: ~/e.log", [](const AppSpec& s) { return s.logs.error_file == "/home/ann/e.log"; }},
        {"log_file: true", [](const AppSpec& s) { return s.logs.log_file == "default"; }},
        {"log_file: both.log", [](const AppSpec& s) { return s.logs.log_file == "/srv/both.log"; }},
        {"log_file: /dev/null", [](const AppSpec& s) { return s.logs.log_file.empty(); }},
        {"merge_logs: true", [](const AppSpec& s) { return s.logs.merge_logs; }},
        {"disable_logs: true", [](const AppSpec& s) { return s.logs.disable_logs; }},
        {"log_type: json", [](const AppSpec& s) { return s.logs.type == model::LogType::Json; }},
        {"log_date_format: YYYY-MM-DD [at] HH:mm:ss Z", [](const AppSpec& s) { return s.logs.date_format == "%Y-%m-%d at %H:%M:%S %{Z}"; }},
        {"log_date_format: '%T D'", [](const AppSpec& s) { return s.logs.date_format == "%T D"; }},
        {"time: true", [](const AppSpec& s) { return s.logs.date_format == "%Y-%m-%dT%H:%M:%S"; }},
        {"logs: {to: journal}", [](const AppSpec& s) { return s.logs.to == model::LogTarget::Journal; }},
        {"logs: {to: files}", [](const AppSpec& s) { return s.logs.to == model::LogTarget::Files; }},
        {"merge_logs: false\nlogs: {to: journal}", [](const AppSpec& s) { return s.logs.to == model::LogTarget::Journal; }},
        {"logs: {to: files, out_file: o, rotate: false}", [](const AppSpec& s) { return s.logs.out_file == "/srv/o"; }},
        {"pid_file: run/x.pid", [](const AppSpec& s) { return s.pid_file == "/srv/run/x.pid"; }},
    };
    return rows;
}

TEST(Keys, GoodValuesReachTheSpec)
{
    for (const GoodRow& row : good_rows()) EXPECT_TRUE(row.holds(app(with(row.line)))) << row.line;
}

struct BadRow {
    std::string line;  ///< line 3, unless it is the script
    std::string said;
};

TEST(Keys, BadValuesAreToldAtTheirPlace)
{
    const std::vector<BadRow> rows{
        {"name: all", "3:7: name: an app cannot be named 'all', which means all apps"},
        {"name: /a", "3:7: name: a '/' at the start of the name, as of a path"},
        {"name: ' a'", "3:7: name: spaces around the name"},
        {"name: [a]", "3:7: name: expected a text, not a list"},
        {"name: \"a\\tb\"", "3:7: name: a control character in a name"},
        {"name: " + std::string(129, 'x'), "3:7: name: longer than 128 bytes"},
        {"namespace: a/b", "3:12: namespace: expected a namespace without '/' and outer spaces, other than 'all', not 'a/b'"},
        {"args: \"a 'b\"", "3:7: args: a quote in this line is never closed"},
        {"args: {a: 1}", "3:7: args: expected a text or a list of texts, not a map"},
        {"args: [a, [b]]", "3:11: args[1]: expected a text, not a list"},
        {"interpreter: node@20", "3:14: interpreter: not supported yet: give the path of that version's node"},
        {"interpreter: ' '", "3:14: interpreter: the interpreter is empty; 'none' runs the script itself"},
        {"instances: many", "3:12: instances: expected a number, -1 and so on, or 'max', not 'many'"},
        {"instances: 3000000000", "3:12: instances: expected a number, -1 and so on, or 'max', not '3000000000'"},
        {"cluster: shared", "3:10: cluster: 'shared' is for programs that node runs; 'transparent' is for any"},
        {"interpreter: bun\ncluster: shared", "4:10: cluster: 'shared' is for programs that node runs; 'transparent' is for any"},
        {"balance: shared", "3:10: balance: is for 'cluster: shared', the default for Node programs with 'instances'"},
        {"cluster: some", "3:10: cluster: expected none, shared, round-robin, reuseport, transparent, reuseport-bpf, not 'some'"},
        {"listen: 80\ncluster: transparent", "4:10: cluster: 'transparent' does not go together with 'listen', whose sockets all instances share anyway"},
        {"listen: 80\nready: listening", "4:8: ready: 'listening' tells nothing with 'listen': pmd itself listens, before the app starts; use notify, ipc or started"},
        {"ready: probe", "3:8: ready: 'probe' needs 'health', which says what is asked: health: {http: \"http://127.0.0.1:8000/\"}"},
        {"health: {interval: 1s}", "3:9: health: what is asked is missing: http, tcp or exec"},
        {"health: {tcp: 'localhost:1', exec: x}", "3:30: health.exec: there is one check: http, tcp or exec"},
        {"health: 5", "3:9: health: expected a map, not '5'"},
        {"health: {http: 'https://localhost/'}", "3:16: health.http: https is not supported: ask over http, or by tcp"},
        {"health: {http: /health}", "3:16: health.http: expected a URL such as http://127.0.0.1:8080/health or http://localhost:$PORT/, with a numeric "
                                    "host or localhost, not '/health'"},
        {"health: {tcp: 'db:5432'}", "3:15: health.tcp: expected an address such as 127.0.0.1:5432, [::1]:5432 or localhost:$PORT, not 'db:5432'"},
        {"health: {tcp: 'localhost:$PORT'}", "3:15: health.tcp: 'PORT' is no port: give it in 'env', or 'port' for PORT (env_file is not seen here)"},
        {"env: {P: '0'}\nhealth: {http: 'http://[::1]:${P}/'}", "4:16: health.http: 'P' is no port: give it in 'env', or 'port' for PORT (env_file is not "
                                                               "seen here)"},
        {"health: {exec: []}", "3:16: health.exec: the command is empty"},
        {"health: {exec: [x], interval: 0}", "3:31: health.interval: must be at least 100ms"},
        {"health: {exec: [x], timeout: 0}", "3:30: health.timeout: must be more than 0"},
        {"health: {exec: x, retries: -1}", "3:28: health.retries: expected a number from 0 to 1000, not '-1'"},
        {"health: {exec: x, on_unhealthy: kill}", "3:33: health.on_unhealthy: expected reload, restart, none, not 'kill'"},
        {"listen: 8000\nhealth: {tcp: 'localhost:8000'}", "4:15: health.tcp: tells nothing of port 8000: pmd itself listens there ('listen'); ask by http "
                                                          "or exec, or use 'ready: notify'"},
        {"ready: soon", "3:8: ready: expected notify, ipc, listening, probe, started, not 'soon'"},
        {"listen_timeout: 0", "3:17: listen_timeout: must be more than 0"},
        {"drain: x", "3:8: drain: expected a time such as 500ms, 5s or 2m, not 'x'"},
        {"reload: {modus: x}", "3:10: reload.modus: unknown key, did you mean 'mode'?"},
        {"reload: {parallel: 0}", "3:20: reload.parallel: expected a number from 1 to 10000, not '0'"},
        {"exec_mode: forks", "3:12: exec_mode: expected fork, fork_mode, cluster, cluster_mode, not 'forks'"},
        {"env: [A]", "3:6: env: expected a map of variables, or a line such as 'A=b C=d', not a list"},
        {"env: A", "3:6: env: expected NAME=value, not 'A'"},
        {"env: {\"A=\": 1}", "3:7: env.A=: a variable needs a name without '='"},
        {"env_prod: [x]", "3:11: env_prod: expected a map of variables, or a line such as 'A=b C=d', not a list"},
        {"env_file: {a: b}", "3:11: env_file: expected a path or a list of paths, not a map"},
        {"env_file: ~bob/x", "3:11: env_file: of '~' only '~/...' is understood"},
        {"port: 65536", "3:7: port: expected a number from 0 to 65535, not '65536'"},
        {"uid: -1", "3:6: uid: expected a name or a number, not '-1'"},
        {"uid: 4294967295", "3:6: uid: expected a name or a number, not '4294967295'"},
        {"umask: 0028", "3:8: umask: expected an octal mask such as 0022, not '0028' (numbers are decimal and have no leading zero)"},
        {"nice: 20", "3:7: nice: expected a number from -20 to 19, not '20'"},
        {"oom_score_adj: -1001", "3:16: oom_score_adj: expected a number from -1000 to 1000, not '-1001'"},
        {"rlimits: {nofle: 1}", "3:11: rlimits.nofle: unknown resource, did you mean 'nofile'?"},
        {"rlimits: {nofile: '20:10'}", "3:19: rlimits.nofile: the soft limit is above the hard one"},
        {"rlimits: {nofile: 1K}", "3:19: rlimits.nofile: expected a number, soft:hard or 'unlimited', not '1K'"},
        {"limits: {open_files: 3, nofile: 3}", "3:25: limits.nofile: unknown key"},
        {"limits: {memry_max: 1G}", "3:10: limits.memry_max: unknown key, did you mean 'memory_max'?"},
        {"limits: {memory_max: 0}", "3:22: limits.memory_max: expected a size such as 300M or 1.5G, or infinity, not '0'"},
        {"limits: {memory_high: [1]}", "3:23: limits.memory_high: expected a size such as 300M or 1.5G, or infinity, not a list"},
        {"limits: {cpu: 150}", "3:15: limits.cpu: expected a share of one CPU such as 150%, not '150'"},
        {"limits: {cpu: 0%}", "3:15: limits.cpu: expected a share of one CPU such as 150%, not '0%'"},
        {"limits: {io_weight: 0}", "3:21: limits.io_weight: expected a number from 1 to 10000, not '0'"},
        {"limits: {tasks: 0}", "3:17: limits.tasks: expected a number of at least 1, not '0'"},
        {"limits: {scope: all}", "3:17: limits.scope: expected instance or app, not 'all'"},
        {"autostart: yes", "3:12: autostart: expected true or false, not 'yes'"},
        {"autorestart: 1", "3:14: autorestart: expected true or false, not '1'"},
        {"stop_exit_codes: [0, 256]", "3:22: stop_exit_codes[1]: expected a number from 0 to 255, not '256'"},
        {"max_restarts: -1", "3:15: max_restarts: expected a number that is not negative, not '-1'"},
        {"max_restarts: 010", "3:15: max_restarts: expected a number that is not negative, not '010' (numbers are decimal and have no leading zero)"},
        {"max_memory_restart: big", "3:21: max_memory_restart: expected a size such as 300M or 1.5G, not 'big'"},
        {"max_memory_restart: 100", "3:21: max_memory_restart: expected at least 1M: a number alone is bytes, not '100'"},
        {"cron_restart: '* *'", "3:15: cron_restart: 2 fields; there are five (minute, hour, day of the month, month, day of the week), or six with seconds first"},
        {"cron_restart: '0 25 * * *'", "3:15: cron_restart: '25' is no hour (0 to 23)"},
        {"cron_restart: '0 0 30 2 *'", "3:15: cron_restart: is never due: no such month has such a day"},
        {"watch: {a: b}", "3:8: watch: expected true, false, a path or a list of paths, not a map"},
        {"watch: /", "3:8: watch: '/' is '/', which cannot be watched: name directories of the app, or set cwd"},
        {"watch: [src, ../../proc/1]", "3:8: watch: '../../proc/1' is '/proc/1', which cannot be watched: name directories of the app, or set cwd"},
        {"watch: ['a[b']", "3:9: watch[0]: the pattern 'a[b': '[' is not closed"},
        {"watch: true\nignore_watch: ['!a']", "4:16: ignore_watch[0]: a pattern that begins with '!' is not supported here: write what is to be ignored"},
        {"watch: true\nwatch_delay: 2h", "4:14: watch_delay: expected at most an hour; a number alone is milliseconds, not '2h'"},
        {"watch: true\nwatch_options: {interval: 1}", "4:27: watch_options.interval: expected at least 100ms; a number alone is milliseconds, not '1'"},
        {"watch: true\nwatch_options: {depht: 1}", "4:17: watch_options.depht: unknown key, did you mean 'depth'?"},
        {"logs: {rotate: {keep: 3}}", "3:16: logs.rotate: when is missing: size or age"},
        {"logs: {rotate: {size: 1}}", "3:23: logs.rotate.size: expected at least 4K: a number alone is bytes, not '1'"},
        {"logs: {rotate: {age: 10}}", "3:22: logs.rotate.age: expected at least 1s: a number alone is milliseconds, not '10'"},
        {"logs: {to: journal, rotate: {size: 1M}}", "3:12: logs.to: 'journal' does not go together with rotate"},
        {"min_uptime: 5 parsecs", "3:13: min_uptime: expected a time such as 500ms, 5s or 2m, not '5 parsecs'"},
        {"restart_delay: -1", "3:16: restart_delay: expected a time such as 500ms, 5s or 2m, not '-1'"},
        {"kill_signal: SIGFOO", "3:14: kill_signal: expected a signal such as SIGINT or 15, not 'SIGFOO'"},
        {"kill_signal: 0", "3:14: kill_signal: expected a signal such as SIGINT or 15, not '0'"},
        {"kill_mode: all", "3:12: kill_mode: expected group, main, not 'all'"},
        {"log_type: xml", "3:11: log_type: expected raw, json, not 'xml'"},
        {"logs: {to: syslog}", "3:12: logs.to: expected files, journal, not 'syslog'"},
        {"logs: {to: journal, out_file: o}", "3:12: logs.to: 'journal' does not go together with out_file"},
        {"time: true\nmerge_logs: true\nlogs: {to: journal}", "5:12: logs.to: 'journal' does not go together with merge_logs, log_date_format"},
        {"disable_logs: true\nlogs: {to: journal}", "4:12: logs.to: 'journal' does not go together with disable_logs"},
        {"logs: files", "3:7: logs: expected a map, not 'files'"},
        {"script: ''", "2:9: script: the script is empty"},
        {"script: [a]", "2:9: script: expected a text, not a list"},
    };
    for (const BadRow& row : rows) EXPECT_EQ(said(parse(with(row.line))), Strings{row.said}) << row.line;
}

TEST(Keys, TheJournalIsRefusedWhereAppsCannotWriteToIt)
{
    ParseOptions direct = options();
    direct.journal = false;
    EXPECT_EQ(said(parse_app_file(with("logs: {to: journal}"), direct)),
              Strings{"3:12: logs.to: the journal needs the systemd launcher, and this pmd starts processes itself; 'files' works everywhere"});
    EXPECT_TRUE(said(parse_app_file(with("logs: {to: files}"), direct)).empty());
}

struct LaterRow {
    std::string asks;
    std::string nothing; ///< accepted; empty when the key has no such value
    std::string wrong;
    std::string why;
};

TEST(Keys, WhatIsNotSupportedYetIsCheckedAndRefused)
{
    const std::vector<LaterRow> rows{
        {"owner: ann", "owner: ''", "owner: 'a:b'", ""},
        {"stdin: ignore", "stdin: ~", "stdin: [a]", ""},
        {"stdout: /x", "stdout: ''", "stdout: {a: b}", ""},
        {"stderr: 2", "stderr: false", "stderr: [a]", ""},
    };
    for (const LaterRow& row : rows) {
        const std::string key = row.asks.substr(0, row.asks.find(':'));
        const Strings refused = said(parse(with(row.asks)));
        ASSERT_EQ(refused.size(), 1u) << row.asks;
        EXPECT_TRUE(refused[0].starts_with("3:1: " + key + ": not supported yet")) << refused[0];
        EXPECT_TRUE(said(parse(with(row.nothing))).empty()) << row.nothing;
        const Strings wrong = said(parse(with(row.wrong)));
        ASSERT_EQ(wrong.size(), 1u) << row.wrong;
        EXPECT_EQ(wrong[0].find("not supported"), std::string::npos) << wrong[0];
        EXPECT_EQ(wrong[0], row.why.empty() ? wrong[0] : row.why);
    }
}

TEST(Keys, ACheckOfASharedPortIsAWarning)
{
    const auto warned = [](const std::string& lines) {
        const Strings all = said(parse(with(lines + "\nhealth: {http: 'http://localhost:8000/'}")));
        EXPECT_LE(all.size(), 1u) << lines;
        return !all.empty() && all[0].find("warning: health.http: at a port that processes share any of them may answer") != std::string::npos;
    };
    for (const char* lines : {"instances: 2", "instances: max", "cluster: transparent", "listen: 8000", "interpreter: node\ninstances: 1"})
        EXPECT_TRUE(warned(lines)) << lines;
    for (const char* lines : {"instances: 1", "cluster: none", "interpreter: node", "env: {A: b}"}) EXPECT_FALSE(warned(lines)) << lines;
    EXPECT_TRUE(said(parse(with("port: 9000\nincrement_var: PORT\ninstances: 2\nhealth: {http: 'http://localhost:$PORT/'}"))).empty());
    EXPECT_TRUE(said(parse(with("listen: 8000\nhealth: {exec: [check]}"))).empty());
}

TEST(Keys, WatchDetailsAloneAreAWarning)
{
    EXPECT_EQ(said(parse(with("ignore_watch: [a]"))), Strings{"3:1: warning: ignore_watch: has no effect without watch"});
    EXPECT_EQ(said(parse(with("watch: true\nwatch_options: {interval: 2s}"))), Strings{"4:27: warning: watch_options.interval: has no effect without use_polling"});
    EXPECT_TRUE(said(parse(with("watch: false\nignore_watch: [a]\nwatch_delay: 3s"))).empty());
}

TEST(Keys, IgnoredKeysWarnOnceEach)
{
    for (const Attribute<Draft>& row : app_keys().rows()) {
        if (row.key.support != Support::Ignored) continue;
        const AppFile file = parse(with(std::string(row.key.name) + ": {any: thing}"));
        EXPECT_TRUE(file.ok());
        ASSERT_EQ(file.diagnostics.size(), 1u) << row.key.name;
        EXPECT_TRUE(file.diagnostics[0].message.starts_with("ignored: ")) << row.key.name;
    }
}

TEST(Keys, EveryAliasAndCamelCaseMeansTheSame)
{
    std::set<std::string_view> tried;
    for (const GoodRow& row : good_rows()) {
        const std::string name = row.line.substr(0, row.line.find(':'));
        const auto index = app_keys().index().row(name);
        ASSERT_TRUE(index) << name;
        const Key& key = app_keys().index().key(*index);
        tried.insert(key.name);
        for (const std::string& spelling : other_spellings(key)) {
            if (row.line.find('\n') != std::string::npos) continue;
            std::string text = spelling + row.line.substr(name.size());
            if (name != "script") text = "script: run.sh\n" + text;
            EXPECT_TRUE(row.holds(app("cwd: /srv\n" + text + "\n"))) << text;
        }
    }
    for (const Attribute<Draft>& row : app_keys().rows()) {
        const bool elsewhere = row.key.name == "cwd" || row.key.name == "ready" || row.key.name == "ignore_watch" ||
                               row.key.name.starts_with("watch_");
        EXPECT_TRUE(row.key.support != Support::Now || elsewhere || tried.contains(row.key.name))
            << row.key.name << " has no row in this test";
    }
}

TEST(Keys, SpellingsOfDifferentKeysDoNotMeet)
{
    for (const AppKeys* keys : {&app_keys(), &log_keys(), &limit_keys(), &listen_keys(), &health_keys(), &reload_keys()}) {
        std::set<std::string> all;
        for (const Attribute<Draft>& row : keys->rows()) {
            EXPECT_TRUE(all.insert(std::string(row.key.name)).second) << row.key.name;
            for (const std::string& spelling : other_spellings(row.key)) EXPECT_TRUE(all.insert(spelling).second) << spelling;
        }
    }
}

TEST(Keys, AliasAndMainKeyTogetherAreAFaultThatNamesBoth)
{
    EXPECT_EQ(said(parse("script: a\nexec: b\n")), Strings{"2:1: exec: means the same as 'script', which is given too with another value"});
    EXPECT_EQ(said(parse(with("maxRestarts: 1\nmax_restarts: 2"))),
              Strings{"4:1: max_restarts: means the same as 'maxRestarts', which is given too with another value"});
}

} // namespace
} // namespace pm::config::test
