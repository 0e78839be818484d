// SPDX-License-Identifier: Apache-2.0
#include "bus/manager_object.hpp"

#include "base/text.hpp"
#include "bus/list_apps.hpp"
#include "bus/load_request.hpp"
#include "pmd-config.h"

#include <unistd.h>

namespace pm::bus {
namespace {

std::vector<sdbus::ObjectPath> paths_of(const std::vector<std::string>& apps)
{
    std::vector<sdbus::ObjectPath> paths;
    paths.reserve(apps.size());
    for (const std::string& app : apps) paths.emplace_back(app_path(app));
    return paths;
}

} // namespace

ManagerObject::ManagerObject(sdbus::IConnection& connection, Context& context)
    : AdaptorInterfaces(connection, kRootPath), context_(context)
{
    registerAdaptor();
}

ManagerObject::~ManagerObject() { unregisterAdaptor(); }

template <typename... Results>
std::optional<Reply<Results...>> ManagerObject::accept(sdbus::Result<Results...>&& result)
{
    return accept_call(context_, getObject().getCurrentlyProcessedMessage(), std::move(result));
}

base::Result<void> ManagerObject::load(const Reply<Paths>& reply, const std::string& text, const std::string& origin,
                                       const OptionMap& options)
{
    auto request = read_load_request(context_, text, origin, options);
    if (!request) return tl::unexpected(request.error());
    if (auto good = faults_of(request->file, origin); !good) return good;
    std::vector<std::string> names;
    for (const auto& spec : request->file.apps) names.push_back(spec.name);
    auto planned = context_.supervisor.apply(std::move(request->file.apps), request->apply,
                                             [reply, names](const engine::Outcome& outcome) {
                                                 if (outcome.failures.empty())
                                                     reply.value(paths_of(names));
                                                 else
                                                     reply.error(summarise(outcome));
                                             });
    if (!planned) return tl::unexpected(planned.error());
    if (!request->wait) reply.value(paths_of(names));
    return {};
}

void ManagerObject::Load(PathsResult&& result, std::string text, std::string origin, OptionMap options)
{
    if (auto reply = accept(std::move(result)))
        guarded_reply(*reply, [&] { return load(*reply, text, origin, options); });
}

void ManagerObject::LoadFile(PathsResult&& result, std::string path, OptionMap options)
{
    auto reply = accept(std::move(result));
    if (!reply) return;
    guarded_reply(*reply, [&]() -> base::Result<void> {
        auto text = read_app_file(path, context_.settings.max_file_bytes);
        if (!text) return tl::unexpected(text.error());
        return load(*reply, *text, path, options);
    });
}

std::vector<sdbus::Struct<std::string, std::string, std::string>>
ManagerObject::Plan(const std::string& text, const std::string& origin, const OptionMap& options)
{
    using Row = sdbus::Struct<std::string, std::string, std::string>;
    return guarded([&]() -> base::Result<std::vector<Row>> {
        auto request = read_load_request(context_, text, origin, options);
        if (!request) return tl::unexpected(request.error());
        if (auto good = faults_of(request->file, origin); !good) return tl::unexpected(good.error());
        auto items = context_.supervisor.plan(request->file.apps, request->apply);
        if (!items) return tl::unexpected(items.error());
        std::vector<Row> rows;
        for (const engine::PlanItem& item : *items)
            rows.emplace_back(item.app, std::string(engine::to_string(item.action)), item.why);
        return rows;
    });
}

std::vector<sdbus::Struct<std::string, uint32_t, uint32_t, std::string, std::string>>
ManagerObject::Validate(const std::string& text, const std::string& origin, const OptionMap& options)
{
    using Row = sdbus::Struct<std::string, uint32_t, uint32_t, std::string, std::string>;
    return guarded([&]() -> base::Result<std::vector<Row>> {
        auto request = read_load_request(context_, text, origin, options);
        if (!request) return tl::unexpected(request.error());
        std::vector<Row> rows;
        for (const config::Diagnostic& fault : request->file.diagnostics)
            rows.emplace_back(fault.severity == config::Severity::Error ? "error" : "warning", fault.line, fault.column,
                              base::printable(fault.path), base::printable(fault.message));
        return rows;
    });
}

void ManagerObject::operate(engine::Verb verb, PathsResult&& result, const std::string& target,
                            const OptionMap& option_map)
{
    auto reply = accept(std::move(result));
    if (!reply) return;
    guarded_reply(*reply, [&]() -> base::Result<void> {
        Options options(option_map);
        const bool wait = options.get<bool>("wait", true);
        if (auto good = options.check(); !good) return good;
        auto names = context_.supervisor.apps_of(target);
        if (!names) return tl::unexpected(names.error());
        auto accepted = context_.supervisor.operate(verb, target, [reply = *reply](const engine::Outcome& outcome) {
            if (outcome.failures.empty())
                reply.value(paths_of(outcome.apps));
            else
                reply.error(summarise(outcome));
        });
        if (!accepted) return accepted;
        if (!wait) reply->value(paths_of(*names));
        return {};
    });
}

void ManagerObject::Start(PathsResult&& result, std::string target, OptionMap options)
{
    operate(engine::Verb::Start, std::move(result), target, options);
}

void ManagerObject::Stop(PathsResult&& result, std::string target, OptionMap options)
{
    operate(engine::Verb::Stop, std::move(result), target, options);
}

void ManagerObject::Restart(PathsResult&& result, std::string target, OptionMap options)
{
    operate(engine::Verb::Restart, std::move(result), target, options);
}

void ManagerObject::Delete(PathsResult&& result, std::string target, OptionMap options)
{
    operate(engine::Verb::Delete, std::move(result), target, options);
}

ManagerObject::Paths ManagerObject::Reset(const std::string& target, const OptionMap& option_map)
{
    return guarded([&]() -> base::Result<Paths> {
        if (auto good = Options(option_map).check(); !good) return tl::unexpected(good.error());
        return context_.supervisor.reset(target).map(paths_of);
    });
}

void ManagerObject::Scale(sdbus::Result<uint32_t>&& result, std::string app, std::string count)
{
    auto reply = accept(std::move(result));
    if (!reply) return;
    guarded_reply(*reply, [&] { return scale(context_, *reply, app, count); });
}

uint32_t ManagerObject::Signal(const std::string& target, const int32_t& signal)
{
    return guarded([&] { return context_.supervisor.signal(target, signal); });
}

std::vector<ListRow> ManagerObject::ListApps(const OptionMap& filter)
{
    return guarded([&] { return list_apps(context_, filter); });
}

std::map<std::string, std::string> ManagerObject::GetEnvironment(const uint32_t& id)
{
    return guarded([&] { return environment_of(context_, base::InstanceId{id}); });
}

sdbus::UnixFd ManagerObject::OpenLog(const std::string& target, const OptionMap& options)
{
    return guarded([&] { return open_log(context_, target, options); });
}

void ManagerObject::Exit(sdbus::Result<>&& result, OptionMap option_map)
{
    auto reply = accept(std::move(result));
    if (!reply) return;
    guarded_reply(*reply, [&]() -> base::Result<void> {
        if (auto good = Options(option_map).check(); !good) return good;
        context_.exit([reply = *reply](const engine::Outcome&) { reply.value(); });
        return {};
    });
}

std::string ManagerObject::Version() { return PMD_VERSION; }
std::string ManagerObject::Launcher() { return context_.launcher_name; }
std::string ManagerObject::Scope() { return std::string(config::to_string(context_.scope)); }
std::string ManagerObject::StateDirectory() { return context_.state_dir; }
uint32_t ManagerObject::Pid() { return static_cast<uint32_t>(getpid()); }
uint32_t ManagerObject::AppCount() { return context_.supervisor.app_count(); }
uint32_t ManagerObject::InstanceCount() { return context_.supervisor.instance_count(); }

} // namespace pm::bus
