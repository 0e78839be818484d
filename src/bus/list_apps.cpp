// SPDX-License-Identifier: Apache-2.0
#include "bus/list_apps.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <unistd.h>

namespace pm::bus {
namespace {

ListRow row_of(Context& context, const model::AppSnapshot& app, const model::InstanceSnapshot& instance,
               const std::string& user, bool usage)
{
    const model::Duration uptime = instance.uptime.value_or(model::Duration{0});
    Load load;
    if (usage && instance.pid != 0)
        load = context.sampler.sample(context.launcher, {instance.id, instance.generation}, uptime,
                                      context.clock.now());
    return {app.name,
            app.name_space,
            instance.id.value,
            instance.slot.value,
            static_cast<uint32_t>(instance.pid),
            std::string(model::to_string(instance.status)),
            base::printable(instance.reason),
            static_cast<uint64_t>(std::max<std::int64_t>(uptime.count(), 0)),
            instance.restarts,
            instance.unstable_restarts,
            load.cpu_percent,
            load.memory_bytes,
            user};
}

/// True when `target`, which selects `apps`, names one instance, not an app: a number that is neither a name nor a namespace.
bool names_one_instance(const std::vector<model::AppSnapshot>& apps, const std::string& target)
{
    return base::parse_number<std::uint32_t>(target) && apps.front().name != target && apps.front().name_space != target;
}

/// Whether an instance that comes later is one that `target` means then.
std::function<bool(base::InstanceId)> selects_later(const Context& context, const std::string& target, const Grant& grant)
{
    return [&supervisor = context.supervisor, target, may = grant.may](base::InstanceId id) {
        const auto instance = supervisor.instance(id);
        const auto names = supervisor.apps_of(target, may);
        return instance && names && std::ranges::find(*names, instance->app) != names->end();
    };
}

/// A pipe for one who follows what `target` means now, and those that it will mean: all, a namespace, a pattern.
/// `may_wait`: nothing of the kind has to be there yet.
base::Result<sdbus::UnixFd> open_reader(Context& context, const std::string& target, logs::ReaderOptions reader, bool may_wait,
                                        const Grant& grant)
{
    if (!grant.master) reader.user = grant.uid;
    const bool is_number = base::parse_number<std::uint32_t>(target).has_value();
    auto apps = context.supervisor.snapshots(target, grant.may);
    if (!apps && may_wait && !is_number && apps.error().code == base::ErrorCode::NoSuchApp) apps.emplace();
    if (!apps) return tl::unexpected(apps.error());
    std::vector<std::string> names;
    std::vector<logs::LogSource> sources;
    for (const model::AppSnapshot& app : *apps) {
        names.push_back(app.name);
        for (logs::LogSource& source : log_sources(context, app.name)) sources.push_back(std::move(source));
    }
    std::function<bool(base::InstanceId)> later = selects_later(context, target, grant);
    if (!apps->empty() && names_one_instance(*apps, target)) {
        const base::InstanceId id = apps->front().instances.front().id;
        std::erase_if(sources, [&](const logs::LogSource& source) { return source.id != id; });
        names.clear(); // one instance: nobody else's lines, whatever starts later
        later = nullptr;
    }
    return context.logs.open_reader(std::move(sources), std::move(names), reader, std::move(later)).map([](base::Fd fd) {
        return sdbus::UnixFd(fd.release(), sdbus::adopt_fd);
    });
}

} // namespace

base::Result<std::vector<ListRow>> list_apps(Context& context, const OptionMap& filter)
{
    Options options(filter);
    const auto target = options.get<std::string>("target", "all");
    const bool usage = options.get<bool>("usage", false);
    if (auto good = options.check(); !good) return tl::unexpected(good.error());

    // Nothing is an answer to "all", and a fault of any other target.
    const auto apps = target == "all" ? base::Result<std::vector<model::AppSnapshot>>(context.supervisor.snapshots()) : context.supervisor.snapshots(target);
    if (!apps) return tl::unexpected(apps.error());
    std::vector<ListRow> rows;
    rows.reserve(apps->size());
    for (const model::AppSnapshot& app : *apps) {
        const auto spec = context.supervisor.spec(app.name);
        const std::string& user = spec && !spec->user.empty() ? spec->user : context.user;
        for (const model::InstanceSnapshot& instance : app.instances)
            rows.push_back(row_of(context, app, instance, user, usage));
    }
    std::ranges::sort(rows, {}, [](const ListRow& row) { return std::get<2>(row); });
    return rows;
}

base::Result<std::map<std::string, std::string>> environment_of(Context& context, base::InstanceId id)
{
    const auto instance = context.supervisor.instance(id);
    if (!instance) return tl::unexpected(instance.error());
    const auto lines = context.launcher.environment(instance->key);
    if (!lines) return tl::unexpected(lines.error());
    std::map<std::string, std::string> environment;
    for (const std::string& line : *lines) {
        const auto equals = line.find('=');
        if (equals != std::string::npos)
            environment[base::to_utf8(line.substr(0, equals))] = base::to_utf8(line.substr(equals + 1));
    }
    return environment;
}

base::Result<sdbus::UnixFd> open_log(Context& context, const std::string& target, const OptionMap& option_map,
                                     const Grant& grant)
{
    Options options(option_map);
    logs::ReaderOptions reader;
    reader.lines = options.get<std::uint32_t>("lines", reader.lines);
    reader.follow = options.get<bool>("follow", reader.follow);
    reader.mark_history_end = options.get<bool>("mark-history-end", false);
    const auto stream = options.get<std::string>("stream", "");
    const auto format = options.get<std::string>("format", "json");
    const bool wait = options.get<bool>("wait", false);
    if (auto good = options.check(); !good) return tl::unexpected(good.error());
    if (stream != "" && stream != "out" && stream != "err")
        return base::fail(base::ErrorCode::InvalidArgument,
                          fmt::format("option 'stream' is 'out' or 'err', not '{}'", base::printable(stream)));
    if (format != "raw" && format != "json")
        return base::fail(base::ErrorCode::InvalidArgument,
                          fmt::format("option 'format' is 'raw' or 'json', not '{}'", base::printable(format)));
    reader.out = stream != "err";
    reader.err = stream != "out";
    reader.format = format == "raw" ? logs::ReaderFormat::Raw : logs::ReaderFormat::Json;
    if (reader.mark_history_end && format == "raw")
        return base::fail(base::ErrorCode::InvalidArgument, "option 'mark-history-end' needs the format 'json'");
    return open_reader(context, target, reader, wait && reader.follow, grant);
}

base::Result<sdbus::UnixFd> open_messages(Context& context, const std::string& target, const OptionMap& option_map,
                                          const Grant& grant)
{
    Options options(option_map);
    const bool wait = options.get<bool>("wait", false);
    if (auto good = options.check(); !good) return tl::unexpected(good.error());
    return open_reader(context, target, {.lines = 0, .out = false, .err = false, .messages = true}, wait, grant);
}

base::Result<void> scale(Context& context, const Reply<uint32_t>& reply, const std::string& app,
                         const std::string& count)
{
    // The number is known before the instances are; Done may come first, so it reads the number through a shared place.
    auto number = std::make_shared<std::optional<uint32_t>>();
    auto done = std::make_shared<std::optional<engine::Outcome>>();
    const auto answer = [reply, number, done] {
        if (!*number || !*done) return;
        if ((*done)->failures.empty())
            reply.value(**number);
        else
            reply.error(summarise(**done));
    };
    auto scaled = context.supervisor.scale(app, count, [done, answer](const engine::Outcome& outcome) {
        *done = outcome;
        answer();
    });
    if (!scaled) return tl::unexpected(scaled.error());
    *number = *scaled;
    answer();
    return {};
}

} // namespace pm::bus
