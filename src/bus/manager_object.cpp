// SPDX-License-Identifier: Apache-2.0
#include "bus/manager_object.hpp"

#include "base/text.hpp"
#include "bus/list_apps.hpp"
#include "bus/load_request.hpp"
#include "pmd-config.h"

#include <unistd.h>

namespace pm::bus {

using policy::Access;

namespace {

/// Whether who follows waits for something to follow.
bool may_wait(const OptionMap& options) { return Options(options).get<bool>("wait", false); }

} // namespace

ManagerObject::ManagerObject(sdbus::IConnection& connection, Context& context)
    : AdaptorInterfaces(connection, sdbus::ObjectPath(kRootPath)), context_(context)
{
    registerAdaptor();
}

ManagerObject::~ManagerObject() { unregisterAdaptor(); }

template <typename... Results, typename Body>
void ManagerObject::serve(sdbus::Result<Results...>&& result, const Wish& wish, Body&& body)
{
    authorised(context_, dbus::CurrentMessage(getObject()), std::move(result), wish, std::forward<Body>(body));
}

std::shared_ptr<const Delivery> ManagerObject::receive(std::string text, std::string origin, OptionMap options)
{
    return std::make_shared<const Delivery>(Delivery{call_of(dbus::CurrentMessage(getObject())),
                                                     std::move(text), std::move(origin), std::move(options)});
}

void ManagerObject::Load(PathsResult&& result, std::string text, std::string origin, OptionMap options)
{
    const auto delivery = receive(std::move(text), std::move(origin), std::move(options));
    serve(std::move(result), {Access::Declare, "load an app file", {}},
          [&context = context_, delivery](const Reply<Paths>& reply, const Grant& grant) {
              return load(context, *delivery, grant, reply);
          });
}

void ManagerObject::LoadFile(PathsResult&& result, std::string path, OptionMap options)
{
    const auto delivery = receive({}, std::move(path), std::move(options));
    serve(std::move(result), {Access::Declare, "load an app file", {}},
          [&context = context_, delivery](const Reply<Paths>& reply, const Grant& grant) -> base::Result<void> {
              const auto who = identity_of(context, grant);
              auto text = read_app_file(delivery->origin, context.settings.max_file_bytes, who.get());
              if (!text) return tl::unexpected(text.error());
              const Delivery whole{delivery->call, std::move(*text), delivery->origin, delivery->options};
              return load(context, whole, grant, reply);
          });
}

void ManagerObject::Plan(sdbus::Result<std::vector<PlanRow>>&& result, std::string text, std::string origin,
                         OptionMap options)
{
    const auto delivery = receive(std::move(text), std::move(origin), std::move(options));
    serve(std::move(result), {Access::Declare, "plan an app file", {}, true},
          [&context = context_, delivery](const Reply<std::vector<PlanRow>>& reply, const Grant& grant) {
              return plan(context, *delivery, grant, reply);
          });
}

std::vector<sdbus::Struct<std::string, uint32_t, uint32_t, std::string, std::string>>
ManagerObject::Validate(const std::string& text, const std::string& origin, const OptionMap& options)
{
    using Row = sdbus::Struct<std::string, uint32_t, uint32_t, std::string, std::string>;
    return guarded([&]() -> base::Result<std::vector<Row>> {
        const Caller caller = context_.serving.value_or(Caller{getuid(), true});
        const Grant by{caller.uid, caller.master, {}, {}};
        auto request = read_load_request(context_, text, origin, options, &by);
        if (!request) return tl::unexpected(request.error());
        std::vector<Row> rows;
        for (const config::Diagnostic& fault : request->file.diagnostics)
            rows.emplace_back(fault.severity == config::Severity::Error ? "error" : "warning", fault.line, fault.column,
                              base::printable(fault.path), base::printable(fault.message));
        return rows;
    });
}

void ManagerObject::operate(engine::Verb verb, PathsResult&& result, const std::string& target, OptionMap option_map)
{
    serve(std::move(result), {Access::Manage, std::string(engine::to_string(verb)), target},
          [&context = context_, verb, target,
           option_map = std::move(option_map)](const Reply<Paths>& reply, const Grant& grant) -> base::Result<void> {
              Options options(option_map);
              const bool wait = options.get<bool>("wait", true);
              if (auto good = options.check(); !good) return good;
              auto names = context.supervisor.apps_of(target, grant.may);
              if (!names) return tl::unexpected(names.error());
              const auto done = [reply](const engine::Outcome& outcome) {
                  if (outcome.failures.empty())
                      reply.value(paths_of(outcome.apps));
                  else
                      reply.error(summarise(outcome));
              };
              auto accepted = context.supervisor.operate(verb, target, done, grant.may);
              if (accepted && !wait) reply.value(paths_of(*names));
              return accepted;
          });
}

void ManagerObject::Start(PathsResult&& result, std::string target, OptionMap options)
{
    operate(engine::Verb::Start, std::move(result), target, std::move(options));
}

void ManagerObject::Stop(PathsResult&& result, std::string target, OptionMap options)
{
    operate(engine::Verb::Stop, std::move(result), target, std::move(options));
}

void ManagerObject::Restart(PathsResult&& result, std::string target, OptionMap options)
{
    operate(engine::Verb::Restart, std::move(result), target, std::move(options));
}

void ManagerObject::Reload(PathsResult&& result, std::string target, OptionMap options)
{
    operate(engine::Verb::Reload, std::move(result), target, std::move(options));
}

void ManagerObject::Delete(PathsResult&& result, std::string target, OptionMap options)
{
    operate(engine::Verb::Delete, std::move(result), target, std::move(options));
}

void ManagerObject::Reset(PathsResult&& result, std::string target, OptionMap option_map)
{
    serve(
        std::move(result), {Access::Manage, "reset", target, true},
        [&context = context_, target, option_map](const Reply<Paths>& reply, const Grant& grant) -> base::Result<void> {
            if (auto good = Options(option_map).check(); !good) return good;
            return context.supervisor.reset(target, grant.may).map([&](const auto& names) {
                reply.value(paths_of(names));
            });
        });
}

void ManagerObject::Watch(PathsResult&& result, std::string target, bool on)
{
    serve(std::move(result), {Access::Manage, "watch", target, true},
          [&context = context_, target, on](const Reply<Paths>& reply, const Grant& grant) -> base::Result<void> {
              return context.supervisor.set_watching(target, on, grant.may).map([&](const auto& names) { reply.value(paths_of(names)); });
          });
}

void ManagerObject::RotateLogs(PathsResult&& result, std::string target) { act_on_logs(std::move(result), target, "rotate the logs of", logs::LogStore::FileAction::Rotate); }

void ManagerObject::FlushLogs(PathsResult&& result, std::string target) { act_on_logs(std::move(result), target, "empty the logs of", logs::LogStore::FileAction::Empty); }

void ManagerObject::ReopenLogs(PathsResult&& result, std::string target) { act_on_logs(std::move(result), target, "reopen the logs of", logs::LogStore::FileAction::Reopen); }

void ManagerObject::act_on_logs(PathsResult&& result, const std::string& target, const char* doing, logs::LogStore::FileAction action)
{
    serve(std::move(result), {Access::Manage, doing, target, true},
          [&context = context_, target, action](const Reply<Paths>& reply, const Grant& grant) -> base::Result<void> {
              const auto apps = context.supervisor.snapshots(target, grant.may);
              if (!apps) return tl::unexpected(apps.error());
              std::vector<std::string> names;
              base::Result<void> all;
              for (const model::AppSnapshot& app : *apps) {
                  bool any = false;
                  for (const model::InstanceSnapshot& instance : app.instances) {
                      const auto acted = context.logs.act(instance.id, action);
                      any = any || !acted || *acted;
                      if (!acted && all) all = tl::unexpected(acted.error());
                  }
                  if (any) names.push_back(app.name);
              }
              if (!all) return all;
              if (names.empty()) return base::fail(base::ErrorCode::NotSupported, fmt::format("'{}' has no log files of pmd's: it writes to the journal, nowhere, or has not run yet", base::printable(target)));
              reply.value(paths_of(names));
              return {};
          });
}

void ManagerObject::Scale(sdbus::Result<uint32_t>&& result, std::string app, std::string count)
{
    serve(std::move(result), {Access::Manage, "scale", app},
          [&context = context_, app, count](const Reply<uint32_t>& reply, const Grant& grant) -> base::Result<void> {
              if (auto good = still_covered(context, grant, app); !good) return good;
              return scale(context, reply, app, count);
          });
}

void ManagerObject::Signal(sdbus::Result<uint32_t>&& result, std::string target, int32_t signal)
{
    serve(std::move(result), {Access::Manage, "signal", target, true},
          [&context = context_, target, signal](const Reply<uint32_t>& reply, const Grant& grant) {
              return context.supervisor.signal(target, signal, grant.may).map([&](uint32_t count) {
                  reply.value(count);
              });
          });
}

void ManagerObject::SendMessage(sdbus::Result<uint32_t>&& result, std::string target, std::string json)
{
    serve(std::move(result), {Access::Manage, "send a message to", target, true},
          [&context = context_, target, json](const Reply<uint32_t>& reply, const Grant& grant) {
              return context.supervisor.send(target, json, grant.may).map([&](uint32_t count) { reply.value(count); });
          });
}

void ManagerObject::Trigger(sdbus::Result<std::vector<ReplyRow>>&& result, std::string target, std::string action,
                            std::string params, OptionMap options)
{
    const auto request = std::make_shared<const base::Result<engine::TriggerRequest>>(
        read_trigger(std::move(action), std::move(params), options));
    serve(std::move(result), {Access::Manage, "trigger an action of", target},
          [&context = context_, target, request](const Reply<std::vector<ReplyRow>>& reply, const Grant& grant) -> base::Result<void> {
              if (!*request) return tl::unexpected(request->error());
              return trigger(context, target, **request, grant, reply);
          });
}

std::vector<ListRow> ManagerObject::ListApps(const OptionMap& filter)
{
    return guarded([&] { return list_apps(context_, filter); });
}

template <typename Result, typename Body>
void ManagerObject::tell_private(sdbus::Result<Result>&& result, const char* verb, uint32_t number, Body&& body)
{
    const base::InstanceId id{number};
    const auto asked = context_.supervisor.instance(id);
    // An id that is not there has no owner either: all are told the same.
    const std::string app = asked ? asked->app : std::to_string(number);
    serve(std::move(result), {Access::ReadPrivate, verb, app, true},
          [&context = context_, id, body = std::forward<Body>(body)](const Reply<Result>& reply, const Grant& grant) -> base::Result<void> {
              const auto now = context.supervisor.instance(id);
              if (!now) return tl::unexpected(now.error());
              if (auto good = still_covered(context, grant, now->app); !good) return good;
              return body(id).map([&](const Result& told) { reply.value(told); });
          });
}

void ManagerObject::GetEnvironment(sdbus::Result<std::map<std::string, std::string>>&& result, uint32_t id)
{
    tell_private(std::move(result), "read the environment of", id,
                 [&context = context_](base::InstanceId asked) { return environment_of(context, asked); });
}

void ManagerObject::GetMetrics(sdbus::Result<std::vector<MetricRow>>&& result, uint32_t id)
{
    tell_private(std::move(result), "read the metrics of", id, [&context = context_](base::InstanceId asked) {
        return base::Result<std::vector<MetricRow>>(metric_rows(context.supervisor.custom_data(asked)));
    });
}

void ManagerObject::GetActions(sdbus::Result<std::vector<ActionRow>>&& result, uint32_t id)
{
    tell_private(std::move(result), "read the actions of", id, [&context = context_](base::InstanceId asked) {
        return base::Result<std::vector<ActionRow>>(action_rows(context.supervisor.custom_data(asked)));
    });
}

void ManagerObject::OpenLog(sdbus::Result<sdbus::UnixFd>&& result, std::string target, OptionMap options)
{
    serve(std::move(result), {Access::ReadPrivate, "read the output of", target, true, may_wait(options)},
          [&context = context_, target, options](const Reply<sdbus::UnixFd>& reply, const Grant& grant) {
              return open_log(context, target, options, grant).map([&](const sdbus::UnixFd& stream) {
                  reply.value(stream);
              });
          });
}

void ManagerObject::OpenMessages(sdbus::Result<sdbus::UnixFd>&& result, std::string target, OptionMap options)
{
    serve(std::move(result), {Access::ReadPrivate, "read the messages of", target, true, may_wait(options)},
          [&context = context_, target, options](const Reply<sdbus::UnixFd>& reply, const Grant& grant) {
              return open_messages(context, target, options, grant).map([&](const sdbus::UnixFd& stream) {
                  reply.value(stream);
              });
          });
}

void ManagerObject::Save(sdbus::Result<uint32_t>&& result, OptionMap option_map)
{
    serve(std::move(result), {Access::ManageDaemon, "save the list of apps", {}},
          [&context = context_, option_map](const Reply<uint32_t>& reply, const Grant&) -> base::Result<void> {
              if (auto good = Options(option_map).check(); !good) return good;
              return context.save().map([&](std::uint32_t count) { reply.value(count); });
          });
}

void ManagerObject::Resurrect(PathsResult&& result, OptionMap option_map)
{
    serve(std::move(result), {Access::ManageDaemon, "start the saved apps", {}},
          [&context = context_, option_map](const Reply<Paths>& reply, const Grant&) -> base::Result<void> {
              if (auto good = Options(option_map).check(); !good) return good;
              return context
                  .resurrect([reply](const engine::Outcome& outcome) {
                      if (outcome.failures.empty())
                          reply.value(paths_of(outcome.apps));
                      else
                          reply.error(summarise(outcome));
                  })
                  .map([](const auto&) {});
          });
}

void ManagerObject::Upgrade(sdbus::Result<>&& result, OptionMap option_map)
{
    serve(std::move(result), {Access::ManageDaemon, "upgrade pmd", {}},
          [&context = context_, option_map](const Reply<>& reply, const Grant&) -> base::Result<void> {
              if (auto good = Options(option_map).check(); !good) return good;
              context.upgrade([reply](const base::Result<void>& begun) {
                  if (begun)
                      reply.value();
                  else
                      reply.error(begun.error());
              });
              return {};
          });
}

void ManagerObject::Exit(sdbus::Result<>&& result, OptionMap option_map)
{
    serve(std::move(result), {Access::ManageDaemon, "stop all apps and end pmd", {}},
          [&context = context_, option_map](const Reply<>& reply, const Grant&) -> base::Result<void> {
              if (auto good = Options(option_map).check(); !good) return good;
              context.exit([reply](const engine::Outcome&) { reply.value(); });
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
