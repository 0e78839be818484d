// SPDX-License-Identifier: Apache-2.0
#include "config/app_keys.hpp"

#include "config/readers.hpp"

namespace pm::config {
namespace {

using Row = Attribute<Draft>;
constexpr Support kNow = Support::Now;
constexpr Support kLater = Support::Later;
constexpr Support kIgnored = Support::Ignored;

// Source of PM2's names, defaults and meanings: PM2's documentation of the ecosystem file.
constexpr Row kProgram[] = {
    {{"script", {"exec", "cmd", "command"}, kNow, Shape::Text, "",
      "What to run: a path (seen from cwd), a program in PATH, or a line with spaces, which a shell runs (unless all of it is "
      "the path of a file). Required."},
     read::script},
    {{"name", {}, kNow, Shape::Text, "the script's file name without its extension",
      "Name of the app, unique in the file: up to 128 bytes, not beginning with '/', and not 'all'."},
     read::name},
    {{"namespace", {}, kNow, Shape::Text, "default", "Group of apps that commands can name as a whole."}, read::name_space},
    {{"name_prefix", {}, kNow, Shape::Text, "", "Put before the name as 'prefix:name', unless the name has it already."},
     read::name_prefix},
    {{"append_env_to_name", {}, kNow, Shape::Bool, "false", "Puts '-<profile>' behind the name when a profile is chosen."},
     [](Draft& draft, const Field& field) { field.boolean(draft.append_env_to_name); }},
    {{"args", {}, kNow, Shape::Words, "", "Arguments of the app: a list, or one line split at blanks that honours quotes."},
     [](Draft& draft, const Field& field) { field.words(draft.spec.args); }},
    {{"interpreter", {"exec_interpreter"}, kNow, Shape::Text, "by the script's extension",
      "Program that runs the script; 'none' runs the script itself. By default a text with neither extension nor '#!' "
      "is run by node."},
     read::interpreter},
    {{"node_args", {"interpreter_args"}, kNow, Shape::Words, "", "Arguments of the interpreter, before the script."},
     [](Draft& draft, const Field& field) { field.words(draft.spec.interpreter_args); }},
    {{"cwd", {}, kNow, Shape::Text, "the app file's directory", "Working directory; relative ones are seen from the app file."},
     read::cwd},
    {{"instances", {}, kNow, Shape::Instances, "1",
      "Number of processes: n, 'max' (or 0) for one per CPU, -n for n fewer than CPUs; never less than one."},
     read::instances},
    {{"exec_mode", {}, kNow, Shape::ExecMode, "cluster when instances are given, else fork",
      "PM2's word for whether instances share a port: cluster is the usual 'cluster' of the program, fork is 'cluster: none'."},
     read::exec_mode},
    {{"launcher", {}, kNow, Shape::Launcher, "auto", "Who must start the processes: a pmd that does it in another way refuses the file."}, read::launcher},
    {{"env", {}, kNow, Shape::Env, "",
      "Variables of the app, as a map or a line 'A=b C=d'. Structures become JSON texts."},
     read::env},
    {{"env_file", {}, kNow, Shape::Texts, "", "Files of NAME=value lines, seen from cwd, read at each start; env wins. With '-' before its path a file may be missing."},
     read::env_file},
    {{"filter_env", {}, kNow, Shape::FilterEnv, "false",
      "Variables to leave out: a name, or a list of parts of names; true leaves out the caller's whole environment."},
     read::filter_env},
    {{"port", {}, kNow, Shape::Port, "", "Sets the variable PORT."}, read::port},
    {{"instance_var", {}, kNow, Shape::Text, "NODE_APP_INSTANCE", "Variable that holds the instance's number, from 0."},
     [](Draft& draft, const Field& field) {
         read::variable_name(draft.spec.instance_var, field);
     }},
    {{"increment_var", {}, kNow, Shape::Text, "",
      "Variable counted up with each instance, beginning with its value in env."},
     [](Draft& draft, const Field& field) {
         read::variable_name(draft.spec.increment_var, field);
     }},
    {{"listen", {}, kNow, Shape::Listen, "",
      "Addresses whose sockets pmd opens before anything starts, holds while the app runs, and hands to each of its processes "
      "as descriptors 3, 4, ... (LISTEN_FDS): a text or a map each, one or a list. See HELD SOCKETS."},
     read::listen},
    {{"uid", {"user"}, kNow, Shape::Account, "pmd's own", "User to run as, name or number."},
     [](Draft& draft, const Field& field) { read::account(draft.spec.user, field); }},
    {{"gid", {"group"}, kNow, Shape::Account, "the user's", "Group to run as, name or number."},
     [](Draft& draft, const Field& field) { read::account(draft.spec.group, field); }},
    {{"umask", {}, kNow, Shape::Umask, "0022", "File mode creation mask, octal."}, read::umask},
    {{"nice", {}, kNow, Shape::Nice, "", "CPU priority, -20 (most) to 19."}, read::nice},
    {{"oom_score_adj", {}, kNow, Shape::OomScore, "", "How readily the kernel kills the app when memory runs out, -1000 to 1000."},
     read::oom_score_adj},
    {{"rlimits", {}, kNow, Shape::Rlimits, "",
      "Limits of setrlimit(2) by name: a number (a size where the resource counts bytes), soft:hard, or unlimited."},
     read::rlimits},
    {{"limits", {}, kNow, Shape::Object, "", "Limits that cgroups hold, set live when only they change."}, read::limits},
    {{"sandbox", {}, kNow, Shape::Sandbox, "",
      "What the app may see and do: properties of systemd.exec(5), systemd.resource-control(5) and systemd.kill(5), written as "
      "there; a list is as many lines of a unit file. Needs the systemd launcher."},
     read::sandbox},

    {{"depends_on", {}, kNow, Shape::DependsOn, "",
      "Apps that must be there before this one is started: a name, a list of names (ready), or a map of names to ready (online), "
      "started (it has a process) or completed (ended with exit code 0). A start also starts them; a stop of both ends this one first."},
     read::depends_on},
    {{"cluster", {}, kNow, Shape::Cluster, "shared for Node programs with instances, transparent for several instances of others",
      "How instances share a port. Node's cluster protocol, the program unchanged: shared (see balance), round-robin (the same with "
      "balance: even) or reuseport (a socket each). Any program, unchanged: transparent (what an instance binds "
      "is the socket that the others have). none: they do not. See CLUSTERS."},
     read::cluster},
    {{"balance", {}, kNow, Shape::Balance, "even",
      "How connections come to the processes of 'cluster: shared': even (pmd accepts and hands them out in turn) or shared (each accepts from the one socket, whoever is first). See CLUSTERS."},
     read::balance},
    {{"ready", {}, kNow, Shape::Ready, "listening in a Node cluster, else when the program runs",
      "What makes an instance online: notify (READY=1, sd_notify(3)), ipc (the message \"ready\" on its channel), listening (it "
      "listens), probe (the check of 'health' succeeds; the default where that is given) or started (it has lived for min_uptime). See READINESS."},
     read::ready},
    {{"health", {}, kNow, Shape::Object, "", "The check of 'ready: probe': http, tcp or exec. See READINESS."}, read::health},
    {{"wait_ready", {}, kNow, Shape::Bool, "false", "PM2's name: true is 'ready: ipc', process.send('ready') of a Node app; a start, but no reload, takes the end of listen_timeout for it, too, with a warning."}, read::wait_ready},
    {{"listen_timeout", {}, kNow, Shape::Duration, "8s",
      "Time from the start of the program in which it must be ready; what is not has failed, and counts as an unstable exit."},
     [](Draft& draft, const Field& field) { read::positive_duration(draft.spec.serving.listen_timeout, field); }},
    {{"watchdog", {}, kNow, Shape::Duration, "0",
      "Longest silence between two WATCHDOG=1 (sd_notify(3)) after which the app is aborted and started anew; 0 asks for none."},
     [](Draft& draft, const Field& field) { field.duration(draft.spec.serving.watchdog); }},
    {{"channel", {}, kNow, Shape::Bool, "true for Node apps",
      "A message channel (NODE_CHANNEL_FD, one JSON value a line) for a program that is not Node's."},
     [](Draft& draft, const Field& field) { field.boolean(draft.spec.serving.channel); }},
    {{"shutdown_with_message", {}, kNow, Shape::Bool, "false", "A stop sends the message \"shutdown\" over the channel in place of kill_signal."},
     [](Draft& draft, const Field& field) { field.boolean(draft.spec.serving.shutdown_with_message); }},
    {{"drain", {}, kNow, Shape::Drain, "10s",
      "Time in which a process that a reload replaces may end its connections before it gets kill_signal; false: it gets it at once. "
      "See RELOAD."},
     read::drain},
    {{"reload", {}, kNow, Shape::Object, "", "How a reload replaces instances. See RELOAD."}, read::reload},
    {{"autostart", {}, kNow, Shape::Bool, "true", "Start the app when it is loaded; otherwise it waits for a start."},
     [](Draft& draft, const Field& field) { field.boolean(draft.spec.autostart); }},
    {{"autorestart", {}, kNow, Shape::Bool, "true", "Start the app again when it ends."},
     [](Draft& draft, const Field& field) { field.boolean(draft.spec.restart.autorestart); }},
    {{"stop_exit_codes", {}, kNow, Shape::ExitCodes, "", "Exit codes that mean done: the app is not started again."},
     read::stop_exit_codes},
    {{"max_restarts", {}, kNow, Shape::CountOrInfinity, "16",
      "Unstable exits in a row after which the app is errored; infinity: it never is. 0: it is not started again, whenever it ends (PM2's meaning)."},
     read::max_restarts},
    {{"min_uptime", {}, kNow, Shape::Duration, "1s", "An app that ends sooner was unstable."},
     [](Draft& draft, const Field& field) { field.duration(draft.spec.restart.min_uptime); }},
    {{"restart_delay", {}, kNow, Shape::Duration, "0", "Wait before a restart."},
     [](Draft& draft, const Field& field) { field.duration(draft.spec.restart.restart_delay); }},
    {{"exp_backoff_restart_delay", {}, kNow, Shape::Duration, "0",
      "First wait before a restart; it grows by half with each, to 15 s, and starts over when the app was stable."},
     [](Draft& draft, const Field& field) { field.duration(draft.spec.restart.exp_backoff_restart_delay); }},
    {{"kill_signal", {}, kNow, Shape::Signal, "SIGINT for Node apps, else SIGTERM", "Signal that asks the app to end."},
     read::kill_signal},
    {{"kill_timeout", {}, kNow, Shape::Duration, "1600ms", "Time between kill_signal and SIGKILL; 0 is the default."},
     read::kill_timeout},
    {{"kill_mode", {}, kNow, Shape::KillMode, "group",
      "What a stop ends: everything the app started (group), or its first process only (main)."},
     read::kill_mode},
    {{"treekill", {}, kNow, Shape::Bool, "true", "PM2's name: false is 'kill_mode: main'."}, read::treekill},
};

constexpr Row kLogs[] = {
    {{"out_file", {"out", "output", "out_log"}, kNow, Shape::StreamFile, "<state>/logs/<app>-<n>-out.log",
      "File of the standard output; NULL or /dev/null keeps none."},
     [](Draft& draft, const Field& field) { read::stream_file(draft, draft.out_file, field); }},
    {{"error_file", {"error", "err", "err_file", "err_log"}, kNow, Shape::StreamFile, "<state>/logs/<app>-<n>-error.log",
      "File of the standard error; NULL or /dev/null keeps none."},
     [](Draft& draft, const Field& field) { read::stream_file(draft, draft.error_file, field); }},
    {{"log_file", {"log"}, kNow, Shape::BoolOrText, "",
      "File of both streams in addition; true is <state>/logs/<app>.log, <app>-<n>.log with several instances."},
     read::log_file},
};

constexpr Row kLogOptions[] = {
    {{"merge_logs", {"combine_logs"}, kNow, Shape::Bool, "false", "All instances write to the same files."},
     [](Draft& draft, const Field& field) { field.boolean(draft.spec.logs.merge_logs); }},
    {{"disable_logs", {}, kNow, Shape::Bool, "false", "Keep no logs."},
     [](Draft& draft, const Field& field) { field.boolean(draft.spec.logs.disable_logs); }},
    {{"log_type", {}, kNow, Shape::LogType, "raw", "Lines as they are, or JSON objects; a line that is long or is not ended for a moment comes in objects of which all but "
     "the last have partial: true, all but the first continued: true."}, read::log_type},
    {{"log_date_format", {}, kNow, Shape::Text, "",
      "Date before each line: day.js tokens (YYYY-MM-DD HH:mm:ss.SSS Z, those of its advancedFormat too, literal text in [brackets]), or strftime(3) when it has a '%'."},
     read::log_date_format},
    {{"time", {}, kNow, Shape::Bool, "false", "Short for 'log_date_format: YYYY-MM-DDTHH:mm:ss'."},
     [](Draft& draft, const Field& field) { field.boolean(draft.time); }},
    {{"logs", {}, kNow, Shape::Object, "", "Where logs go, as one map."}, read::logs},
    {{"pid_file", {"pid"}, kNow, Shape::Text, "", "File that holds the process number while the app runs."},
     [](Draft& draft, const Field& field) { read::file(draft, draft.pid_file, field); }},
};

constexpr Row kUpkeepKeys[] = {
    {{"max_memory_restart", {}, kNow, Shape::Size, "0", "An instance that holds more memory is replaced, as by a reload. See UPKEEP."}, read::max_memory},
    {{"cron_restart", {"cron"}, kNow, Shape::Cron, "0", "When the instances are replaced, as by a reload: a pattern of crontab(5), 6 fields with seconds. See UPKEEP."}, read::cron},
    {{"watch", {}, kNow, Shape::Watch, "false",
      "The instances are replaced, as by a reload, when these files or files below these directories change; true: those below cwd. See UPKEEP."},
     read::watch},
    {{"ignore_watch", {}, kNow, Shape::Texts, "",
      "Files and directories that are not watched, with all that is in them, beside node_modules and names that begin with a dot."},
     read::ignore_watch},
    {{"watch_delay", {}, kNow, Shape::Duration, "200ms", "So long nothing more must have changed before the instances are replaced."}, read::watch_delay},
    {{"watch_options", {}, kNow, Shape::Object, "", "How files are watched."}, read::watch_options},
};

/// Those of chokidar, whose names PM2 takes.
constexpr Row kWatchOptions[] = {
    {{"follow_symlinks", {}, kNow, Shape::Bool, "true", "What symbolic links lead to is watched as well."},
     [](Draft& draft, const Field& field) { field.boolean(draft.spec.upkeep.watch.follow_symlinks); }},
    {{"depth", {}, kNow, Shape::Count, "", "So many levels of directories below each path are watched; 0: only its own files."}, read::watch_depth},
    {{"ignored", {}, kNow, Shape::Texts, "", "As ignore_watch."}, read::watch_ignored},
    {{"use_polling", {}, kNow, Shape::Bool, "false",
      "Files are looked at again and again, for file systems that do not tell of changes made on other machines."},
     read::watch_polls},
    {{"interval", {}, kNow, Shape::Duration, "1s", "So often, at least 100ms, with use_polling."}, read::watch_interval},
    {{"persistent", {}, Support::Ignored, Shape::Anything, "", "files are watched as long as the app is to run"}, nullptr},
    {{"ignore_initial", {}, Support::Ignored, Shape::Anything, "", "what is there at first is no change"}, nullptr},
    {{"await_write_finish", {}, Support::Ignored, Shape::Anything, "", "a file has changed when it is closed"}, nullptr},
    {{"atomic", {}, Support::Ignored, Shape::Anything, "", "a file that is replaced has changed once"}, nullptr},
    {{"ignore_permission_errors", {}, Support::Ignored, Shape::Anything, "", "what the app's user cannot read is not watched"}, nullptr},
};

constexpr Row kLaterKeys[] = {
    {{"owner", {}, kLater, Shape::Account, "", "User who may manage the app without being root."},
     [](Draft&, const Field& field) {
         std::string ignored;
         read::account(ignored, field);
     }},
    {{"stdin", {}, kLater, Shape::Stdio, "", "What the app reads."}, read::stdio},
    {{"stdout", {}, kLater, Shape::Stdio, "", "Where the app's output goes instead of the logs."}, read::stdio},
    {{"stderr", {}, kLater, Shape::Stdio, "", "Where the app's errors go instead of the logs."}, read::stdio},
};

constexpr Row kIgnoredKeys[] = {
    {{"username", {}, kIgnored, Shape::Anything, "", "PM2 only shows it; 'uid' says who runs the app"}},
    {{"kill_retry_time", {}, kIgnored, Shape::Anything, "", "pmd hears of an exit at once and does not poll"}},
    {{"force", {}, kIgnored, Shape::Anything, "", "an option of PM2's command line"}},
    {{"write", {}, kIgnored, Shape::Anything, "", "an option of PM2's command line"}},
    {{"execute_command", {}, kIgnored, Shape::Anything, "", "an option of PM2's command line"}},
    {{"vizion", {}, kIgnored, Shape::Anything, "", "pmd reads no version control data"}},
    {{"post_update", {}, kIgnored, Shape::Anything, "", "pmd pulls no code"}},
    {{"install_url", {}, kIgnored, Shape::Anything, "", "pmd installs no modules"}},
    {{"windowsHide", {}, kIgnored, Shape::Anything, "", "it is for Windows"}},
    {{"source_map_support", {}, kIgnored, Shape::Anything, "", "Node has --enable-source-maps, set it in node_args"}},
    {{"disable_source_map_support", {}, kIgnored, Shape::Anything, "", "pmd loads nothing into Node apps"}},
    {{"pmx", {}, kIgnored, Shape::Anything, "", "it belongs to PM2's monitoring service"}},
    {{"automation", {}, kIgnored, Shape::Anything, "", "it belongs to PM2's monitoring service"}},
    {{"trace", {}, kIgnored, Shape::Anything, "", "it belongs to PM2's monitoring service"}},
    {{"disable_trace", {}, kIgnored, Shape::Anything, "", "it belongs to PM2's monitoring service"}},
    {{"v8", {}, kIgnored, Shape::Anything, "", "it belongs to PM2's monitoring service"}},
    {{"event_loop_inspector", {}, kIgnored, Shape::Anything, "", "it belongs to PM2's monitoring service"}},
    {{"deep_monitoring", {}, kIgnored, Shape::Anything, "", "it belongs to PM2's monitoring service"}},
    {{"io", {}, kIgnored, Shape::Anything, "", "it belongs to PM2's monitoring service"}},
};

constexpr Row kLogTarget[] = {
    {{"to", {}, kNow, Shape::LogTarget, "journal with the systemd launcher unless a key names files, else files",
      "Where logs go: to journald, without a detour through pmd and with fields that name the app, or to files. The journal "
      "needs the systemd launcher."}, read::log_target},
};
constexpr Row kRotate[] = {
    {{"rotate", {}, kNow, Shape::Object, "", "When a log file is put aside and a new one begun: by size, by age or by both. See LOG FILES."}, read::rotate},
};
constexpr Row kRotateDetails[] = {
    {{"size", {}, kNow, Shape::Size, "", "A file does not grow beyond this size; at least 4K."}, read::rotate_size},
    {{"age", {}, kNow, Shape::Duration, "", "A file is put aside when a line comes so long after its beginning; at least 1s."}, read::rotate_age},
    {{"keep", {}, kNow, Shape::Count, "10", "So many files that were put aside are kept, for each log file."},
     [](Draft& draft, const Field& field) { read::rotate_keep(draft, field); }},
    {{"compress", {}, kNow, Shape::Bool, "false", "Files that were put aside are compressed by gzip(1), in the background."},
     [](Draft& draft, const Field& field) { field.boolean(draft.spec.logs.rotate.compress); }},
    {{"budget", {}, kNow, Shape::Size, "", "The oldest files that were put aside are removed while all of a log file take more."},
     [](Draft& draft, const Field& field) { field.size(draft.spec.logs.rotate.budget); }},
};
constexpr Row kLimits[] = {
    {{"scope", {}, kNow, Shape::LimitScope, "instance",
      "Whom the limits hold for: each instance, or all of the app together (app), for which the systemd launcher is needed."},
     read::limit_scope},
    {{"memory_max", {}, kNow, Shape::Memory, "", "Most memory, beyond which the kernel kills."},
     [](Draft& draft, const Field& field) { read::memory(draft.spec.limits.memory_max, field, 1); }},
    {{"memory_high", {}, kNow, Shape::Memory, "", "Memory from which the kernel slows the app down and takes back."},
     [](Draft& draft, const Field& field) { read::memory(draft.spec.limits.memory_high, field, 1); }},
    {{"memory_low", {}, kNow, Shape::Memory, "", "Memory that is left to the app when others run short."},
     [](Draft& draft, const Field& field) { read::memory(draft.spec.limits.memory_low, field, 0); }},
    {{"memory_swap_max", {}, kNow, Shape::Memory, "", "Most swap; 0 is none."},
     [](Draft& draft, const Field& field) { read::memory(draft.spec.limits.memory_swap_max, field, 0); }},
    {{"cpu", {}, kNow, Shape::Percent, "", "Share of a CPU; two whole ones are 200%."}, read::cpu_share},
    {{"cpu_weight", {}, kNow, Shape::Weight, "100", "Share of the CPU beside others, 1 to 10000."},
     [](Draft& draft, const Field& field) { read::weight(draft.spec.limits.cpu_weight, field); }},
    {{"io_weight", {}, kNow, Shape::Weight, "100", "Share of the disk beside others, 1 to 10000."},
     [](Draft& draft, const Field& field) { read::weight(draft.spec.limits.io_weight, field); }},
    {{"tasks", {}, kNow, Shape::Tasks, "", "Most processes and threads, or infinity."}, read::tasks},
    {{"open_files", {}, kNow, Shape::Count, "", "Open files of each process, the same as rlimits.nofile."}, read::open_files},
};
constexpr Row kListen[] = {
    {{"address", {}, kNow, Shape::Text, "",
      "A port, host:port with an IP address or *, tcp:// or udp:// before it, unix:/path (relative ones are seen from cwd) or "
      "unix:@name (abstract). Required."},
     read::listen_address},
    {{"name", {}, kNow, Shape::Text, "the port, or the path's last part", "Name of the socket in LISTEN_FDNAMES."}, read::listen_name},
    {{"type", {}, kNow, Shape::SocketType, "stream, dgram with udp://", "stream, dgram (UDP), or seqpacket (unix only)."},
     read::listen_type},
    {{"backlog", {}, kNow, Shape::Count, "4096", "Connections that wait; net.core.somaxconn bounds it."}, read::listen_backlog},
    {{"v6only", {}, kNow, Shape::Bool, "true", "An IPv6 address takes no connections of IPv4."},
     [](Draft& draft, const Field& field) { read::listen_flag(draft, field, "v6only", &model::ListenAddress::v6only); }},
    {{"reuseport", {}, kNow, Shape::Bool, "false", "Sets SO_REUSEPORT: other programs of the same user may listen there too."},
     [](Draft& draft, const Field& field) { read::listen_flag(draft, field, "reuseport", &model::ListenAddress::reuseport); }},
    {{"nodelay", {}, kNow, Shape::Bool, "false", "Sets TCP_NODELAY."},
     [](Draft& draft, const Field& field) { read::listen_flag(draft, field, "nodelay", &model::ListenAddress::nodelay); }},
    {{"free_bind", {}, kNow, Shape::Bool, "false", "The machine need not have the address yet (IP_FREEBIND)."},
     [](Draft& draft, const Field& field) { read::listen_flag(draft, field, "free_bind", &model::ListenAddress::free_bind); }},
    {{"user", {}, kNow, Shape::Account, "the app's user", "Owner of the path, name or number."},
     [](Draft& draft, const Field& field) { read::listen_account(draft, field, "user", &model::ListenAddress::user); }},
    {{"group", {}, kNow, Shape::Account, "the app's group", "Group of the path, name or number."},
     [](Draft& draft, const Field& field) { read::listen_account(draft, field, "group", &model::ListenAddress::group); }},
    {{"mode", {}, kNow, Shape::Umask, "0660", "Permissions of the path, octal: who may write may connect."}, read::listen_mode},
};
constexpr Row kHealth[] = {
    {{"http", {}, kNow, Shape::Text, "",
      "URL that must answer 2xx or 3xx: http://, an IP address or localhost, a port or $NAME, the variable that holds it."},
     read::health_http},
    {{"tcp", {}, kNow, Shape::Text, "", "Address that must take a connection: an IP address or localhost, and a port or $NAME."}, read::health_tcp},
    {{"exec", {}, kNow, Shape::Words, "",
      "Command that must end with exit code 0, run as the app is: its user, directory, variables (and MAINPID), limits and sandbox. A list, or "
      "one line split at blanks that honours quotes; no shell."},
     read::health_exec},
    {{"interval", {}, kNow, Shape::Duration, "10s", "Pause between two checks, at least 100ms; until the instance is ready it is shorter, a second at most."},
     read::health_interval},
    {{"timeout", {}, kNow, Shape::Duration, "2s", "Time for one check; a command is killed then."},
     [](Draft& draft, const Field& field) { read::positive_duration(draft.spec.health->timeout, field); }},
    {{"retries", {}, kNow, Shape::Count, "3", "Failed checks in a row after which an instance that is online is unhealthy; 0: what is online is not checked."},
     [](Draft& draft, const Field& field) { read::health_count(draft.spec.health->retries, field, 0); }},
    {{"success_threshold", {}, kNow, Shape::Count, "1", "Checks in a row that succeed before it is healthy again."},
     [](Draft& draft, const Field& field) { read::health_count(draft.spec.health->success_threshold, field, 1); }},
    {{"start_period", {}, kNow, Shape::Duration, "0", "Time after it is online in which failures do not count."},
     [](Draft& draft, const Field& field) { field.duration(draft.spec.health->start_period); }},
    {{"jitter", {}, kNow, Shape::Duration, "0", "Each pause is longer by a part of this, at random, so that many are not checked at once."},
     [](Draft& draft, const Field& field) { field.duration(draft.spec.health->jitter); }},
    {{"on_unhealthy", {}, kNow, Shape::OnUnhealthy, "reload",
      "What is done then: reload (it is replaced as by a reload), restart (it is stopped and started) or none."},
     read::health_action},
};
constexpr Row kReload[] = {
    {{"mode", {}, kNow, Shape::ReloadMode, "rolling where instances share what they listen on, else restart",
      "rolling (the new process is ready before the old one is told to go), restart (one after the other is stopped and started) or "
      "signal (the program reloads itself)."},
     read::reload_mode},
    {{"parallel", {}, kNow, Shape::Count, "1", "Instances replaced at once."},
     [](Draft& draft, const Field& field) { read::reload_count(draft.spec.serving.reload.parallel, field, 1); }},
    {{"max_unavailable", {}, kNow, Shape::Count, "0",
      "Instances that may end before their successors are ready: saves their memory, or what only one can hold."},
     [](Draft& draft, const Field& field) { read::reload_count(draft.spec.serving.reload.max_unavailable, field, 0); }},
    {{"signal", {}, kNow, Shape::Signal, "SIGHUP", "Signal that makes the app reload itself; mode signal alone."}, read::reload_signal},
};

template <std::size_t... Sizes>
std::vector<Row> together(const Row (&... parts)[Sizes])
{
    std::vector<Row> rows;
    (rows.insert(rows.end(), std::begin(parts), std::end(parts)), ...);
    return rows;
}

/// All but what must be given, and the variable that an app may be without.
bool empty_is_unset(std::string_view name) { return name != "script" && name != "instance_var"; }

} // namespace

const AppKeys& app_keys()
{
    static const std::vector<Row> rows = together(kProgram, kLogs, kLogOptions, kUpkeepKeys, kLaterKeys, kIgnoredKeys);
    static const AppKeys table(rows, empty_is_unset);
    return table;
}

const AppKeys& log_keys()
{
    static const std::vector<Row> rows = together(kLogTarget, kLogs, kRotate);
    static const AppKeys table(rows);
    return table;
}

const AppKeys& rotate_keys()
{
    static const AppKeys table(kRotateDetails);
    return table;
}

const AppKeys& limit_keys()
{
    static const AppKeys table(kLimits);
    return table;
}

const AppKeys& listen_keys()
{
    static const AppKeys table(kListen);
    return table;
}

const AppKeys& health_keys()
{
    static const AppKeys table(kHealth);
    return table;
}

const AppKeys& reload_keys()
{
    static const AppKeys table(kReload);
    return table;
}

const AppKeys& watch_option_keys()
{
    static const AppKeys table(kWatchOptions);
    return table;
}

const AppKeys* keys_below(std::string_view name)
{
    if (name == "logs") return &log_keys();
    if (name == "rotate") return &rotate_keys();
    if (name == "limits") return &limit_keys();
    if (name == "listen") return &listen_keys();
    if (name == "health") return &health_keys();
    if (name == "reload") return &reload_keys();
    if (name == "watch_options") return &watch_option_keys();
    return nullptr;
}

} // namespace pm::config
