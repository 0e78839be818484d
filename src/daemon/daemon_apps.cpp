// SPDX-License-Identifier: Apache-2.0
// What starts with pmd, and the list of apps that a user saved.
#include "daemon/daemon.hpp"

#include "io/small_file.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <limits>
#include <unistd.h>
#include <utility>

namespace pm::daemon {

void Daemon::start_boot_apps()
{
    config::ParseOptions options;
    options.home = runtime_.home;
    options.max_bytes = runtime_.settings.max_file_bytes;
    options.max_apps = runtime_.settings.max_apps;
    options.launcher = launcher_->name();
    options.journal = runtime_.launcher == config::LauncherKind::Systemd;
    auto apps = read_apps_directory(runtime_.locations.apps_dir, options, geteuid(), log_);
    auto saved = read_saved_list();
    if (runtime_.bus != config::BusKind::Embedded) std::ranges::move(saved, std::back_inserter(apps));
    std::erase_if(apps, [this](const BootApp& app) {
        const bool removed = !supervisor_.spec(app.spec.name) && state_.was_removed(app.spec.name, app.origin);
        if (removed)
            log_.notice(fmt::format("app '{0}' of '{1}' was deleted and is not started; 'pmctl start {1} --only {0}' starts it, and so does the next pmd when the file has changed",
                                    app.spec.name, app.origin));
        return removed;
    });
    start(std::move(apps), {});
}

/// Those that are not there yet; of two with one name the first.
void Daemon::start(std::vector<BootApp> apps, engine::Done done)
{
    struct Together {
        engine::Done done;
        engine::Outcome outcome;
        ~Together()
        {
            if (done) done(outcome);
        }
    };
    const auto together = std::make_shared<Together>(Together{std::move(done), {}});
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
        if (started.error().code == base::ErrorCode::ListenFailed) add_errored(std::move(app.spec), options, join);
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

std::vector<BootApp> Daemon::read_saved_list()
{
    constexpr std::size_t kMostBytes = 256u << 20;
    const auto text = io::read_small_file(saved_list(), kMostBytes);
    if (!text) return {}; // nothing was saved
    auto apps = read_list(*text, log_);
    saved_.clear();
    for (const BootApp& app : apps) saved_.insert(app.spec.name);
    return apps;
}

base::Result<std::uint32_t> Daemon::save()
{
    std::vector<engine::SavedApp> apps;
    for (const model::AppSnapshot& app : supervisor_.snapshots())
        if (auto saved = supervisor_.saved(app.name)) apps.push_back(*std::move(saved));
    if (auto written = io::replace_file(saved_list(), to_list(apps), 0600); !written) return tl::unexpected(written.error());
    saved_.clear();
    for (const engine::SavedApp& app : apps) saved_.insert(app.spec->name);
    return static_cast<std::uint32_t>(apps.size());
}

base::Result<std::vector<std::string>> Daemon::resurrect(engine::Done done)
{
    auto apps = read_saved_list();
    if (apps.empty()) return base::fail(base::ErrorCode::Failed, "nothing is saved; 'pmctl save' remembers the apps there are");
    std::erase_if(apps, [this](const BootApp& app) { return supervisor_.spec(app.spec.name) != nullptr; });
    std::vector<std::string> names;
    for (const BootApp& app : apps) names.push_back(app.spec.name);
    start(std::move(apps), std::move(done));
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
