// SPDX-License-Identifier: Apache-2.0
// watch, ignore_watch, watch_delay and watch_options: PM2's keys, whose options are those of chokidar.
#include "base/glob.hpp"
#include "base/path.hpp"
#include "config/app_keys.hpp"
#include "config/readers.hpp"
#include "config/values.hpp"

#include <fmt/format.h>
#include <limits>

namespace pm::config::read {
namespace {

constexpr std::int64_t kDeepest = 1000;
constexpr model::Milliseconds kShortestPoll{100};
constexpr model::Milliseconds kLongestDelay{std::chrono::hours(1)};

/// One path or glob; false with a fault.
bool pattern(const Draft& draft, std::string& to, const Field& field)
{
    std::string text;
    if (field.is(Node::Kind::Map)) {
        field.key_left_out("is no path: a regular expression does not come through JSON, write a pattern such as '**/*.log'");
        return false;
    }
    if (!field.text(text) || !whole_path(draft, text, field)) return false;
    if (const auto regex = base::regex_of_glob(text); !regex) {
        field.key_left_out(fmt::format("the pattern '{}': {}", text, regex.error().message));
        return false;
    }
    to = std::move(text);
    return true;
}

void ignored(Draft& draft, const Field& field)
{
    field.each_item([&draft](const Field& item) {
        std::string text;
        if (item.is(Node::Kind::Scalar) && item.node().text.starts_with('!')) return item.fault("a pattern that begins with '!' is not supported here: write what is to be ignored");
        if (pattern(draft, text, item)) draft.spec.upkeep.watch.ignore.push_back(std::move(text));
    });
}

/// Where nobody wants to look at everything, or where files do not tell that they change.
bool is_unwatchable(const std::string& path)
{
    if (path == "/") return true;
    for (const std::string_view root : {"/proc", "/sys", "/dev"})
        if (path == root || path.starts_with(std::string(root) + "/")) return true;
    return false;
}

} // namespace

void watch(Draft& draft, const Field& field)
{
    if (field.is(Node::Kind::Map)) return field.expected("true, false, a path or a list of paths");
    draft.watch_mark = field.node().mark;
    draft.has_watch = true;
    model::WatchSpec& watch = draft.spec.upkeep.watch;
    if (field.asks_for_nothing()) {
        watch.on = false;
        return;
    }
    watch.on = true;
    if (field.is(Node::Kind::Scalar) && bool_from(field.node().text)) return;
    field.each_item([&draft, &watch](const Field& item) {
        if (item.is(Node::Kind::Scalar) && item.node().text.starts_with('!')) { // as chokidar reads it
            std::string text = item.node().text.substr(1);
            if (text.empty()) return item.fault("what is not to be watched is missing behind '!'");
            if (const auto regex = base::regex_of_glob(text); !regex) return item.fault(fmt::format("'{}': {}", text, regex.error().message));
            watch.ignore.push_back(std::move(text));
            return;
        }
        std::string text;
        if (pattern(draft, text, item)) watch.paths.push_back(std::move(text));
    });
}

void ignore_watch(Draft& draft, const Field& field)
{
    draft.watch_details.emplace_back(field.key_mark(), "ignore_watch");
    if (!field.asks_for_nothing()) ignored(draft, field);
}

void watch_delay(Draft& draft, const Field& field)
{
    draft.watch_details.emplace_back(field.key_mark(), "watch_delay");
    model::Milliseconds delay{};
    if (!field.duration(delay)) return;
    if (delay > kLongestDelay) return field.expected("at most an hour; a number alone is milliseconds");
    if (delay.count() > 0) draft.spec.upkeep.watch.delay = delay;
}

void watch_options(Draft& draft, const Field& field)
{
    draft.watch_details.emplace_back(field.key_mark(), "watch_options");
    if (field.asks_for_nothing()) return;
    if (!field.is(Node::Kind::Map)) return field.expected("a map");
    watch_option_keys().read(draft, field);
}

void watch_ignored(Draft& draft, const Field& field)
{
    if (!field.asks_for_nothing()) ignored(draft, field);
}

void watch_depth(Draft& draft, const Field& field)
{
    std::int64_t depth = 0;
    if (field.integer(depth, 0, kDeepest)) draft.spec.upkeep.watch.depth = static_cast<std::uint32_t>(depth);
}

void watch_polls(Draft& draft, const Field& field)
{
    bool polls = false;
    if (field.boolean(polls)) draft.watch_polls = polls;
}

void watch_interval(Draft& draft, const Field& field)
{
    model::Milliseconds interval{};
    if (!field.duration(interval)) return;
    if (interval < kShortestPoll) return field.expected("at least 100ms; a number alone is milliseconds");
    draft.watch_interval = interval;
    draft.watch_interval_mark = field.node().mark;
}

void complete_watch(Draft& draft, const Field& app)
{
    model::WatchSpec& watch = draft.spec.upkeep.watch;
    for (const auto& [mark, key] : draft.watch_details)
        if (!draft.has_watch) app.report().warning(mark, Path(app.path(), key), "has no effect without watch");
    if (draft.watch_interval && !draft.watch_polls) {
        const Path options(app.path(), "watch_options");
        app.report().warning(draft.watch_interval_mark, Path(options, "interval"), "has no effect without use_polling");
    }
    if (draft.watch_polls) watch.poll = draft.watch_interval.value_or(model::Milliseconds(1000));
    if (!watch.on) return;
    std::vector<std::string> paths = watch.paths;
    if (paths.empty()) paths.emplace_back(".");
    for (const std::string& path : paths) {
        const std::string root = base::absolute_path(draft.spec.cwd, base::fixed_part(path));
        if (is_unwatchable(root))
            return app.report().fault(draft.watch_mark, Path(app.path(), "watch"), fmt::format("'{}' is '{}', which cannot be watched: name directories of the app, or set cwd", path, root));
    }
}

} // namespace pm::config::read
