// SPDX-License-Identifier: Apache-2.0
#include "launch/process/orders.hpp"

#include "launch/process/encoder.hpp"
#include "policy/command_line.hpp"
#include "policy/environment.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <unistd.h>

namespace pm::launch {
namespace {

using Kind = policy::LaunchCommand::Kind;
using wire::Field;

wire::CommandKind to_wire(Kind kind) noexcept
{
    switch (kind) {
    case Kind::Direct: return wire::CommandKind::Direct;
    case Kind::Interpreted: return wire::CommandKind::Interpreted;
    case Kind::Shell: return wire::CommandKind::Shell;
    }
    return wire::CommandKind::Direct;
}

/// What is tried when the usual interpreter is not installed; not when the app asks for one by name.
std::string_view fallback_of(const policy::LaunchCommand& command, bool asked_for)
{
    if (asked_for || command.argv.empty() || command.kind == Kind::Direct) return {};
    if (command.argv.front() == "python3") return "python";
    if (command.argv.front() == "bash" || command.argv.front() == "/bin/bash") return "/bin/sh";
    return {};
}

void add_command(Encoder& encoder, const model::AppSpec& spec, const OrderContext& context)
{
    const policy::LaunchCommand command = policy::command_line(spec);
    std::int64_t flags = 0;
    if (context.out_is_null) flags |= wire::kFlagNullOut;
    if (context.err_is_null) flags |= wire::kFlagNullErr;
    if (command.may_fall_back_to_node) flags |= wire::kFlagNodeFallback;
    encoder.number(Field::Kind, static_cast<std::int64_t>(to_wire(command.kind)));
    encoder.number(Field::Flags, flags);
    std::size_t position = 0;
    for (const std::string& argument : command.argv) {
        encoder.text(Field::Argument, argument);
        if (position++ > 0 || command.kind != Kind::Interpreted) continue;
        for (const std::string& added : context.channel.arguments) encoder.text(Field::Argument, added);
    }
    for (const std::string& argument : command.file_head) encoder.text(Field::FileHead, argument);
    if (command.kind == Kind::Interpreted) encoder.text(Field::Script, command.script);
    const std::string_view fallback = fallback_of(command, spec.interpreter.has_value());
    if (!fallback.empty()) encoder.text(Field::Fallback, fallback);
}

/// The few variables every process has, of the user it runs as.
policy::Environment base_environment(const OrderContext& context)
{
    policy::Environment base;
    const auto inherit = [&](const char* name) {
        if (const char* value = std::getenv(name); value != nullptr && *value != '\0') base[name] = value;
    };
    inherit("LANG");
    if (!context.default_path.empty()) base["PATH"] = context.default_path;
    const Account& account = context.account;
    if (!account.name.empty()) base["USER"] = base["LOGNAME"] = account.name;
    if (!account.home.empty()) base["HOME"] = account.home;
    if (!account.shell.empty()) base["SHELL"] = account.shell;
    if (account.own) // a service of the system has none of them
        for (const char* name : {"HOME", "USER", "LOGNAME", "SHELL"}) inherit(name);
    return base;
}

void add_environment(Encoder& encoder, const engine::LaunchRequest& request, const OrderContext& context)
{
    const model::AppSpec& spec = *request.spec;
    auto own = policy::environment(spec, {request.key.id, request.slot, request.key.generation}, {});
    if (!spec.listen.empty()) own["LISTEN_PID"] = wire::kPidRoom;
    for (const auto& [name, value] : context.channel.environment) own[name] = value;
    for (const auto& [name, value] : own) encoder.assignment(Field::Environment, name, value);
    constexpr std::array<std::string_view, 4> kOfUser{"HOME", "USER", "LOGNAME", "SHELL"};
    for (const auto& [name, value] : base_environment(context)) {
        // With the caller's environment comes of the base only what is of another user than the caller, whose own was left out.
        const bool wanted = !spec.env_from_caller || (!spec.user.empty() && std::ranges::find(kOfUser, name) != kOfUser.end());
        if (wanted && !own.contains(name)) encoder.assignment(Field::Base, name, value);
    }
    for (const std::string& file : spec.env_files) encoder.text(Field::EnvironmentFile, file);
}

void add_limits(Encoder& encoder, const model::AppSpec& spec, const OrderContext& context)
{
    bool own_nofile = false;
    for (const model::ResourceLimit& limit : spec.rlimits) {
        encoder.limit(limit.resource, limit.soft, limit.hard);
        own_nofile |= limit.resource == RLIMIT_NOFILE;
    }
    if (context.nofile && !own_nofile) encoder.limit(RLIMIT_NOFILE, context.nofile->soft, context.nofile->hard);
}

void add_rights(Encoder& encoder, const model::AppSpec& spec, const Account& account)
{
    if (spec.umask) encoder.number(Field::Umask, *spec.umask);
    if (spec.nice) encoder.number(Field::Nice, *spec.nice);
    if (spec.oom_score_adj) encoder.number(Field::OomScore, *spec.oom_score_adj);
    if (account.groups) encoder.groups(*account.groups);
    if (account.gid) encoder.number(Field::Gid, *account.gid);
    if (account.uid) encoder.number(Field::Uid, *account.uid);
}

} // namespace

std::vector<int> descriptors_of(std::vector<int> sockets, const engine::ChannelEnds& channel)
{
    if (channel.messages) sockets.push_back(channel.messages.get());
    return sockets;
}

std::optional<std::string> make_orders(const engine::LaunchRequest& request, const OrderContext& context)
{
    Encoder encoder;
    add_command(encoder, *request.spec, context);
    add_environment(encoder, request, context);
    if (!context.in_unit) add_limits(encoder, *request.spec, context);
    if (!context.in_unit) add_rights(encoder, *request.spec, context.account);
    if (!request.spec->cwd.empty()) encoder.text(Field::Directory, request.spec->cwd);
    const std::size_t descriptors = request.spec->listen.size() + (context.channel.messages ? 1 : 0);
    if (descriptors > 0) encoder.number(Field::Sockets, static_cast<std::int64_t>(descriptors));
    if (context.channel.bind_notifications) encoder.number(Field::BindFilter, ::getpid());
    std::string orders = encoder.finish();
    if (orders.size() > wire::kMaxOrders) return std::nullopt;
    return orders;
}

} // namespace pm::launch
