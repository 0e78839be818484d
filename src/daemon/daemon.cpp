// SPDX-License-Identifier: Apache-2.0
#include "daemon/daemon.hpp"

#include "base/text.hpp"
#include "io/small_file.hpp"
#include "launch/direct_launcher.hpp"
#include "launch/process/user_database.hpp"
#include "launch/systemd_launcher.hpp"
#include "pmd-config.h"
#include "policy/serving.hpp"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <fmt/format.h>
#include <iterator>
#include <limits>
#include <malloc.h>
#include <sched.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>
#include <utility>

namespace pm::daemon {
namespace {

constexpr const char* kSystemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
constexpr model::Milliseconds kFirstReopen{100};
constexpr model::Milliseconds kSlowestReopen{30'000};
constexpr model::Milliseconds kBeforeHousekeeping{1'000};
constexpr int kMostLooks = 5;
/// Exit status after Exit: by it pmd.service (Restart=always, RestartPreventExitStatus=) knows that pmd is to stay ended.
constexpr int kStayEnded = 10;
constexpr std::size_t kWorthGivingBack = 512u << 10;

std::uint32_t cpu_count()
{
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) < 0) return 1;
    return static_cast<std::uint32_t>(std::max(CPU_COUNT(&set), 1));
}

io::Severity severity_of(config::LogLevel level) noexcept
{
    switch (level) {
    case config::LogLevel::Error: return io::Severity::Error;
    case config::LogLevel::Warning: return io::Severity::Warning;
    case config::LogLevel::Notice: return io::Severity::Notice;
    case config::LogLevel::Info: return io::Severity::Info;
    case config::LogLevel::Debug: return io::Severity::Debug;
    }
    return io::Severity::Info;
}

/// By the files of this machine alone, and only under a name that means this user again.
std::optional<bus::KnownUser> known_user(uid_t uid)
{
    launch::AccountFiles files;
    const auto user = files.user_by_id(uid);
    if (!user) return std::nullopt;
    const auto named = files.user_by_name(user->name);
    if (!named || named->uid != uid) return std::nullopt;
    return bus::KnownUser{user->name, user->home};
}

} // namespace

// References to members that are made later are only stored by those made earlier, not used before run().
Daemon::Daemon(Runtime runtime, io::Log& log)
    : runtime_(std::move(runtime)), log_(log), quota_(runtime_.settings.max_calls_per_caller), kept_fds_(log),
      logs_(loop_, log_options(),
            [this](const std::string& text) { log_.write(io::Severity::Warning, text, io::Message::OutputTrouble); }),
      paths_(loop_),
      sockets_([this](const std::string& user, const std::string& group) { return accounts_.find(user, group); },
               [this](const std::string& text) { log_.warning(text); }),
      notify_(loop_, notify_directory(runtime_.locations.runtime_dir),
              [this](engine::ProcessKey key, pid_t pid) { return launcher_->owns(key, pid); },
              [this](const std::string& text) { log_.warning(text); }),
      bind_broker_(loop_, policy::cluster_of, [this](engine::ProcessKey key) { return launcher_->members(key); },
                   [this](const std::string& text) { log_.warning(text); }),
      node_(loop_, sockets_, {policy::sharing_of, policy::has_channel, runtime_.drain_script},
            [this](const std::string& text) { log_.warning(text); }),
      quiet_end_(loop_, policy::cluster_of, [this](engine::ProcessKey key) { return launcher_->members(key); }, [this] { state_.flush(); }),
      listening_(loop_, [this](engine::ProcessKey key) { return launcher_->members(key); },
                 [this](const std::string& text) { log_.warning(text); },
                 [](const model::AppSpec& spec) { return policy::cluster_of(spec) != model::ClusterMode::None; }),
      launcher_(make_launcher()),
      probes_(loop_,
              [this](engine::ProcessKey key, model::Duration timeout, engine::Checked done) { return launcher_->check(key, timeout, std::move(done)); },
              [this](const std::string& text) { log_.warning(text); }),
      publisher_(loop_, logs_, [this](const std::string& text) { log_.warning(text); }),
      state_(loop_, log_, publisher_, kept_apps(runtime_).directory,
             [this](const std::string& app) { forget_saved(app); },
             [this](const std::string& app, const std::string& origin) { return boot_names_.contains(app) || origin.starts_with(runtime_.locations.apps_dir + "/"); }),
      upkeep_(loop_, state_,
              {[this](engine::ProcessKey key) { return launcher_->held_memory(key); },
               [this](engine::ProcessKey key, model::Duration timeout, engine::Checked done) { return launcher_->check(key, timeout, std::move(done)); },
               [this](int socket) { return start_helper(runtime_.pm_watch, socket); },
               [this](const model::AppSpec& spec) { return user_of(spec); },
               [this](base::InstanceId id, const model::RotateSpec& rotation) { logs_.set_rotation(id, rotation); },
               [this](const std::string& text) { log_.warning(text); }}),
      tidier_(loop_, [this](int socket) { return start_helper(runtime_.pm_tidy, socket); }, [this](const std::string& text) { log_.warning(text); }),
      events_(log_, upkeep_,
              [this](const std::string& app) {
                  const auto spec = supervisor_.spec(app);
                  return spec ? spec->name_space : std::string();
              },
              [this] { plan_housekeeping(); }),
      timers_(
          loop_, [this](base::InstanceId id) { supervisor_.on_timer(id); },
          [this](const std::string& text) { log_.error(text); }),
      supervisor_(*launcher_, sockets_, channels_, timers_, clock_, events_, limits()),
      context_{supervisor_,
               *launcher_,
               logs_,
               clock_,
               runtime_.settings,
               quota_,
               sampler_,
               runtime_.bus,
               std::string(launcher_->name()),
               runtime_.locations.state_dir,
               runtime_.locations.state_dir + "/logs",
               runtime_.home,
               runtime_.user,
               [this](engine::Done done) {
                   if (supervised_) status_ = kStayEnded;
                   shut_down(std::move(done), "Exit was called");
               },
               [this] { return save(); },
               [this](engine::Done done) { return resurrect(std::move(done)); },
               [this] { plan_housekeeping(); },
               known_user,
               [this](UpgradeDone done) { upgrade(std::move(done)); },
               [this](const std::string& app) { return upkeep_.watched_directories(app); }},
      places_(loop_, io::Priority::Processes, [this](int, const std::string&) { put_back_.set_enabled(true); })
{
    if (launcher_->apps_outlive_us()) kept_fds_.set_store(fd_store_.emplace(loop_, log_));
    sockets_.set_paths(paths_);
    notify_.set_events(supervisor_);
    bind_broker_.set_events(supervisor_);
    node_.set_events(supervisor_);
    quiet_end_.set_events(supervisor_);
    listening_.set_events(supervisor_);
    probes_.set_events(supervisor_);
    channels_.add(notify_);
    channels_.add(node_);
    channels_.add(quiet_end_);
    channels_.add(bind_broker_);
    channels_.add(listening_);
    channels_.add(probes_);
    launcher_->set_events(supervisor_);
    state_.set_sources(supervisor_, *launcher_);
    upkeep_.set_supervisor(supervisor_);
    logs_.set_put_aside([this](const logs::LogPath& path, const model::RotateSpec& rotation) {
        tidier_.add({path.user ? std::optional(*path.user) : std::nullopt, path.path, rotation.keep, rotation.compress, rotation.budget});
    });
    quota_.set_before_answers([this] { state_.flush(); });
    log_.set_threshold(severity_of(runtime_.settings.log_level));
    if (access(runtime_.drain_script.c_str(), R_OK) < 0)
        log_.warning(fmt::format("'{}' cannot be read: a reload of Node programs will cut connections that are kept open; install pmd anew", runtime_.drain_script));
    if (auto timer = loop_.add_timer(clock_.now(), io::Priority::Deferred, [this] { keep_house(); }))
        housekeeping_ = std::move(*timer);
}

std::unique_ptr<launch::Launcher> Daemon::make_launcher()
{
    const auto warn = [this](const std::string& text) { log_.warning(text); };
    switch (runtime_.launcher) {
    case config::LauncherKind::Systemd:
        return std::make_unique<launch::SystemdLauncher>(
            loop_, logs_, sockets_, channels_,
            launch::SystemdOptions{runtime_.pm_exec, app_path_variable(), runtime_.bus != config::BusKind::System,
                                   runtime_.earlier ? runtime_.earlier->launcher : std::string(), [this] { state_.flush(); }},
            warn);
    case config::LauncherKind::Direct: break;
    }
    return std::make_unique<launch::DirectLauncher>(
        loop_, logs_, sockets_, channels_,
        launch::DirectOptions{runtime_.pm_exec, runtime_.settings.cgroups, app_path_variable(), runtime_.nofile,
                              kept_apps(runtime_).launch_journal, runtime_.earlier ? runtime_.earlier->launcher : std::string(), [this] { state_.flush(); }},
        warn);
}

engine::Limits Daemon::limits() const
{
    engine::Limits limits;
    limits.max_apps = runtime_.settings.max_apps;
    limits.max_instances = runtime_.settings.max_instances;
    limits.of_user = {runtime_.settings.max_apps_per_user, runtime_.settings.max_instances_per_user, runtime_.settings.max_state_per_user, runtime_.settings.max_sockets_per_user};
    limits.max_sockets = runtime_.settings.max_sockets;
    limits.master = getuid();
    limits.cpus = cpu_count();
    return limits;
}

logs::LogOptions Daemon::log_options() const
{
    logs::LogOptions options;
    options.directory = runtime_.locations.state_dir + "/logs";
    options.max_line = runtime_.settings.max_log_line;
    options.max_reader_buffer = runtime_.settings.max_log_buffer;
    options.max_readers_of_user = runtime_.settings.max_readers_per_user;
    options.survive_us = runtime_.launcher == config::LauncherKind::Direct; // with systemd somebody else holds the pipes as well
    options.journal = runtime_.launcher == config::LauncherKind::Systemd;
    options.journal_by_default = runtime_.settings.logs != model::LogTarget::Files;
    return options;
}

std::string Daemon::app_path_variable() const
{
    if (!runtime_.settings.path.empty()) return runtime_.settings.path;
    const char* own = std::getenv("PATH");
    return runtime_.bus != config::BusKind::System && own != nullptr && *own != '\0' ? own : kSystemPath;
}

int Daemon::run()
{
    restore();
    if (runtime_.earlier)
        (void)read_saved_list(); // what starts with pmd has: what of it is not there now is so on purpose
    else
        start_boot_apps();
    for (auto step : {&Daemon::watch_signals, &Daemon::open_bus}) {
        if (auto done = (this->*step)(); !done) {
            log_.error(done.error().message);
            sd_notifyf(0, "STATUS=%s", done.error().message.c_str());
            if (!runtime_.earlier) return EXIT_FAILURE;
            bus_lost(done.error().message); // apps run that would end with us: it is tried again
        }
    }
    runtime_.earlier.reset();
    guard_places();
    log_.write(io::Severity::Notice,
               fmt::format("pmd {} serves org.pmd1 on the {} bus, state in '{}', {}", PMD_VERSION,
                           config::to_string(runtime_.bus), runtime_.locations.state_dir, launcher_->description()),
               io::Message::Serving);
    malloc_trim(0); // what start-up needed once
    supervised_ = sd_notify(0, "READY=1") > 0;
    loop_.serve_watchdog();
    const int status = loop_.run();
    state_.flush();
    publisher_.flush();
    service_.reset(); // flushes what is queued for clients
    log_.notice("ended");
    return status;
}

base::Result<void> Daemon::watch_signals()
{
    for (const int number : {SIGPIPE, SIGUSR1, SIGUSR2, SIGALRM}) std::signal(number, SIG_IGN); // apps get the defaults
    const auto watch = [this](int number, std::function<void(int)> callback) -> base::Result<void> {
        auto source = loop_.add_signal(number, std::move(callback));
        if (!source) return tl::unexpected(source.error());
        signals_.push_back(std::move(*source));
        return {};
    };
    for (const int number : {SIGTERM, SIGINT, SIGQUIT}) {
        auto watched = watch(number, [this](int) { on_end_signal(); });
        if (!watched) return watched;
    }
    return watch(SIGHUP, [this](int) { reload(); });
}

base::Result<void> Daemon::open_bus()
{
    if (runtime_.bus == config::BusKind::Embedded && !embedded_)
        if (auto had = have_embedded_bus(); !had) return had;
    auto service = bus::Service::start(loop_, publisher_, context_, runtime_.locations.embedded_address,
                                       [this](const std::string& why) { bus_lost(why); });
    if (!service) return tl::unexpected(service.error());
    service_ = std::move(*service);
    reopen_delay_ = kFirstReopen;
    return {};
}

base::Result<void> Daemon::have_embedded_bus()
{
    const auto on_end = [this] { bus_lost("the private dbus-daemon ended"); };
    const std::string& directory = runtime_.locations.runtime_dir;
    const int earlier = runtime_.earlier ? std::exchange(runtime_.earlier->bus_daemon, -1) : -1;
    auto bus = earlier >= 0 ? io::EmbeddedBus::adopt(loop_, directory, runtime_.earlier->bus_pid, base::Fd(earlier), on_end)
                            : io::EmbeddedBus::start(loop_, directory, runtime_.locations.embedded_address, on_end);
    if (!bus) return tl::unexpected(bus.error());
    embedded_.emplace(std::move(*bus));
    return {};
}

void Daemon::bus_lost(const std::string& why)
{
    if (reopen_ || ending_) return; // both ends of the embedded bus tell
    log_.write(io::Severity::Warning, fmt::format("the bus is gone ({}); the apps run on, connecting again", why),
               io::Message::BusLost);
    auto timer = loop_.add_timer(clock_.now() + kFirstReopen, io::Priority::Normal, [this] { reopen_bus(); });
    if (timer)
        reopen_ = std::move(*timer);
    else
        log_.error(timer.error().message);
}

void Daemon::reopen_bus()
{
    service_.reset();
    embedded_.reset();
    if (auto opened = open_bus(); !opened) {
        log_.warning(opened.error().message);
        reopen_delay_ = std::min(reopen_delay_ * 2, kSlowestReopen);
        reopen_.set_time(clock_.now() + reopen_delay_);
        return;
    }
    log_.write(io::Severity::Notice, "connected to the bus again", io::Message::BusBack);
    reopen_.reset();
}

void Daemon::reload()
{
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld", now.tv_sec * 1'000'000LL + now.tv_nsec / 1000);
    launcher_->forget_accounts();
    accounts_.forget();
    auto settings = load_settings(runtime_.config_file, false);
    if (settings) {
        override_settings(*settings, runtime_.options);
        const bool needs_start = settings->bus != runtime_.settings.bus ||
                                 settings->state_dir != runtime_.settings.state_dir ||
                                 settings->launcher != runtime_.settings.launcher ||
                                 settings->cgroups != runtime_.settings.cgroups;
        runtime_.settings = std::move(*settings);
        log_.set_threshold(severity_of(runtime_.settings.log_level));
        quota_.set_most(runtime_.settings.max_calls_per_caller);
        supervisor_.set_limits(limits());
        logs_.set_options(log_options());
        launcher_->set_path(app_path_variable());
        log_.write(io::Severity::Notice,
                   fmt::format("settings read again from '{}'{}", runtime_.config_file,
                               needs_start ? "; bus, launcher, state_dir and cgroups change at the next start only" : ""),
                   io::Message::SettingsRead);
    } else {
        for (const std::string& line : base::split(settings.error().message, '\n'))
            log_.write(io::Severity::Error, "the settings were not changed: " + line, io::Message::SettingsRefused);
    }
    sd_notify(0, "READY=1");
}

void Daemon::restore()
{
    if (runtime_.earlier) kept_fds_.inherit(runtime_.earlier->pipes, runtime_.earlier->sockets);
    if (runtime_.earlier)
        logs_.go_on_with(std::move(runtime_.earlier->begun_lines));
    else
        recover_begun_lines();
    const std::vector<engine::SavedApp> apps = runtime_.earlier ? earlier_apps() : recovered_apps();
    state_.make_directory();
    mark_life(runtime_);
    forget_earlier_lives(runtime_);
    logs_.set_depot(kept_fds_);
    sockets_.set_depot(kept_fds_);
    notify_.set_depot(kept_fds_);
    using Saving = channel::NodeChannels::Saving;
    node_.set_depot(kept_fds_, fd_store_ ? Saving::Always : Saving::Asked);
    bind_broker_.set_depot(kept_fds_);
    for (const base::Error& fault : supervisor_.restore(apps)) log_.error(fault.message);
    for (const engine::SavedApp& app : apps)
        for (const engine::ProcessKey key : engine::told_to_go(app)) quiet_end_.wake(key);
    kept_fds_.forget_rest();
    notify_.sweep();
    if (supervisor_.app_count() > 0)
        log_.notice(fmt::format("going on with {} apps that an earlier pmd left", supervisor_.app_count()));
}

void Daemon::plan_housekeeping()
{
    looks_ = 0;
    if (std::exchange(housekeeping_due_, true)) return;
    housekeeping_.set_time(clock_.now() + kBeforeHousekeeping);
}

void Daemon::keep_house()
{
    housekeeping_due_ = false;
    const std::uint32_t instances = supervisor_.instance_count();
    const bool much = mallinfo2().fordblks > kWorthGivingBack;
    if (much) malloc_trim(0);
    // Pipes are read to their end, and units released, after their processes are gone, which frees memory then: look again, a
    // few times.
    if ((much || logs_.open_streams() > std::size_t{2} * instances) && ++looks_ < kMostLooks)
        housekeeping_.set_time(clock_.now() + kBeforeHousekeeping);

    std::ptrdiff_t online = 0;
    for (const model::AppSnapshot& app : supervisor_.snapshots())
        online += std::ranges::count(app.instances, model::Status::Online, &model::InstanceSnapshot::status);
    const std::string status =
        fmt::format("{} apps, {} of {} instances online", supervisor_.app_count(), online, instances);
    if (!ending_ && status != last_status_) sd_notifyf(0, "STATUS=%s", status.c_str());
    last_status_ = status;
}

} // namespace pm::daemon
