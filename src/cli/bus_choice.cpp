// SPDX-License-Identifier: Apache-2.0
#include "cli/bus_choice.hpp"

#include <cerrno>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace pm::cli {
namespace {

constexpr const char* kSystemSocket = "/run/dbus/system_bus_socket"; // D-Bus Specification, "System message bus"

config::Locations places_of(const Context& context)
{
    return config::locations(config::BusKind::Embedded, geteuid(), context.home, context.environment, context.machine);
}

BusChoice embedded(const Context& context)
{
    const auto places = places_of(context);
    return {BusChoice::Kind::Embedded, places.embedded_address, places.runtime_dir, places.state_dir};
}

/// A pmd that was started with another XDG_RUNTIME_DIR, as by cron, has its bus at another place.
void add_where_one_may_run(const Context& context, std::vector<BusChoice>& choices)
{
    const auto places = places_of(context);
    if (!places.other_runtime_dirs.empty()) choices.push_back(embedded(context));
    for (const std::string& directory : places.other_runtime_dirs)
        choices.push_back({BusChoice::Kind::Embedded, config::embedded_address(directory), directory, places.state_dir, true});
}

std::vector<BusChoice> automatic(const Context& context)
{
    std::vector<BusChoice> choices;
    const bool root = geteuid() == 0;
    if (!root) {
        choices.push_back(embedded(context)); // if it runs: a pmd that was started is not left behind
        add_where_one_may_run(context, choices);
    } else if (context.environment("DBUS_SYSTEM_BUS_ADDRESS") || access(kSystemSocket, F_OK) == 0)
        choices.push_back({BusChoice::Kind::System, {}, {}, {}});
    if (const auto session = context.environment("DBUS_SESSION_BUS_ADDRESS"); session && !session->empty())
        choices.push_back({BusChoice::Kind::Session, {}, {}, {}});
    if (root) add_where_one_may_run(context, choices);
    choices.push_back(embedded(context));
    return choices;
}

} // namespace

std::string to_string(const BusChoice& choice)
{
    switch (choice.kind) {
    case BusChoice::Kind::System: return "system bus";
    case BusChoice::Kind::Session: return "session bus";
    case BusChoice::Kind::Embedded: return "bus embedded at " + choice.runtime_dir;
    case BusChoice::Kind::Address: return "bus at " + choice.address;
    }
    return {};
}

Outcome<std::vector<BusChoice>> bus_choices(const Context& context)
{
    if (auto good = config::check_locations(context.environment); !good) return failed(good.error());
    const auto variable = context.environment("PMD_BUS");
    const std::string wish = context.globals.bus.value_or(variable && !variable->empty() ? *variable : "auto");
    if (wish == "auto") return automatic(context);
    if (const auto kind = config::bus_kind_from(wish)) {
        if (*kind == config::BusKind::Embedded) {
            std::vector<BusChoice> choices;
            add_where_one_may_run(context, choices);
            choices.push_back(embedded(context));
            return choices;
        }
        const bool system = *kind == config::BusKind::System;
        return std::vector{BusChoice{system ? BusChoice::Kind::System : BusChoice::Kind::Session, {}, {}, {}}};
    }
    if (wish.find(':') != std::string::npos) return std::vector{BusChoice{BusChoice::Kind::Address, wish, {}, {}}};
    return failed(kUsage, fmt::format("bus '{}': expected auto, system, session, embedded or a D-Bus address", wish));
}

Outcome<void> check_private(const std::string& directory, const std::string& of_system)
{
    struct stat status{};
    if (lstat(directory.c_str(), &status) < 0)
        return failed(base::fail_errno(fmt::format("looking at '{}'", directory), errno).value());
    const bool ours = S_ISDIR(status.st_mode) && status.st_uid == geteuid() && (status.st_mode & 077) == 0;
    if (ours) return {};
    if (directory == of_system)
        return failed(kFailed,
                      fmt::format("'{}' belongs to the system's pmd, which is on the system bus: for another one, set "
                                  "PMD_RUNTIME_DIR to another place",
                                  directory));
    return failed(kFailed, fmt::format("'{}' is not a directory that is yours alone (owner and mode 0700): not used. "
                                       "Remove it, or set PMD_RUNTIME_DIR to another place",
                                       directory));
}

std::string socket_of(const BusChoice& embedded) { return embedded.runtime_dir + "/bus"; }

} // namespace pm::cli
