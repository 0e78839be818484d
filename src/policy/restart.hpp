// SPDX-License-Identifier: Apache-2.0
// Whether a process that ended is started again, when, and why (pm2: God.handleExit, without its faults).
//
// An exit earlier than min_uptime after the start is unstable. Unstable exits in a row are counted within a window of
// min_uptime * max_restarts that begins with the first of them; max_restarts of them end in `errored`. The window moves
// on, so a crash loop ends errored however late it begins, while one slowed by a delay outlasts its window and goes on.
#pragma once

#include "model/app_spec.hpp"
#include "model/status.hpp"

#include <cstdint>
#include <string>
#include <variant>

namespace pm::policy {

/// Who started the process.
enum class Cause {
    Command, ///< a user, or an app file that was applied
    Policy,  ///< this policy, after an exit
};

/// What a failed launch says of the next one.
enum class LaunchFault {
    Lasting, ///< it will fail again until somebody changes something: no permission, no such user
    Missing, ///< a file, directory or interpreter is not there, as during a deployment
    Passing, ///< something has run out, or the service manager does not answer just now
};
[[nodiscard]] LaunchFault launch_fault_of(const model::ExitInfo& exit) noexcept;

/// What the exits so far left behind. A start or restart by command begins anew with an empty one.
struct RestartHistory {
    std::uint32_t unstable = 0;         ///< unstable exits in a row, within the window
    model::TimePoint window_start{};    ///< of the first of them
    model::Milliseconds last_delay{0};  ///< the exponential delay used last; 0: none yet
    model::Milliseconds launch_delay{0}; ///< after the last launch, which failed and is to be tried again; 0: it did not
    bool operator==(const RestartHistory&) const = default;
};

struct StayStopped {
    bool operator==(const StayStopped&) const = default;
};
struct GiveUp { // errored
    bool operator==(const GiveUp&) const = default;
};
struct TryAgain {
    model::Milliseconds delay{0};
    bool operator==(const TryAgain&) const = default;
};
using Verdict = std::variant<StayStopped, GiveUp, TryAgain>;

struct Judgement {
    Verdict verdict;
    std::string reason; ///< "exit code 1; restarting in 150ms (4th unstable exit)"
    RestartHistory history;
};

/// The longest delay and timeout anybody gets, whatever a file says; keeps all sums of times representable.
inline constexpr model::Milliseconds kLongestDelay = std::chrono::hours(24 * 365);
[[nodiscard]] model::Milliseconds bounded(model::Milliseconds delay) noexcept;

/// `uptime` counts from the moment the program ran, `now` is when it ended. `has_run`: the instance's program has run before, or nobody
/// asked for it who could be told; then what is missing is waited for, else a start by command fails with it. Launches that fail for something
/// missing or passing are tried again after 100 ms, half as much longer each time, up to 15 s, and are no unstable exits.
[[nodiscard]] Judgement restart_verdict(const model::RestartPolicy& policy, const model::ExitInfo& exit,
                                        model::Duration uptime, const RestartHistory& history, model::TimePoint now,
                                        Cause cause, bool has_run = false);

} // namespace pm::policy
