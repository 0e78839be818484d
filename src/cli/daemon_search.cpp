// SPDX-License-Identifier: Apache-2.0
#include "cli/daemon_search.hpp"

#include "base/text.hpp"
#include "base/uptime.hpp"
#include "cli/activation.hpp"
#include "cli/bus_choice.hpp"
#include "cli/daemon_start.hpp"
#include "cli/silent_daemon.hpp"
#include "config/settings.hpp"

#include "sdbus_versions.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fmt/format.h>
#include <optional>
#include <thread>
#include <unistd.h>

namespace pm::cli {
namespace {

constexpr auto kConnectPatience = std::chrono::seconds(10);
constexpr auto kBusPatience = std::chrono::seconds(2); ///< for what the bus answers by itself
constexpr auto kConnectRetry = std::chrono::milliseconds(5);
/// For a pmd that somebody else started to get from its lock to its bus name, before it is looked whether it is still there.
constexpr auto kFirstPatience = std::chrono::milliseconds(50);

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

/// A bus that has pmd, or could start it.
struct Offer {
    std::unique_ptr<sdbus::IConnection> connection;
    std::string owner; ///< the unique name of the pmd that runs; empty: none does
};

/// The unique name of who owns pmd's name; empty when nobody does.
std::string owner_of_name(sdbus::IProxy& bus)
{
    try {
        std::string owner;
        bus.callMethod("GetNameOwner")
            .onInterface("org.freedesktop.DBus")
            .withArguments(kBusName)
            .storeResultsTo(owner);
        return owner;
    } catch (const sdbus::Error& error) {
        if (error.getName() == "org.freedesktop.DBus.Error.NameHasNoOwner") return {};
        throw;
    }
}

bool can_be_started(sdbus::IProxy& bus)
{
    std::vector<std::string> names;
    bus.callMethod("ListActivatableNames").onInterface("org.freedesktop.DBus").storeResultsTo(names);
    return std::find(names.begin(), names.end(), kBusName) != names.end();
}

/// The bus of `choice` if pmd is there or can be started by it, for Missing::Look and Recover only the first; else nothing.
std::optional<Offer> try_bus(const BusChoice& choice, Client::Missing missing)
{
    try {
        auto connection = open_bus(choice);
        const auto bus = dbus::make_proxy(*connection, "org.freedesktop.DBus", "/org/freedesktop/DBus");
        std::string owner = owner_of_name(*bus);
        if (owner.empty() && (missing < Client::Missing::Fail || !can_be_started(*bus))) return std::nullopt;
        return Offer{std::move(connection), std::move(owner)};
    } catch (const sdbus::Error&) {
        return std::nullopt;
    }
}

std::optional<Offer> wait_for_bus(const BusChoice& choice, std::chrono::steady_clock::duration patience)
{
    const auto deadline = std::chrono::steady_clock::now() + patience;
    for (;;) {
        if (auto offer = try_bus(choice, Client::Missing::Start)) return offer;
        if (std::chrono::steady_clock::now() >= deadline) return std::nullopt;
        std::this_thread::sleep_for(kConnectRetry); // pmd of a faster pmctl is between its lock and its bus name
    }
}

Outcome<std::optional<Offer>> try_choice(const BusChoice& choice, Client::Missing missing)
{
    if (choice.kind == BusChoice::Kind::Embedded) {
        if (access(socket_of(choice).c_str(), F_OK) != 0) return std::nullopt;
        auto safe = check_private(choice.runtime_dir);
        if (!safe && choice.elsewhere) return std::nullopt;
        if (!safe) return failed(safe.error());
    }
    return try_bus(choice, missing);
}

/// Whether a pmd that was killed wrote down apps there (daemon/state_keeper.hpp), or processes (launch/direct/launch_journal.hpp).
bool has_left_apps(const BusChoice& embedded)
{
    std::error_code none;
    const auto kept = config::kept_for_life(embedded.state_dir, config::BusKind::Embedded, base::to_string(base::uptime_identity()));
    const auto is_app = [&](const auto& entry) { return entry.path().extension() == kept.suffix; };
    const auto size = std::filesystem::file_size(kept.launch_journal, none);
    const bool launched = !none && size > 0;
    return launched || std::ranges::any_of(std::filesystem::directory_iterator(kept.directory, none), is_app);
}

/// For messages: the places, each once.
std::string all_of(const std::vector<BusChoice>& choices)
{
    std::vector<std::string> places;
    for (const BusChoice& choice : choices)
        if (std::string place = to_string(choice); !choice.elsewhere && std::find(places.begin(), places.end(), place) == places.end())
            places.push_back(std::move(place));
    return base::join(places, ", ");
}

/// pmd of a bus that has it, started if need be.
Outcome<FoundDaemon> take(const Context& context, const BusChoice& choice, Offer offer, Client::Missing missing)
{
    if (offer.owner.empty())
        if (auto started = activate(*offer.connection, choice, context.globals.silent); !started)
            return failed(started.error());
    FoundDaemon found{std::move(offer.connection), to_string(choice), choice.kind == BusChoice::Kind::System};
    if (missing == Client::Missing::Look) found.name = std::move(offer.owner);
    return found;
}

/// Starts pmd, or finds the one of a faster pmctl. A pmd that finds the lock taken ends; but who holds it may be one that was
/// killed and that the kernel has not taken apart yet, so it is tried again, more rarely each time.
Outcome<FoundDaemon> start_or_join(const Context& context, const BusChoice& choice)
{
    const auto deadline = std::chrono::steady_clock::now() + kConnectPatience;
    for (std::chrono::steady_clock::duration patience = kFirstPatience;; patience *= 2) {
        const auto started = start_daemon(context, choice);
        if (!started) return failed(started.error());
        if (auto offer = wait_for_bus(choice, *started ? kConnectPatience : patience))
            return FoundDaemon{std::move(offer->connection), to_string(choice)};
        if (*started || std::chrono::steady_clock::now() >= deadline)
            return failed(silent_daemon(to_string(choice), running_daemon(choice).value_or(base::StateLockHolder{}).pid, &choice));
    }
}

/// One runs whose bus was not found: it is getting ready, is putting back a socket that somebody removed, hangs, or was killed just now. Nothing:
/// none runs any more.
Outcome<std::optional<FoundDaemon>> wait_for_running(const Context& context, const std::vector<BusChoice>& choices, Client::Missing missing)
{
    // Asked for by name, a directory that is not the caller's own has no pmd for the caller, whoever runs there.
    std::error_code none;
    if (const BusChoice& asked = choices.back(); choices.size() == 1 && asked.kind == BusChoice::Kind::Embedded && std::filesystem::exists(asked.runtime_dir, none))
        if (auto safe = check_private(asked.runtime_dir); !safe) return failed(kNoDaemon, safe.error().message);
    const auto deadline = std::chrono::steady_clock::now() + kConnectPatience;
    for (;;) {
        const auto running = running_daemon(choices.back());
        if (!running) return std::nullopt;
        if (!running->where.empty() && std::ranges::none_of(choices, [&](const BusChoice& choice) { return to_string(choice) == running->where; }))
            return failed(kNoDaemon, fmt::format("no pmd is running ({}); the one that has the state directory '{}' (pid {}) is on the {}: another one needs a PMD_STATE_DIR of its own",
                                                 all_of(choices), choices.back().state_dir, running->pid, running->where));
        for (const BusChoice& choice : choices) {
            if (choice.kind != BusChoice::Kind::Embedded) continue;
            auto offer = try_choice(choice, missing);
            if (!offer) return failed(offer.error());
            if (*offer) return take(context, choice, std::move(**offer), missing);
        }
        if (is_stopped(running->pid) || std::chrono::steady_clock::now() >= deadline)
            return failed(silent_daemon(to_string(choices.back()), running->pid, &choices.back()));
        std::this_thread::sleep_for(kConnectRetry);
    }
}

} // namespace

pid_t pid_of_daemon(sdbus::IConnection& connection, const std::string& daemon)
{
    try {
        std::uint32_t pid = 0;
        const auto bus = dbus::make_proxy(connection, "org.freedesktop.DBus", "/org/freedesktop/DBus");
        bus->callMethod("GetConnectionUnixProcessID")
            .onInterface("org.freedesktop.DBus")
            .withTimeout(kBusPatience)
            .withArguments(daemon)
            .storeResultsTo(pid);
        return static_cast<pid_t>(pid);
    } catch (const sdbus::Error&) {
        return 0;
    }
}

Outcome<FoundDaemon> search_daemon(const Context& context, Client::Missing missing)
{
    const auto choices = bus_choices(context);
    if (!choices) return failed(choices.error());
    for (const BusChoice& choice : *choices) {
        auto offer = try_choice(choice, missing);
        if (!offer) return failed(offer.error());
        if (*offer) return take(context, choice, std::move(**offer), missing);
    }
    const BusChoice& last = choices->back();
    const std::string nowhere = fmt::format("no pmd is running ({})", all_of(*choices));
    if (last.kind != BusChoice::Kind::Embedded) return failed(kNoDaemon, nowhere);
    auto running = wait_for_running(context, *choices, missing);
    if (!running) return failed(running.error());
    if (*running) return std::move(**running);
    const bool left = has_left_apps(last);
    if (missing == Client::Missing::Look && left)
        return failed(kNoDaemon, nowhere + "; one that did not end in order left apps: 'pmctl list' starts the next, which goes on with them");
    if (missing != Client::Missing::Start && !left) return failed(kNoDaemon, nowhere + "; 'pmctl start' starts one");
    return start_or_join(context, last);
}

} // namespace pm::cli
