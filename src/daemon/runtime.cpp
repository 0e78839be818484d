// SPDX-License-Identifier: Apache-2.0
#include "daemon/runtime.hpp"

#include "base/path.hpp"
#include "base/text.hpp"
#include "base/uptime.hpp"
#include "base/user_runtime_directory.hpp"
#include "daemon/state_text.hpp"
#include "io/small_file.hpp"
#include "pmd-config.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

namespace pm::daemon {
namespace {

constexpr std::size_t kMaxSettingsBytes = 1u << 20;
constexpr const char* kHostFile = "/host";

std::optional<std::string> from_environment(const std::string& name)
{
    const char* value = std::getenv(name.c_str());
    return value != nullptr ? std::optional<std::string>(value) : std::nullopt;
}

std::string home_directory()
{
    const char* home = std::getenv("HOME");
    if (home != nullptr && home[0] == '/') return home;
    const passwd* entry = getpwuid(geteuid());
    return entry != nullptr ? entry->pw_dir : "/";
}

/// Asked for once, before the loop: a user database may be slow.
std::string own_name()
{
    const passwd* entry = getpwuid(geteuid());
    return entry != nullptr ? std::string(entry->pw_name) : std::to_string(geteuid());
}

config::BusKind default_bus()
{
    return geteuid() == 0 && sd_booted() > 0 ? config::BusKind::System : config::BusKind::Embedded;
}

/// The manager of the bus: the system's, or the user's, whose private socket shows that there is one.
bool systemd_runs(config::BusKind bus)
{
    switch (bus) {
    case config::BusKind::System: return sd_booted() > 0;
    case config::BusKind::Session: {
        const auto directory = from_environment("XDG_RUNTIME_DIR");
        return directory && access((*directory + "/systemd/private").c_str(), F_OK) == 0;
    }
    case config::BusKind::Embedded: return false;
    }
    return false;
}

std::string own_directory()
{
    std::array<char, PATH_MAX> path{};
    const ssize_t length = readlink("/proc/self/exe", path.data(), path.size() - 1);
    const std::string self(path.data(), length > 0 ? static_cast<std::size_t>(length) : 0);
    return self.substr(0, self.rfind('/'));
}

/// --pm-exec, PMD_EXEC, the build tree, beside our own prefix: the first that is executable; else the installed place,
/// whose absence every launch will name.
std::string find_pm_exec(const Options& options)
{
    if (!options.pm_exec.empty()) return options.pm_exec;
    if (auto given = from_environment("PMD_EXEC")) return *given;
    for (const char* beside : {"/../launch/pm-exec", "/../libexec/pmd/pm-exec"}) {
        const std::string candidate = own_directory() + beside;
        if (access(candidate.c_str(), X_OK) == 0) return candidate;
    }
    return PMD_LIBEXECDIR "/pm-exec";
}

/// Where pm-exec is, or beside it in the build tree.
std::string find_helper(const std::string& pm_exec, const std::string& layer)
{
    const std::string directory = pm_exec.substr(0, pm_exec.rfind('/'));
    const std::string built = directory + "/../" + layer + "/pm-" + layer;
    return access(built.c_str(), X_OK) == 0 ? built : directory + "/pm-" + layer;
}

/// What Node workers load to drain well: in the build tree, beside our own prefix, else the installed place.
std::string find_drain_script()
{
    for (const char* beside : {"/../../node/pmd-drain.cjs", "/../share/pmd/pmd-drain.cjs"}) {
        const std::string candidate = base::absolute_path("/", own_directory() + beside);
        if (access(candidate.c_str(), R_OK) == 0) return candidate;
    }
    return PMD_DATADIR "/pmd-drain.cjs";
}

base::Result<std::string> read_settings(const std::string& path, bool must_exist)
{
    const base::Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!file) {
        if (errno == ENOENT && !must_exist) return std::string();
        return base::fail_errno(fmt::format("opening '{}'", path), errno);
    }
    std::string text(kMaxSettingsBytes + 1, '\0');
    const ssize_t count = read(file.get(), text.data(), text.size());
    if (count < 0) return base::fail_errno(fmt::format("reading '{}'", path), errno);
    if (static_cast<std::size_t>(count) > kMaxSettingsBytes)
        return base::fail(base::ErrorCode::LimitExceeded, fmt::format("reading '{}': larger than 1 MiB", path));
    text.resize(static_cast<std::size_t>(count));
    return text;
}

} // namespace

