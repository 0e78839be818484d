// SPDX-License-Identifier: Apache-2.0
#include "upkeep/file_changes.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace pm::upkeep {
namespace {

/// Is one of the instances to run, or to run again when its files change?
bool is_wanted(const model::AppSnapshot& app)
{
    return std::ranges::any_of(app.instances, [](const model::InstanceSnapshot& instance) {
        return instance.status != model::Status::Stopped || instance.finished;
    });
}

std::string below(const std::string& directory, const std::string& path)
{
    return directory != "/" && path.starts_with(directory + "/") ? path.substr(directory.size() + 1) : path;
}

} // namespace

FileChanges::FileChanges(io::EventLoop& loop, Watching::Start start, UserOf user_of, std::function<void(const std::string&)> warn)
    : loop_(loop), user_of_(std::move(user_of)), warn_(std::move(warn)),
      watching_(loop, std::move(start), [this](const std::string& app) { return settings_of(app); },
                [this](const std::string& app, const std::string& path, std::uint64_t more) { note(app, path, more); }, warn_)
{
}

std::optional<watch::Settings> FileChanges::settings_of(const std::string& app) const
{
    const auto spec = supervisor_->spec(app);
    if (!spec || !spec->upkeep.watch.on) return std::nullopt;
    const model::WatchSpec& wanted = spec->upkeep.watch;
    watch::Settings settings{.user = user_of_(*spec),
                             .cwd = spec->cwd,
                             .paths = wanted.paths,
                             .ignore = wanted.ignore,
                             .own = {},
                             .follow_symlinks = wanted.follow_symlinks,
                             .depth = wanted.depth,
                             .poll = wanted.poll};
    if (settings.paths.empty()) settings.paths.emplace_back(".");
    for (const std::string* own : {&spec->logs.out_file, &spec->logs.error_file, &spec->logs.log_file, &spec->pid_file})
        if (own->starts_with('/')) settings.own.push_back(*own);
    return settings;
}

void FileChanges::look_at(const std::string& name)
{
    const auto spec = supervisor_->spec(name);
    if (!spec || (!spec->upkeep.watch.on && !apps_.contains(name))) return;
    const auto snapshot = supervisor_->snapshot(name);
    if (!spec->upkeep.watch.on || !snapshot || !is_wanted(*snapshot)) return forget(name);
    apps_.try_emplace(name);
    watching_.begin(name);
}

void FileChanges::forget(const std::string& app)
{
    apps_.erase(app);
    watching_.end(app);
}

void FileChanges::note(const std::string& name, const std::string& path, std::uint64_t more)
{
    const auto found = apps_.find(name);
    if (found == apps_.end()) return;
    App& app = found->second;
    if (app.path.empty()) {
        app.path = path.empty() ? "/" : path;
        app.first = std::chrono::steady_clock::now();
        app.more = more;
    } else {
        app.more += more + (path == app.path ? 0 : 1);
    }
    if (!app.replacing) arm(name, app);
}

void FileChanges::arm(const std::string& name, App& app)
{
    const auto spec = supervisor_->spec(name);
    if (!spec) return;
    const auto delay = spec->upkeep.watch.delay;
    const model::TimePoint due = std::min(std::chrono::steady_clock::now() + delay, app.first + kMostDelays * delay);
    if (app.timer) return app.timer.set_time(due);
    auto timer = loop_.add_timer(due, io::Priority::Deferred, [this, name] { replace(name); });
    if (!timer) return warn_(fmt::format("watch of '{}': {}", name, timer.error().message));
    app.timer = *std::move(timer);
}

void FileChanges::replace(const std::string& name)
{
    const auto found = apps_.find(name);
    const auto spec = supervisor_->spec(name);
    if (found == apps_.end() || !spec || found->second.path.empty()) return;
    App& app = found->second;
    const std::string shown = base::printable(below(spec->cwd, std::exchange(app.path, {})));
    const std::uint64_t more = std::exchange(app.more, 0);
    app.replacing = true;
    count(name, app);
    const std::string why = more == 0 ? fmt::format("'{}' changed (watch)", shown) : fmt::format("'{}' and {} more changed (watch)", shown, more);
    supervisor_->renew(name, why, [this, lives = lives_, name](const engine::Outcome&) {
        if (!*lives) return;
        const auto still = apps_.find(name);
        if (still == apps_.end()) return;
        still->second.replacing = false;
        if (still->second.path.empty()) return;
        still->second.first = std::chrono::steady_clock::now();
        arm(name, still->second);
    });
}

void FileChanges::count(const std::string& name, App& app)
{
    const model::TimePoint now = std::chrono::steady_clock::now();
    if (now - app.minute > std::chrono::minutes(1)) {
        app.minute = now;
        app.count = 0;
    }
    if (++app.count < kMany || std::exchange(app.warned, true)) return;
    warn_(fmt::format("'{}' was replaced {} times within a minute because its files change: what the app writes itself belongs into ignore_watch", name, app.count));
}

} // namespace pm::upkeep
