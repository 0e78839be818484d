// SPDX-License-Identifier: Apache-2.0
#include "policy/restart.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <cerrno>
#include <fmt/format.h>

namespace pm::policy {
namespace {

using model::ExitInfo;
using model::Milliseconds;

constexpr Milliseconds kBackoffCeiling{15'000};       // pm2
constexpr Milliseconds kBackoffForgottenAfter{30'000}; // pm2: EXP_BACKOFF_RESET_TIMER
/// A launch that fails may fail for a reason all of the machine shares (memory, process table): never hammer on it.
constexpr Milliseconds kLeastDelayAfterFailedLaunch{100};

/// What may be there later: on the disk, or once it is mounted.
bool looks_for_a_file(model::LaunchStage stage) noexcept
{
    using model::LaunchStage;
    return stage == LaunchStage::WorkingDirectory || stage == LaunchStage::EnvironmentFile || stage == LaunchStage::FindProgram ||
           stage == LaunchStage::FindScript || stage == LaunchStage::FindInterpreter || stage == LaunchStage::Execute;
}

Milliseconds grown(Milliseconds delay, Milliseconds first) noexcept
{
    return delay == Milliseconds(0) ? first : std::min(kBackoffCeiling, delay + delay / 2);
}

Milliseconds window(const model::RestartPolicy& policy) noexcept
{
    const Milliseconds each = bounded(policy.min_uptime);
    if (policy.max_restarts != 0 && each > kLongestDelay / policy.max_restarts) return kLongestDelay;
    return each * policy.max_restarts;
}

void count_unstable(RestartHistory& history, const model::RestartPolicy& policy, model::TimePoint now)
{
    if (history.unstable == 0 || now - history.window_start > window(policy)) {
        history.unstable = 1;
        history.window_start = now;
    } else if (history.unstable < UINT32_MAX) {
        ++history.unstable;
    }
}

/// The delay before the next start; remembers what the exponential one grows from.
Milliseconds next_delay(const model::RestartPolicy& policy, RestartHistory& history)
{
    if (policy.exp_backoff_restart_delay <= Milliseconds(0)) return bounded(policy.restart_delay);
    history.last_delay = grown(history.last_delay, bounded(policy.exp_backoff_restart_delay));
    return history.last_delay;
}

std::string ordinal(std::uint32_t number)
{
    const std::uint32_t tens = number % 100;
    const bool teen = tens >= 11 && tens <= 13;
    const std::string_view ending = teen ? "th" : number % 10 == 1 ? "st" : number % 10 == 2 ? "nd"
                                                                        : number % 10 == 3   ? "rd"
                                                                                             : "th";
    return fmt::format("{}{}", number, ending);
}

std::string overlimit(const model::RestartPolicy& policy, const ExitInfo& exit, std::uint32_t count)
{
    const std::string last = model::describe(exit);
    if (policy.max_restarts == 0) return fmt::format("{}; max_restarts is 0", last);
    const std::string within = base::format_duration(bounded(policy.min_uptime));
    if (count == 1) return fmt::format("{} within {} of starting", last, within);
    const bool failed = exit.kind == ExitInfo::Kind::LaunchFailed || exit.cause == ExitInfo::Cause::Timeout;
    return failed ? fmt::format("{} failed starts in a row, the last: {}", count, last)
                  : fmt::format("{} exits within {} of starting, the last with {}", count, within, last);
}

std::string again(const ExitInfo& exit, Milliseconds delay, std::uint32_t unstable)
{
    std::string reason = model::describe(exit) + "; restarting";
    if (delay > Milliseconds(0)) reason += " in " + base::format_duration(delay);
    if (unstable > 0) reason += fmt::format(" ({} unstable exit)", ordinal(unstable));
    return reason;
}

/// A launch that is tried until it succeeds; it says nothing of how stable the program is.
Judgement try_launch_again(const model::RestartPolicy& policy, const ExitInfo& exit, RestartHistory history)
{
    history.launch_delay = grown(history.launch_delay, kLeastDelayAfterFailedLaunch);
    const Milliseconds delay = std::max(history.launch_delay, bounded(policy.restart_delay));
    const std::string_view until = launch_fault_of(exit) == LaunchFault::Missing ? ", until it is there" : ", as this may pass";
    return {TryAgain{delay}, fmt::format("{}; trying again in {}{}", model::describe(exit), base::format_duration(delay), until), history};
}

/// Ends that are no crash, or that no further try can mend; nothing when the counters must decide.
std::optional<Judgement> settled(const model::RestartPolicy& policy, const ExitInfo& exit,
                                 const RestartHistory& history, Cause cause, bool has_run)
{
    const std::string what = model::describe(exit);
    const bool failed = exit.kind == ExitInfo::Kind::LaunchFailed;
    const LaunchFault fault = launch_fault_of(exit);
    const bool mends_itself = fault == LaunchFault::Passing || (fault == LaunchFault::Missing && (has_run || cause == Cause::Policy));
    if (failed && mends_itself && policy.autorestart && policy.max_restarts != 0) return try_launch_again(policy, exit, history);
    if (failed && (cause == Cause::Command || !policy.autorestart)) return Judgement{GiveUp{}, what, history};
    if (!policy.autorestart) return Judgement{StayStopped{}, what + "; autorestart is off", history};
    const bool done = exit.kind == ExitInfo::Kind::Exited && // a signal is no exit code, whatever its number
                      std::ranges::any_of(policy.stop_exit_codes, [&](int code) { return code == exit.code; });
    if (done) return Judgement{StayStopped{}, what + "; one of stop_exit_codes", history};
    return std::nullopt;
}

} // namespace

LaunchFault launch_fault_of(const ExitInfo& exit) noexcept
{
    if (exit.kind != ExitInfo::Kind::LaunchFailed) return LaunchFault::Lasting;
    switch (exit.code) {
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EAGAIN:
    case ENOBUFS:
    case ETIMEDOUT:
    case ETXTBSY:      // it is being written
    case ESTALE:
    case ENOTCONN:     // no connection to systemd, or a file system whose server is away
    case ECONNRESET:   // it went
    case EHOSTDOWN:    // the bus is not there
    case EHOSTUNREACH: // systemd is not on it
    case ENXIO: return LaunchFault::Passing;
    case ENOENT:
    case ENOTDIR: return looks_for_a_file(exit.stage) ? LaunchFault::Missing : LaunchFault::Lasting;
    default: return LaunchFault::Lasting;
    }
}

Milliseconds bounded(Milliseconds delay) noexcept { return std::clamp(delay, Milliseconds(0), kLongestDelay); }

Judgement restart_verdict(const model::RestartPolicy& policy, const ExitInfo& exit, model::Duration uptime,
                          const RestartHistory& history, model::TimePoint now, Cause cause, bool has_run)
{
    if (auto judgement = settled(policy, exit, history, cause, has_run)) return *std::move(judgement);

    RestartHistory after = history;
    after.launch_delay = Milliseconds(0);
    const bool failed = exit.kind == ExitInfo::Kind::LaunchFailed;
    if (failed || uptime < bounded(policy.min_uptime)) {
        count_unstable(after, policy, now);
    } else {
        after.unstable = 0;
    }
    if (policy.max_restarts == 0 || (after.unstable > 0 && after.unstable >= policy.max_restarts))
        return {GiveUp{}, overlimit(policy, exit, after.unstable), after};

    if (!failed && uptime >= kBackoffForgottenAfter) after.last_delay = Milliseconds(0);
    Milliseconds delay = next_delay(policy, after);
    if (failed) delay = std::max(delay, kLeastDelayAfterFailedLaunch);
    return {TryAgain{delay}, again(exit, delay, after.unstable), after};
}

} // namespace pm::policy
