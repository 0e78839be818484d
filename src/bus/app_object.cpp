// SPDX-License-Identifier: Apache-2.0
#include "bus/app_object.hpp"

#include "base/text.hpp"
#include "bus/list_apps.hpp"
#include "config/app_file.hpp"
#include "io/small_file.hpp"
#include "policy/quota.hpp"
#include "policy/serving.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace pm::bus {

using policy::Access;

namespace {

constexpr std::size_t kMostWarnings = 16;

uint64_t usec(model::WallTime time)
{
    return static_cast<uint64_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count());
}

} // namespace

AppObject::AppObject(sdbus::IConnection& connection, Context& context, std::string name)
    : AdaptorInterfaces(connection, sdbus::ObjectPath(app_path(name))), context_(context), name_(std::move(name))
{
    if (const auto now = context_.supervisor.snapshot(name_)) owner_ = now->owner;
    note_size();
    registerAdaptor();
}

void AppObject::note_size()
{
    if (const auto spec = context_.supervisor.spec(name_)) bytes_ = policy::bytes_of(*spec);
}

AppObject::~AppObject() { unregisterAdaptor(); }

std::string AppObject::target() const { return name_; }

template <typename... Results, typename Body>
void AppObject::serve(sdbus::Result<Results...>&& result, Wish wish, Body&& body)
{
    wish.target = target();
    authorised(context_, dbus::CurrentMessage(getObject()), std::move(result), wish, std::forward<Body>(body));
}

void AppObject::operate(engine::Verb verb, sdbus::Result<>&& result, OptionMap option_map)
{
    serve(std::move(result), {Access::Manage, std::string(engine::to_string(verb)), {}},
          [&context = context_, verb, target = target(),
           option_map = std::move(option_map)](const Reply<>& reply, const Grant& grant) -> base::Result<void> {
              Options options(option_map);
              const bool wait = options.get<bool>("wait", true);
              if (auto good = options.check(); !good) return good;
              const auto done = [reply](const engine::Outcome& outcome) {
                  if (outcome.failures.empty())
                      reply.value();
                  else
                      reply.error(summarise(outcome));
              };
              auto accepted = context.supervisor.operate(verb, target, done, grant.may);
              if (accepted && !wait) reply.value();
              return accepted;
          });
}

void AppObject::Start(sdbus::Result<>&& result, OptionMap options)
{
    operate(engine::Verb::Start, std::move(result), std::move(options));
}

void AppObject::Stop(sdbus::Result<>&& result, OptionMap options)
{
    operate(engine::Verb::Stop, std::move(result), std::move(options));
}

void AppObject::Reload(sdbus::Result<>&& result, OptionMap options)
{
    operate(engine::Verb::Reload, std::move(result), std::move(options));
}

void AppObject::Restart(sdbus::Result<>&& result, OptionMap options)
{
    operate(engine::Verb::Restart, std::move(result), std::move(options));
}

void AppObject::Delete(sdbus::Result<>&& result, OptionMap options)
{
    operate(engine::Verb::Delete, std::move(result), std::move(options));
}

void AppObject::Reset(sdbus::Result<>&& result)
{
    serve(std::move(result), {Access::Manage, "reset", {}, true},
          [&context = context_, target = target()](const Reply<>& reply, const Grant& grant) {
              return context.supervisor.reset(target, grant.may).map([&](const auto&) { reply.value(); });
          });
}

void AppObject::Scale(sdbus::Result<uint32_t>&& result, std::string count)
{
    serve(std::move(result), {Access::Manage, "scale", {}},
          [&context = context_, name = name_, count](const Reply<uint32_t>& reply,
                                                     const Grant& grant) -> base::Result<void> {
              if (auto good = still_covered(context, grant, name); !good) return good;
              return scale(context, reply, name, count);
          });
}

void AppObject::Signal(sdbus::Result<uint32_t>&& result, int32_t signal)
{
    serve(std::move(result), {Access::Manage, "signal", {}, true},
          [&context = context_, target = target(), signal](const Reply<uint32_t>& reply, const Grant& grant) {
              return context.supervisor.signal(target, signal, grant.may).map([&](uint32_t count) {
                  reply.value(count);
              });
          });
}

void AppObject::GetSpec(sdbus::Result<std::string>&& result)
{
    serve(
        std::move(result), {Access::ReadPrivate, "read the declaration of", {}, true},
        [&context = context_, name = name_](const Reply<std::string>& reply, const Grant& grant) -> base::Result<void> {
            if (auto good = still_covered(context, grant, name); !good) return good;
            reply.value(config::to_yaml(*context.supervisor.spec(name), false));
            return {};
        });
}

model::AppSnapshot AppObject::snapshot()
{
    return guarded([&] { return context_.supervisor.snapshot(name_); });
}

std::string AppObject::Name() { return name_; }
std::string AppObject::Namespace() { return snapshot().name_space; }
uint32_t AppObject::Owner() { return snapshot().owner; }
std::string AppObject::Status() { return std::string(model::to_string(snapshot().status)); }
std::string AppObject::Reason() { return base::printable(snapshot().reason); }

