// SPDX-License-Identifier: Apache-2.0
// What the D-Bus objects work with. They decide nothing: they check arguments, ask the engine and answer.
#pragma once

#include "bus/reply.hpp"
#include "bus/usage_sampler.hpp"
#include "config/settings.hpp"
#include "engine/supervisor.hpp"
#include "logs/log_store.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unistd.h>

namespace pm::bus {

inline constexpr const char* kBusName = "org.pmd1";
inline constexpr const char* kRootPath = "/org/pmd1";

class Authority;
class Unread;

/// Who made the call that is being handled.
struct Caller {
    uid_t uid = 0;
    bool master = false; ///< root, or the user pmd runs as
};

/// A user in the files of this machine.
struct KnownUser {
    std::string name;
    std::string home;
};

struct Context {
    engine::Supervisor& supervisor;
    engine::Launcher& launcher;
    logs::LogStore& logs;
    engine::Clock& clock;
    const config::Settings& settings; ///< the daemon's, changes with SIGHUP
    CallQuota& quota;
    UsageSampler& sampler;
    config::BusKind scope;
    std::string launcher_name;
    std::string state_dir;
    std::string log_dir;
    std::string home;                 ///< what "~" means in an app file
    std::string user;                 ///< whom pmd runs as, and apps that name nobody
    /// Begins the end of the daemon; `done` when the apps are stopped.
    std::function<void(engine::Done done)> exit;
    /// Writes the saved list; the number of apps in it.
    std::function<base::Result<std::uint32_t>()> save = nullptr;
    /// Adds and starts what of the saved list is not there; the names of those apps.
    std::function<base::Result<std::vector<std::string>>(engine::Done done)> resurrect = nullptr;
    /// A call took much memory that is free again: some time later it goes back to the system.
    std::function<void()> freed_memory = nullptr;
    /// Looks into files of this machine, never waits for a name service.
    std::function<std::optional<KnownUser>(uid_t uid)> user_of = nullptr;
    /// Has the binary that is on disk now executed in place of this one; `done` before that, or with why it is not.
    std::function<void(std::function<void(const base::Result<void>&)> done)> upgrade = nullptr;
    /// In how many directories the files of an app are watched, where they are.
    std::function<std::optional<std::uint64_t>(const std::string& app)> watched_directories = nullptr;
    Authority* authority = nullptr;   ///< of the present connection; null while there is none
    Unread* unread = nullptr;         ///< the same; null where nobody can leave too much unread
    std::optional<Caller> serving = std::nullopt; ///< while a handler runs that a call has come to
};

/// "/org/pmd1/app/<escaped name>", escaped as sd_bus_path_encode(3).
[[nodiscard]] std::string app_path(const std::string& name);

/// One Error out of the failures of a command: the first's code, a line each, ten at most.
[[nodiscard]] base::Error summarise(const engine::Outcome& outcome);

/// Takes a place in the caller's quota for a call that is answered later; answers Busy and returns nothing when it is
/// full.
template <typename... Results>
[[nodiscard]] std::optional<Reply<Results...>> accept_call(Context& context, const sdbus::Message* call,
                                                           sdbus::Result<Results...>&& result)
{
    auto ticket = context.quota.take(call != nullptr ? call->getSender() : std::string(), context.serving ? context.serving->uid : getuid());
    const bool full = !ticket;
    Reply<Results...> reply(std::move(result), std::move(ticket));
    if (!full) return reply;
    reply.error({base::ErrorCode::Busy, "this connection waits for " +
                                            std::to_string(context.settings.max_calls_per_caller) +
                                            " calls already (max_calls_per_caller); let some end first"});
    return std::nullopt;
}

/// The readers' view of an app's instances; empty for an unknown app.
[[nodiscard]] std::vector<logs::LogSource> log_sources(const Context& context, const std::string& app);

} // namespace pm::bus
