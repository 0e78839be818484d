// SPDX-License-Identifier: Apache-2.0
#include "cli/daemon_search.hpp"

#include "cli/bus_choice.hpp"
#include "cli/daemon_start.hpp"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <sdbus-c++/sdbus-c++.h>
#include <thread>
#include <unistd.h>

namespace pm::cli {
namespace {

constexpr auto kConnectPatience = std::chrono::seconds(10);
constexpr auto kConnectRetry = std::chrono::milliseconds(5);

std::unique_ptr<sdbus::IConnection> open_bus(const BusChoice& choice)
{
    switch (choice.kind) {
    case BusChoice::Kind::System: return sdbus::createSystemBusConnection();
    case BusChoice::Kind::Session: return sdbus::createSessionBusConnection();
    case BusChoice::Kind::Embedded:
    case BusChoice::Kind::Address: return sdbus::createSessionBusConnectionWithAddress(choice.address);
    }
    return nullptr;
}

/// Owned, or startable by the bus.
bool offered(sdbus::IConnection& connection)
{
    const auto bus = sdbus::createProxy(connection, "org.freedesktop.DBus", "/org/freedesktop/DBus");
    bool owned = false;
    bus->callMethod("NameHasOwner").onInterface("org.freedesktop.DBus").withArguments(kBusName).storeResultsTo(owned);
    if (owned) return true;
    std::vector<std::string> names;
    bus->callMethod("ListActivatableNames").onInterface("org.freedesktop.DBus").storeResultsTo(names);
    return std::find(names.begin(), names.end(), kBusName) != names.end();
}

/// A connection to the bus of `choice` if pmd is there; null if not.
std::unique_ptr<sdbus::IConnection> try_bus(const BusChoice& choice)
{
    try {
        auto connection = open_bus(choice);
        return connection && offered(*connection) ? std::move(connection) : nullptr;
    } catch (const sdbus::Error&) {
        return nullptr;
    }
}

std::unique_ptr<sdbus::IConnection> wait_for_bus(const BusChoice& choice)
{
    const auto deadline = std::chrono::steady_clock::now() + kConnectPatience;
    for (;;) {
        if (auto connection = try_bus(choice)) return connection;
        if (std::chrono::steady_clock::now() >= deadline) return nullptr;
        std::this_thread::sleep_for(kConnectRetry); // pmd of a faster pmctl is between its lock and its bus name
    }
}

Outcome<std::unique_ptr<sdbus::IConnection>> try_embedded(const BusChoice& choice)
{
    if (access(socket_of(choice).c_str(), F_OK) != 0) return nullptr;
    if (auto safe = check_private(choice.runtime_dir); !safe) return failed(safe.error());
    return try_bus(choice);
}

} // namespace

Outcome<FoundDaemon> search_daemon(const Context& context, Client::Missing missing)
{
    const auto choices = bus_choices(context);
    if (!choices) return failed(choices.error());
    for (const BusChoice& choice : *choices) {
        std::unique_ptr<sdbus::IConnection> connection;
        if (choice.kind == BusChoice::Kind::Embedded) {
            auto tried = try_embedded(choice);
            if (!tried) return failed(tried.error());
            connection = std::move(*tried);
        } else {
            connection = try_bus(choice);
        }
        if (connection) return FoundDaemon{std::move(connection), to_string(choice), choice.kind == BusChoice::Kind::System};
    }
    const BusChoice& last = choices->back();
    const std::string nowhere = fmt::format("no pmd is running ({})", to_string(last));
    if (last.kind != BusChoice::Kind::Embedded) return failed(kNoDaemon, nowhere);
    if (missing == Client::Missing::Fail) return failed(kNoDaemon, nowhere + "; 'pmctl start' starts one");
    if (auto started = start_daemon(context, last); !started) return failed(started.error());
    if (auto connection = wait_for_bus(last)) return FoundDaemon{std::move(connection), to_string(last)};
    return failed(kNoDaemon, fmt::format("pmd runs, but does not answer ({})", to_string(last)));
}

} // namespace pm::cli