base::Result<config::Settings> load_settings(const std::string& path, bool must_exist)
{
    auto text = read_settings(path, must_exist);
    if (!text) return tl::unexpected(text.error());
    config::SettingsFile file = config::parse_settings(*text);
    if (file.ok()) return file.settings;
    std::string lines;
    for (const config::Diagnostic& fault : file.diagnostics)
        lines += (lines.empty() ? "" : "\n") + config::to_string(fault, path);
    return base::fail(base::ErrorCode::InvalidSpec, lines);
}

void override_settings(config::Settings& settings, const Options& options)
{
    if (options.log_level) settings.log_level = *options.log_level;
}

base::Result<Runtime> find_runtime(const Options& options)
{
    if (auto good = config::check_locations(from_environment); !good) return tl::unexpected(good.error());
    Runtime runtime;
    runtime.options = options;
    runtime.home = home_directory();
    runtime.user = own_name();
    runtime.pm_exec = find_pm_exec(options);
    runtime.pm_watch = find_helper(runtime.pm_exec, "watch");
    runtime.pm_tidy = find_helper(runtime.pm_exec, "tidy");
    runtime.drain_script = find_drain_script();
    const auto bus = options.bus.value_or(default_bus());
    const config::Machine machine{base::user_runtime_directory(geteuid()), base::host_name()};
    runtime.locations = config::locations(bus, geteuid(), runtime.home, from_environment, machine);
    runtime.config_file = options.config_file.empty() ? runtime.locations.settings_file : options.config_file;
    auto settings = load_settings(runtime.config_file, !options.config_file.empty());
    if (!settings) return tl::unexpected(settings.error());
    runtime.settings = std::move(*settings);
    override_settings(runtime.settings, options);
    runtime.bus = options.bus.value_or(runtime.settings.bus.value_or(bus));
    const auto usual = systemd_runs(runtime.bus) ? config::LauncherKind::Systemd : config::LauncherKind::Direct;
    runtime.launcher = options.launcher.value_or(runtime.settings.launcher.value_or(usual));
    if (runtime.launcher == config::LauncherKind::Systemd && runtime.bus == config::BusKind::Embedded)
        return base::fail(base::ErrorCode::InvalidArgument,
                          "the systemd launcher needs the system or the session bus, not the embedded one");
    if (runtime.launcher != config::LauncherKind::Systemd && runtime.settings.logs == model::LogTarget::Journal)
        return base::fail(base::ErrorCode::InvalidArgument,
                          fmt::format("'{}': 'logs: journal' needs the systemd launcher, and this pmd starts processes itself", runtime.config_file));
    runtime.locations = config::locations(runtime.bus, geteuid(), runtime.home, from_environment, machine);
    if (!runtime.settings.state_dir.empty() && !from_environment("PMD_STATE_DIR"))
        runtime.locations.state_dir = runtime.settings.state_dir;
    if (!runtime.settings.apps_dir.empty()) runtime.locations.apps_dir = runtime.settings.apps_dir;
    if (!options.state_dir.empty()) runtime.locations.state_dir = options.state_dir;
    if (!options.runtime_dir.empty()) {
        runtime.locations.runtime_dir = options.runtime_dir;
        runtime.locations.embedded_address = config::embedded_address(options.runtime_dir);
    }
    return runtime;
}

base::Result<void> prepare_directory(const std::string& path, bool is_private)
{
    const std::string doing = fmt::format("preparing directory '{}'", path);
    for (std::size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1))
        if (mkdir(path.substr(0, slash).c_str(), 0755) < 0 && errno != EEXIST) return base::fail_errno(doing, errno);
    if (mkdir(path.c_str(), 0700) < 0 && errno != EEXIST) return base::fail_errno(doing, errno);
    struct stat status {};
    if (lstat(path.c_str(), &status) < 0) return base::fail_errno(doing, errno);
    if (!S_ISDIR(status.st_mode))
        return base::fail(base::ErrorCode::Failed, doing + ": it exists and is not a directory");
    if (status.st_uid != geteuid())
        return base::fail(base::ErrorCode::Failed, fmt::format("{}: it belongs to user {}, not to us", doing, status.st_uid));
    if (is_private && (status.st_mode & 077) != 0)
        return base::fail(base::ErrorCode::Failed,
                          fmt::format("{}: its mode is {:o}, others must not get in (chmod 700 {})", doing,
                                      status.st_mode & 07777, path));
    return {};
}

