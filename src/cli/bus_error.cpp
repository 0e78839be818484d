// SPDX-License-Identifier: Apache-2.0
#include "cli/bus_error.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace pm::cli
{
namespace
{

bool means_no_daemon(const std::string& name)
{
    constexpr std::array kNames{"org.freedesktop.DBus.Error.ServiceUnknown",
                                "org.freedesktop.DBus.Error.NameHasNoOwner",
                                "org.freedesktop.DBus.Error.NoReply",
                                "org.freedesktop.DBus.Error.Disconnected",
                                "System.Error.ECONNRESET",
                                "System.Error.ENOTCONN",
                                "System.Error.EPIPE"};
    return std::ranges::find(kNames, name) != kNames.end();
}

/// pmd went between two calls, and the bus failed to start another.
bool means_no_start(const std::string& name)
{
    return name.starts_with("org.freedesktop.DBus.Error.Spawn.") || name.starts_with("org.freedesktop.systemd1.");
}

} // namespace

bool means_no_answer(const std::string& name)
{
    constexpr std::array kNames{"org.freedesktop.DBus.Error.Timeout", "org.freedesktop.DBus.Error.TimedOut",
                                "System.Error.ETIMEDOUT"};
    return std::ranges::find(kNames, name) != kNames.end();
}

Failure failure_of(const std::string& name, const std::string& message, const std::string& bus)
{
    const auto no_daemon = [](std::string why) {
        return Failure{kNoDaemon, std::move(why), base::ErrorCode::NoDaemon};
    };
    if (means_no_daemon(name)) return no_daemon(fmt::format("pmd is gone ({})", bus));
    if (means_no_answer(name)) return no_daemon(fmt::format("pmd does not answer ({}): {}", bus, message));
    if (means_no_start(name))
        return no_daemon(fmt::format("pmd is gone, and cannot be started ({}): {}", bus, message));
    if (name == "org.freedesktop.DBus.Error.AccessDenied")
        return {kFailed,
                fmt::format("the {} lets nobody talk to pmd: is its policy, org.pmd1.conf, the one that came with pmd?",
                            bus),
                base::ErrorCode::NotAuthorized};
    const base::ErrorCode code = base::code_from_dbus_name(name);
    const char* hint = code == base::ErrorCode::NotAuthorized ? "; root may (sudo)" : "";
    return {base::exit_status(code), message + hint, code};
}

} // namespace pm::cli