std::string AppObject::Spec()
{
    return guarded([&]() -> base::Result<std::string> {
        const auto spec = context_.supervisor.spec(name_);
        if (!spec) return base::fail(base::ErrorCode::NoSuchApp, fmt::format("no app '{}'", name_));
        // Only our own user reaches a session or embedded bus. On the system bus anybody may ask, and who asks for a
        // property cannot be told without waiting for the bus: GetSpec tells all to those who may know.
        return config::to_yaml(*spec, context_.scope == config::BusKind::System);
    });
}

std::vector<sdbus::Struct<uint32_t, uint32_t, uint32_t, std::string, std::string, uint64_t, uint64_t, uint32_t,
                          std::string, int32_t, uint64_t>>
AppObject::Instances()
{
    std::vector<sdbus::Struct<uint32_t, uint32_t, uint32_t, std::string, std::string, uint64_t, uint64_t, uint32_t,
                              std::string, int32_t, uint64_t>>
        rows;
    for (const model::InstanceSnapshot& instance : snapshot().instances) {
        const auto& last = instance.last_exit;
        rows.emplace_back(instance.slot.value, instance.id.value, static_cast<uint32_t>(instance.pid),
                          std::string(model::to_string(instance.status)), base::printable(instance.reason),
                          usec(instance.since), instance.restarts, instance.unstable_restarts,
                          last ? std::string(model::to_string(last->kind)) : std::string(), last ? last->code : 0,
                          instance.generation.value);
    }
    return rows;
}

std::vector<sdbus::Struct<uint32_t, std::string, std::string>> AppObject::LogFiles()
{
    std::vector<sdbus::Struct<uint32_t, std::string, std::string>> rows;
    for (const logs::LogSource& source : log_sources(context_, name_))
        rows.emplace_back(source.slot.value, base::printable(source.paths.out.path),
                          base::printable(source.paths.err.path));
    return rows;
}

std::string AppObject::LogTarget()
{
    const auto spec = context_.supervisor.spec(name_);
    return std::string(model::to_string(spec && context_.logs.goes_to_journal(*spec) ? model::LogTarget::Journal
                                                                                     : model::LogTarget::Files));
}

uint64_t AppObject::CreatedAtUSec() { return usec(snapshot().created_at); }

std::vector<std::string> AppObject::Warnings()
{
    return guarded([&]() -> base::Result<std::vector<std::string>> {
        const auto spec = context_.supervisor.spec(name_);
        if (!spec) return base::fail(base::ErrorCode::NoSuchApp, fmt::format("no app '{}'", name_));
        std::vector<std::string> warnings;
        if (std::string warning = context_.launcher.not_enforced(*spec); !warning.empty()) warnings.push_back(std::move(warning));
        for (const model::InstanceSnapshot& instance : snapshot().instances)
            for (const std::string& trouble : context_.logs.troubles_of(instance.id)) {
                std::string warning = base::printable("lines are being lost: " + trouble);
                if (std::ranges::find(warnings, warning) == warnings.end()) warnings.push_back(std::move(warning));
            }
        if (warnings.size() > kMostWarnings) warnings.resize(kMostWarnings);
        return warnings;
    });
}

std::string AppObject::Cluster()
{
    const auto spec = context_.supervisor.spec(name_);
    return std::string(model::to_string(spec ? policy::cluster_of(*spec) : model::ClusterMode::None));
}

std::vector<std::string> AppObject::Listening()
{
    std::vector<std::string> all;
    for (const std::string& address : context_.supervisor.listening(name_)) all.push_back(base::printable(address));
    return all;
}

bool AppObject::Watches()
{
    const auto spec = context_.supervisor.spec(name_);
    return spec && spec->upkeep.watch.on;
}

std::uint64_t AppObject::WatchedDirectories() { return context_.watched_directories ? context_.watched_directories(name_).value_or(0) : 0; }

std::string AppObject::ReloadHint()
{
    const auto spec = context_.supervisor.spec(name_);
    if (!spec) return {};
    const bool migrates = io::read_small_file("/proc/sys/net/ipv4/tcp_migrate_req", 16).value_or("0").starts_with('1');
    return policy::reload_hint_of(*spec, migrates);
}

std::size_t AppObject::emit_changes()
{
    const auto now = context_.supervisor.snapshot(name_);
    if (!now) return 0;
    std::vector<dbus::PropertyName> changed{dbus::PropertyName("Instances"), dbus::PropertyName("LogFiles")}; // a start may have chosen other files
    const auto note = [&](std::string& emitted, std::string current, const char* property) {
        if (emitted == current) return;
        emitted = std::move(current);
        changed.emplace_back(property);
    };
    note(emitted_status_, std::string(model::to_string(now->status)), "Status");
    note(emitted_reason_, now->reason, "Reason");
    note(emitted_namespace_, now->name_space, "Namespace");
    note(emitted_log_target_, LogTarget(), "LogTarget");
    if (auto spec = context_.supervisor.spec(name_); spec != emitted_spec_) {
        emitted_spec_ = std::move(spec);
        note_size();
        changed.emplace_back("Spec");
        changed.emplace_back("Warnings");
    }
    emitPropertiesChangedSignal(org::pmd1::App_adaptor::INTERFACE_NAME, changed);
    return now->instances.size();
}

} // namespace pm::bus
