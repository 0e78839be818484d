// SPDX-License-Identifier: Apache-2.0
// What starts with pmd, and the list of apps that a user saved.
#include "daemon/daemon.hpp"

#include "base/text.hpp"
#include "io/small_file.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <fmt/format.h>
#include <iterator>
#include <limits>
#include <unistd.h>
#include <utility>

namespace pm::daemon {
namespace {

constexpr std::size_t kMostBytesOfList = 256u << 20;
constexpr int kMostAside = 1000; ///< damaged lists that nobody has looked at

} // namespace

void Daemon::start_boot_apps()
{
    config::ParseOptions options;
    options.home = runtime_.home;
    options.max_bytes = runtime_.settings.max_file_bytes;
    options.max_apps = runtime_.settings.max_apps;
    options.launcher = launcher_->name();
    options.journal = runtime_.launcher == config::LauncherKind::Systemd;
    auto apps = read_apps_directory(runtime_.locations.apps_dir, options, geteuid(), log_);
    for (const BootApp& app : apps) boot_names_.insert(app.spec.name);
    state_.keep_marks(boot_names_);
    auto saved = read_saved_list();
    if (saved && runtime_.bus != config::BusKind::Embedded) std::ranges::move(saved->apps, std::back_inserter(apps));
    std::erase_if(apps, [this](const BootApp& app) {
        const bool removed = !supervisor_.spec(app.spec.name) && state_.was_removed(app.spec.name, app.origin);
        if (removed)
            log_.notice(fmt::format("app '{0}' of '{1}' was deleted and is not started; 'pmctl start {1} --only {0}' starts it, and so does the next pmd when the file has changed",
                                    app.spec.name, app.origin));
        return removed;
    });
    start(std::move(apps), {}, {});
}

/// Those that are not there yet; of two with one name the first.
void Daemon::start(std::vector<BootApp> apps, engine::Done done, std::vector<engine::InstanceFailure> before)
{
    struct Together {
        engine::Done done;
        engine::Outcome outcome;
        Together(engine::Done then, std::vector<engine::InstanceFailure> failures) : done(std::move(then)), outcome{{}, std::move(failures)} {}
        Together(const Together&) = delete;
        Together& operator=(const Together&) = delete;
        ~Together()
        {
            if (done) done(outcome);
        }
    };
    const auto together = std::make_shared<Together>(std::move(done), std::move(before)); // one: each that goes calls `done`
    for (BootApp& app : dependencies_first(std::move(apps))) {
        if (supervisor_.spec(app.spec.name)) continue;
        engine::ApplyOptions options;
        options.start = app.start;
        options.origin = app.origin;
        options.owner = app.owner;
        options.unattended = true;
        options.may_miss_dependencies = true;
        const std::string name = app.spec.name;
        const auto join = [together](const engine::Outcome& outcome) {
            std::ranges::copy(outcome.apps, std::back_inserter(together->outcome.apps));
            std::ranges::copy(outcome.failures, std::back_inserter(together->outcome.failures));
        };
        auto started = supervisor_.apply({app.spec}, options, join);
        if (started) continue;
        log_.error(fmt::format("{}: {}", name, started.error().message));
        if (started.error().code == base::ErrorCode::ListenFailed)
            add_errored(std::move(app.spec), options, join);
        else
            together->outcome.failures.push_back({{}, {}, {started.error().code, fmt::format("{}: {}", name, started.error().message)}});
    }
}

/// Nobody loads it again who would see the error: it is there, errored with the reason, for a later start.
void Daemon::add_errored(model::AppSpec spec, engine::ApplyOptions options, const engine::Done& done)
{
    options.start = false;
    const std::string name = spec.name;
    if (!supervisor_.apply({std::move(spec)}, options, {})) return;
    (void)supervisor_.operate(engine::Verb::Start, name, done);
}

base::Result<SavedList> Daemon::read_saved_list()
{
    saved_.clear();
    if (access(saved_list().c_str(), F_OK) < 0 && errno == ENOENT) return SavedList{}; // nothing was saved
    const auto text = io::read_small_file(saved_list(), kMostBytesOfList);
    if (!text) log_.error(text.error().message);
    if (!text) return tl::unexpected(text.error());
    SavedList list = read_list(*text);
    for (const std::string& fault : list.faults) log_.error(fmt::format("'{}' is damaged: {}", saved_list(), fault));
    for (const BootApp& app : list.apps) saved_.insert(app.spec.name);
    return list;
}

base::Result<std::string> Daemon::set_damaged_list_aside()
{
    const auto list = read_saved_list();
    if (list && list->faults.empty()) return std::string();
    for (int number = 1;; ++number) {
        const std::string aside = fmt::format("{}.damaged{}", saved_list(), number == 1 ? std::string() : std::to_string(number));
        if (::renameat2(AT_FDCWD, saved_list().c_str(), AT_FDCWD, aside.c_str(), RENAME_NOREPLACE) == 0) return aside;
        if (errno != EEXIST || number == kMostAside) return base::fail_errno(fmt::format("putting the damaged list '{}' aside as '{}'", saved_list(), aside), errno);
    }
}

base::Result<std::uint32_t> Daemon::save()
{
    std::vector<engine::SavedApp> apps;
    for (const model::AppSnapshot& app : supervisor_.snapshots())
        if (auto saved = supervisor_.saved(app.name)) apps.push_back(*std::move(saved));
    const auto aside = set_damaged_list_aside();
    if (!aside) return tl::unexpected(aside.error());
    if (!aside->empty()) log_.warning(fmt::format("'{}' was damaged: what is left of it is now '{}'", saved_list(), *aside));
    if (auto written = io::replace_file(saved_list(), to_list(apps), 0600); !written) return tl::unexpected(written.error());
    saved_.clear();
    for (const engine::SavedApp& app : apps) saved_.insert(app.spec->name);
    return static_cast<std::uint32_t>(apps.size());
}

base::Result<std::vector<std::string>> Daemon::resurrect(engine::Done done)
{
    auto list = read_saved_list();
    if (!list) return tl::unexpected(list.error());
    if (list->apps.empty() && list->faults.empty())
        return base::fail(base::ErrorCode::Failed, "nothing is saved; 'pmctl save' remembers the apps there are");
    std::vector<engine::InstanceFailure> damage;
    if (!list->faults.empty())
        damage.push_back({{}, {}, {base::ErrorCode::Failed, fmt::format("the saved list '{}' is damaged: {}; {} The next 'pmctl save' puts it aside", saved_list(),
                                                                        base::join(list->faults, "; "), list->apps.empty() ? "nothing can be started." : "what can be read was started.")}});
    std::erase_if(list->apps, [this](const BootApp& app) { return supervisor_.spec(app.spec.name) != nullptr; });
    std::vector<std::string> names;
    for (const BootApp& app : list->apps) names.push_back(app.spec.name);
    start(std::move(list->apps), std::move(done), std::move(damage));
    return names;
}

void Daemon::forget_saved(const std::string& app)
{
    if (ending_ || saved_.erase(app) == 0) return;
    const auto text = io::read_small_file(saved_list(), std::numeric_limits<std::size_t>::max());
    if (!text) return log_.warning(text.error().message);
    if (auto written = io::replace_file(saved_list(), without(*text, app), 0600); !written) log_.warning(written.error().message);
}

} // namespace pm::daemon
