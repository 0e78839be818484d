// SPDX-License-Identifier: Apache-2.0
#include "daemon/state_keeper.hpp"

#include "config/settings.hpp"
#include "daemon/state_text.hpp"
#include "io/small_file.hpp"
#include "model/unit_names.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace pm::daemon {
namespace {

constexpr std::string_view kSuffix = config::KeptApps::suffix;
constexpr std::string_view kMark = ".removed";
constexpr std::size_t kMaxBytes = 64u << 20;

/// The file was changed, or put there by whatever way, after `when`. A link counts as well as what it leads to.
bool has_come_since(const std::string& file, const timespec& when)
{
    const auto later = [&](const struct stat& status) {
        return std::pair(status.st_ctim.tv_sec, status.st_ctim.tv_nsec) > std::pair(when.tv_sec, when.tv_nsec);
    };
    struct stat status {};
    return (lstat(file.c_str(), &status) == 0 && later(status)) || (stat(file.c_str(), &status) == 0 && later(status));
}

} // namespace

StateKeeper::StateKeeper(io::EventLoop& loop, io::Log& log, engine::Events& next, std::string directory,
                         std::function<void(const std::string& app)> removed,
                         std::function<bool(const std::string& app, const std::string& origin)> comes_back)
    : log_(log), next_(next), directory_(std::move(directory)), removed_(std::move(removed)), comes_back_(std::move(comes_back))
{
    if (directory_.empty()) return;
    auto turn = loop.add_deferred(io::Priority::Deferred, [this] { flush(); });
    if (turn)
        turn_ = *std::move(turn);
    else
        log_.error(turn.error().message);
}

std::string StateKeeper::path_of(const std::string& app) const
{
    return directory_ + "/" + model::escape_for_unit(app) + std::string(kSuffix);
}

std::string StateKeeper::mark_of(const std::string& app) const
{
    return directory_ + "/" + model::escape_for_unit(app) + std::string(kMark);
}

bool StateKeeper::was_removed(const std::string& app, const std::string& file) const
{
    struct stat mark {};
    return !directory_.empty() && stat(mark_of(app).c_str(), &mark) == 0 && !has_come_since(file, mark.st_mtim);
}

std::vector<StateKeeper::Kept> StateKeeper::load()
{
    std::vector<Kept> apps;
    if (directory_.empty()) return apps;
    std::error_code none;
    for (const auto& entry : std::filesystem::directory_iterator(directory_, none)) {
        const std::string path = entry.path();
        if (!path.ends_with(kSuffix)) continue;
        auto text = io::read_small_file(path, kMaxBytes);
        const std::size_t end = text ? std::min(text->find('\0'), text->size()) : 0;
        auto app = text ? saved_app_from(std::string_view(*text).substr(0, end)) : tl::unexpected(text.error());
        all_read_ = all_read_ && app;
        if (app)
            apps.push_back({*std::move(app), end < text->size() ? text->substr(end + 1) : std::string()});
        else
            log_.error(fmt::format("cannot go on with the app of '{}': {}; its processes run on unsupervised", path, app.error().message));
    }
    std::ranges::sort(apps, {}, [](const Kept& kept) { return kept.app.sequence; });
    for (const Kept& kept : apps) remember_origin(kept.app);
    return apps;
}

void StateKeeper::remember_origin(const engine::SavedApp& app)
{
    if (app.owner == getuid())
        origins_.insert_or_assign(app.spec->name, app.origin);
    else
        origins_.erase(app.spec->name);
}

void StateKeeper::keep_marks(const std::set<std::string>& apps)
{
    if (directory_.empty()) return;
    std::set<std::string> kept;
    for (const std::string& app : apps) kept.insert(mark_of(app));
    std::error_code none;
    for (const auto& entry : std::filesystem::directory_iterator(directory_, none)) {
        const std::string path = entry.path();
        if (path.ends_with(kMark) && !kept.contains(path)) unlink(path.c_str());
    }
}

void StateKeeper::app_changed(const std::string& app)
{
    if (!directory_.empty()) {
        changed_.insert(app);
        turn_.set_enabled(true);
    }
    next_.app_changed(app);
}

void StateKeeper::app_removed(const std::string& app)
{
    if (!directory_.empty()) {
        changed_.erase(app);
        complained_.erase(app);
        texts_.erase(app);
        (void)unlink(path_of(app).c_str());
        const auto origin = origins_.extract(app);
        if (!origin.empty() && comes_back_(app, origin.mapped())) {
            (void)io::replace_file(mark_of(app), "", 0600);
            struct stat mark {};
            if (stat(mark_of(app).c_str(), &mark) == 0) marked_[app] = {mark.st_atim, mark.st_mtim};
        }
    }
    removed_(app);
    next_.app_removed(app);
}

void StateKeeper::put_back()
{
    if (directory_.empty()) return;
    make_directory();
    for (const model::AppSnapshot& app : supervisor_->snapshots())
        if (access(path_of(app.name).c_str(), F_OK) < 0) write(app.name);
    for (const auto& [app, times] : marked_)
        if (access(mark_of(app).c_str(), F_OK) < 0 && io::replace_file(mark_of(app), "", 0600)) utimensat(AT_FDCWD, mark_of(app).c_str(), times.data(), 0);
}

void StateKeeper::flush()
{
    for (const std::string& app : std::exchange(changed_, {})) write(app);
}

void StateKeeper::clear()
{
    changed_.clear();
    if (directory_.empty()) return;
    std::error_code error;
    std::filesystem::remove_all(directory_, error);
    if (error) log_.warning(fmt::format("removing '{}': {}", directory_, error.message()));
    directory_.clear();
}

void StateKeeper::make_directory()
{
    if (directory_.empty()) return;
    if (mkdir(directory_.c_str(), 0700) < 0 && errno != EEXIST)
        log_.warning(base::fail_errno(fmt::format("making '{}'", directory_), errno).value().message);
}

std::string StateKeeper::trace(const engine::SavedApp& app) const
{
    const std::string trace = launcher_->trace(keys_of(app));
    return trace.empty() ? trace : std::string(1, '\0') + trace;
}

const std::string& StateKeeper::text_of(const std::string& app, const std::shared_ptr<const model::AppSpec>& spec)
{
    SpecText& known = texts_[app];
    if (known.spec.lock() != spec) known = {spec, spec_text(*spec)};
    return known.text;
}

void StateKeeper::write(const std::string& app)
{
    const auto saved = supervisor_->saved(app);
    if (!saved) return;
    make_directory();
    const bool had_mark = marked_.erase(app) > 0;
    if (had_mark || origins_.contains(app) || saved->owner == getuid()) unlink(mark_of(app).c_str());
    remember_origin(*saved);
    auto written = io::replace_file(path_of(app), to_text(*saved, text_of(app, saved->spec)) + trace(*saved), 0600);
    if (written)
        complained_.erase(app);
    else if (complained_.insert(app).second)
        log_.warning(written.error().message + fmt::format("; a pmd that starts now does not know '{}' as it is", app));
}

} // namespace pm::daemon
