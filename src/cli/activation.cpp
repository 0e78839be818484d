// SPDX-License-Identifier: Apache-2.0
#include "cli/activation.hpp"

#include "cli/context.hpp"
#include "cli/daemon_search.hpp"

#include "sdbus_versions.hpp"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <optional>
#include <poll.h>

namespace pm::cli
{
namespace
{

using Clock = std::chrono::steady_clock;
constexpr auto kPatience = std::chrono::seconds(120); // the bus gives up earlier
constexpr auto kLookEvery = std::chrono::milliseconds(200);
constexpr auto kTellAfter = std::chrono::seconds(2);
/// A unit that had failed before and is not touched: the bus still waits for that, which takes up to half a minute, or
/// systemd's start limit was hit.
constexpr auto kOldFailure = std::chrono::seconds(2);
constexpr std::uint32_t kHopeless = 3; ///< restarts in a row, while the bus waits
constexpr auto kLookPatience = std::chrono::seconds(1);

/// What systemd, if it runs this bus's pmd, says of its unit.
class Unit
{
public:
    struct State {
        std::string loaded;
        std::string active;
        std::uint64_t since = 0; ///< monotonic, us
        bool has_job = false;
        std::uint32_t restarts = 0;
    };

    explicit Unit(sdbus::IConnection& connection)
        : proxy_(dbus::make_proxy(connection, "org.freedesktop.systemd1",
                                    "/org/freedesktop/systemd1/unit/pmd_2eservice"))
    {
    }

    /// Nothing: there is no systemd, or it does not say.
    std::optional<State> look()
    {
        if (silent_) return std::nullopt;
        try {
            const std::string unit = "org.freedesktop.systemd1.Unit";
            const auto job = get(unit, "Job").get<sdbus::Struct<std::uint32_t, sdbus::ObjectPath>>();
            return State{get(unit, "LoadState").get<std::string>(), get(unit, "ActiveState").get<std::string>(),
                         get(unit, "StateChangeTimestampMonotonic").get<std::uint64_t>(), job.get<0>() != 0,
                         get("org.freedesktop.systemd1.Service", "NRestarts").get<std::uint32_t>()};
        } catch (const sdbus::Error&) {
            silent_ = true;
            return std::nullopt;
        }
    }
    /// "exit-code", "timeout" and the like; see systemd.exec(5).
    std::string result()
    {
        try {
            return get("org.freedesktop.systemd1.Service", "Result").get<std::string>();
        } catch (const sdbus::Error&) {
            return "failed";
        }
    }

private:
    sdbus::Variant get(const std::string& interface, const char* name)
    {
        sdbus::Variant value;
        proxy_->callMethod("Get")
            .onInterface("org.freedesktop.DBus.Properties")
            .withTimeout(kLookPatience)
            .withArguments(interface, name)
            .storeResultsTo(value);
        return value;
    }

    std::unique_ptr<sdbus::IProxy> proxy_;
    bool silent_ = false;
};

/// Why systemd will not start it, for which the bus may wait in vain; empty: it may.
std::string why_in_vain(Unit& unit, const std::optional<Unit::State>& before, Clock::duration waited)
{
    const auto now = unit.look();
    if (!now) return {};
    for (const char* state : {"masked", "bad-setting", "error"})
        if (now->loaded == state) return fmt::format("systemd says of pmd.service: {}", state);
    if (before && now->restarts != before->restarts && now->restarts >= kHopeless && waited >= kTellAfter)
        return "pmd.service fails again and again";
    if (now->active != "failed" || now->has_job) return {};
    const bool is_new = !before || now->since != before->since;
    return is_new || waited >= kOldFailure ? fmt::format("pmd.service failed ({})", unit.result()) : "";
}

Failure cannot_start(const BusChoice& choice, std::string why)
{
    while (why.ends_with('.'))
        why.pop_back();
    return {kNoDaemon, fmt::format("pmd cannot be started ({}): {}; {}", to_string(choice), why, where_to_look(choice)),
            base::ErrorCode::NoDaemon};
}

/// Handles what comes on the connection until `done`, for as long as kLookEvery.
void wait_a_little(sdbus::IConnection& connection, const bool& done)
{
    const auto until = Clock::now() + kLookEvery;
    while (!done) {
        if (dbus::process_one(connection)) continue;
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
        if (left.count() <= 0) return;
        const auto poll_data = connection.getEventLoopPollData();
        pollfd fd{poll_data.fd, poll_data.events, 0};
        poll(&fd, 1, static_cast<int>(left.count()));
    }
}

} // namespace

std::string where_to_look(const BusChoice& choice)
{
    switch (choice.kind) {
    case BusChoice::Kind::System:
        return "see 'systemctl status pmd' and 'pmd --check-config', then 'systemctl start pmd'";
    case BusChoice::Kind::Session:
        return "see 'systemctl --user status pmd' and 'pmd --bus session --check-config', then 'systemctl --user start "
               "pmd'";
    case BusChoice::Kind::Embedded:
    case BusChoice::Kind::Address:
        break;
    }
    return "see what 'pmd --check-config' says";
}

Outcome<void> activate(sdbus::IConnection& connection, const BusChoice& choice, bool silent)
{
    bool done = false;
    std::optional<std::string> error_text;
    try {
        Unit unit(connection);
        const auto before = unit.look();
        const auto bus = dbus::make_proxy(connection, "org.freedesktop.DBus", "/org/freedesktop/DBus");
        auto call = bus->callMethodAsync("StartServiceByName")
                        .onInterface("org.freedesktop.DBus")
                        .withTimeout(kPatience)
                        .withArguments(std::string(kBusName), std::uint32_t{0})
                        .uponReplyInvoke([&](dbus::ReplyError error, const std::uint32_t&) {
                            if (error) error_text = error->getMessage();
                            done = true;
                        });
        const auto since = Clock::now();
        for (bool told = silent; !done;) {
            wait_a_little(connection, done);
            const auto waited = Clock::now() - since;
            if (done) break;
            if (auto why = why_in_vain(unit, before, waited); !why.empty()) {
                call.cancel();
                return failed(cannot_start(choice, std::move(why)));
            }
            if (told || waited < kTellAfter) continue;
            warn(fmt::format("pmd is being started ({}), waiting for it", to_string(choice)));
            told = true;
        }
    } catch (const sdbus::Error& error) {
        error_text = error.getMessage();
    }
    if (error_text) return failed(cannot_start(choice, *error_text));
    return {};
}

} // namespace pm::cli