std::string notify_directory(const std::string& runtime_dir)
{
    struct stat status {};
    const bool closed = stat(runtime_dir.c_str(), &status) == 0 && (status.st_mode & S_IXOTH) == 0;
    return runtime_dir + (closed && geteuid() == 0 ? "-notify" : "/notify");
}

base::Result<base::Fd> take_lock(const std::string& runtime_dir)
{
    const std::string path = runtime_dir + "/pmd.lock";
    base::Fd lock(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!lock) return base::fail_errno(fmt::format("opening '{}'", path), errno);
    if (flock(lock.get(), LOCK_EX | LOCK_NB) < 0) {
        if (errno == EWOULDBLOCK) return base::Fd();
        return base::fail_errno(fmt::format("locking '{}'", path), errno);
    }
    const std::string pid = fmt::format("{}\n", getpid());
    if (ftruncate(lock.get(), 0) < 0 || write(lock.get(), pid.data(), pid.size()) < 0)
        return base::fail_errno(fmt::format("writing '{}'", path), errno);
    return lock;
}

bool is_lock_there(const std::string& runtime_dir, int lock)
{
    struct stat held {};
    struct stat there {};
    return ::fstat(lock, &held) == 0 && ::lstat((runtime_dir + "/pmd.lock").c_str(), &there) == 0 && held.st_dev == there.st_dev &&
           held.st_ino == there.st_ino;
}

void stay_where_it_is(Runtime& runtime, const Handover& handover)
{
    config::Locations& places = runtime.locations;
    const std::string& was = handover.whereabouts.runtime_dir;
    if (std::ranges::find(places.other_runtime_dirs, was) == places.other_runtime_dirs.end()) return;
    places.runtime_dir = was;
    places.embedded_address = config::embedded_address(was);
}

config::KeptApps kept_apps(const Runtime& runtime)
{
    if (runtime.launcher == config::LauncherKind::Systemd) return config::kept_with_units(runtime.locations.runtime_dir);
    return config::kept_for_life(runtime.locations.state_dir, runtime.bus, base::to_string(base::uptime_identity()));
}

void mark_life(const Runtime& runtime)
{
    const std::string mark = kept_apps(runtime).directory + kHostFile;
    if (runtime.launcher == config::LauncherKind::Direct && access(mark.c_str(), F_OK) < 0) (void)io::replace_file(mark, base::host_name(), 0600);
}

void forget_earlier_lives(const Runtime& runtime)
{
    if (runtime.launcher != config::LauncherKind::Direct) return;
    const std::string all = config::kept_for_life(runtime.locations.state_dir, runtime.bus, {}).directory;
    const std::string of_this_boot = all + base::uptime_identity().boot + ".";
    std::error_code none;
    std::vector<std::string> earlier;
    for (const auto& entry : std::filesystem::directory_iterator(runtime.locations.state_dir, none)) {
        const std::string path = entry.path();
        if (path.starts_with(all) && !path.starts_with(of_this_boot) && io::read_small_file(path + kHostFile, PATH_MAX).value_or("") == base::host_name())
            earlier.push_back(path);
    }
    for (const std::string& path : earlier) std::filesystem::remove_all(path, none);
}

Whereabouts whereabouts(const Runtime& runtime)
{
    return {std::string(config::to_string(runtime.bus)),
            runtime.launcher == config::LauncherKind::Systemd ? "systemd" : "direct", runtime.locations.runtime_dir,
            runtime.locations.state_dir};
}

base::Result<void> check_upgrade(const Handover& handover, const Runtime& runtime)
{
    const Whereabouts old = handover.whereabouts, now = whereabouts(runtime);
    if (old != now)
        return base::fail(base::ErrorCode::Failed,
                          fmt::format("the settings or the environment have changed what takes a stop and a start: bus {}, launcher {}, "
                                      "state in '{}', sockets in '{}'; it runs with {}, {}, '{}', '{}'",
                                      now.bus, now.launcher, now.state_dir, now.runtime_dir, old.bus, old.launcher, old.state_dir,
                                      old.runtime_dir));
    for (const std::string& text : handover.apps)
        if (auto app = saved_app_from(text); !app)
            return base::fail(base::ErrorCode::Failed, "an app that is there cannot be gone on with: " + app.error().message);
    return {};
}

std::optional<model::ResourceLimit> raise_descriptor_limit() noexcept
{
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return std::nullopt;
    const model::ResourceLimit original{RLIMIT_NOFILE, limit.rlim_cur, limit.rlim_max};
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    return original;
}

} // namespace pm::daemon
