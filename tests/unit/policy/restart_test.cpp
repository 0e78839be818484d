// SPDX-License-Identifier: Apache-2.0
#include "policy/restart.hpp"

#include <cerrno>
#include <csignal>
#include <gtest/gtest.h>
#include <limits>

namespace pm::policy {
namespace {

using namespace std::chrono_literals;
using model::ExitInfo;
using model::RestartPolicy;

const model::TimePoint kStart{1000s};

ExitInfo code(int number) { return {.kind = ExitInfo::Kind::Exited, .code = number}; }
ExitInfo killed(int signal) { return {.kind = ExitInfo::Kind::Signaled, .code = signal}; }
ExitInfo failed(int error = EACCES) { return {.kind = ExitInfo::Kind::LaunchFailed, .code = error, .detail = "script '/x' not found"}; }

std::string text(const Judgement& judgement)
{
    std::string verdict = "stopped";
    if (std::holds_alternative<GiveUp>(judgement.verdict)) verdict = "errored";
    if (const auto* again = std::get_if<TryAgain>(&judgement.verdict)) verdict = std::to_string(again->delay.count());
    return verdict + ": " + judgement.reason;
}

struct Row {
    const char* name;
    RestartPolicy policy;
    ExitInfo exit;
    model::Duration uptime;
    const char* expected;
    RestartHistory history{};
    Cause cause = Cause::Command;
    bool has_run = false;
};

class RestartTable : public testing::TestWithParam<Row> {};

TEST_P(RestartTable, Decides)
{
    const Row& row = GetParam();
    EXPECT_EQ(text(restart_verdict(row.policy, row.exit, row.uptime, row.history, kStart, row.cause, row.has_run)), row.expected);
}

const RestartHistory kFourth{.unstable = 3, .window_start = kStart - 1s};
const RestartHistory kLast{.unstable = 15, .window_start = kStart - 1s};

INSTANTIATE_TEST_SUITE_P(
    Rows, RestartTable,
    testing::Values(
        Row{"CleanExit", {}, code(0), 5s, "0: exit code 0; restarting"},
        Row{"Crash", {}, code(1), 10ms, "0: exit code 1; restarting (1st unstable exit)"},
        Row{"Delay", {.restart_delay = 150ms}, code(1), 10ms,
            "150: exit code 1; restarting in 150ms (4th unstable exit)", kFourth},
        Row{"Signal", {}, killed(SIGSEGV), 2s, "0: SIGSEGV; restarting"},
        Row{"AutorestartOff", {.autorestart = false}, code(3), 2s, "stopped: exit code 3; autorestart is off"},
        Row{"StopCode", {.stop_exit_codes = {3}}, code(3), 2s, "stopped: exit code 3; one of stop_exit_codes"},
        Row{"SignalIsNoStopCode", {.stop_exit_codes = {0, 9}}, killed(9), 2s, "0: SIGKILL; restarting"},
        Row{"Overlimit", {}, code(1), 10ms,
            "errored: 16 exits within 1s of starting, the last with exit code 1", kLast},
        Row{"StableExitForgives", {}, code(1), 1s, "0: exit code 1; restarting", kLast},
        Row{"WindowPassed", {}, code(1), 10ms, "0: exit code 1; restarting (1st unstable exit)",
            RestartHistory{.unstable = 15, .window_start = kStart - 16001ms}},
        Row{"WindowJustHolds", {}, killed(9), 10ms, "errored: 16 exits within 1s of starting, the last with SIGKILL",
            RestartHistory{.unstable = 15, .window_start = kStart - 16000ms}},
        Row{"NoRestartsAllowed", {.max_restarts = 0}, code(1), 10s, "errored: exit code 1; max_restarts is 0"},
        Row{"OneRestart", {.max_restarts = 1}, code(1), 10ms, "errored: exit code 1 within 1s of starting"},
        Row{"LaunchFailedByCommand", {}, failed(), 0s, "errored: script '/x' not found"},
        Row{"LaunchFailedByPolicy", {}, failed(), 0s,
            "100: script '/x' not found; restarting in 100ms (4th unstable exit)", kFourth, Cause::Policy},
        Row{"LaunchFailedKeepsLongerDelay", {.restart_delay = 2s}, failed(), 0s,
            "2000: script '/x' not found; restarting in 2s (4th unstable exit)", kFourth, Cause::Policy},
        Row{"LaunchFailedTooOften", {}, failed(), 0s,
            "errored: 16 failed starts in a row, the last: script '/x' not found", kLast, Cause::Policy},
        Row{"MissingByCommand", {}, failed(ENOENT), 0s, "errored: script '/x' not found"},
        Row{"MissingOfWhatRanBefore", {}, failed(ENOENT), 0s, "100: script '/x' not found; trying again in 100ms, until it is there", {}, Cause::Command, true},
        Row{"MissingByPolicy", {}, failed(ENOTDIR), 0s, "100: script '/x' not found; trying again in 100ms, until it is there", kLast, Cause::Policy},
        Row{"MissingKeepsLongerDelay", {.restart_delay = 2s}, failed(ENOENT), 0s, "2000: script '/x' not found; trying again in 2s, until it is there", {},
            Cause::Policy},
        Row{"Passing", {}, failed(EMFILE), 0s, "150: script '/x' not found; trying again in 150ms, as this may pass", RestartHistory{.launch_delay = 100ms}},
        Row{"PassingGrowsToItsCeiling", {}, failed(EAGAIN), 0s, "15000: script '/x' not found; trying again in 15s, as this may pass",
            RestartHistory{.launch_delay = 14s}, Cause::Policy},
        Row{"PassingOfWhatRunsOnce", {.autorestart = false}, failed(ENOMEM), 0s, "errored: script '/x' not found"},
        Row{"PassingOfWhatNeverRestarts", {.max_restarts = 0}, failed(ENOSPC), 0s, "errored: script '/x' not found"}),
    [](const auto& row) { return row.param.name; });

TEST(ExponentialBackoff, GrowsByHalfToItsCeilingAndIsForgottenAfterAStableRun)
{
    const RestartPolicy policy{.restart_delay = 7ms, .exp_backoff_restart_delay = 100ms};
    RestartHistory history;
    model::TimePoint now = kStart;
    const auto next = [&](model::Duration uptime) {
        const auto judgement = restart_verdict(policy, code(1), uptime, history, now, Cause::Policy);
        history = judgement.history;
        const auto* again = std::get_if<TryAgain>(&judgement.verdict);
        if (!again) return -1L;
        now += again->delay + uptime;
        return static_cast<long>(again->delay.count());
    };
    for (const long expected : {100, 150, 225, 337, 505, 757, 1135, 1702, 2553, 3829, 5743, 8614, 12921, 15000, 15000})
        EXPECT_EQ(next(10ms), expected);
    for (int i = 0; i < 100; ++i) EXPECT_EQ(next(10ms), 15000); // never errored: it outlasts its window
    EXPECT_EQ(next(29s), 15000);
    EXPECT_EQ(next(30s), 100);
}

TEST(LaunchFault, IsAboutFilesOnlyWhereFilesAreLookedFor)
{
    using model::LaunchStage;
    ExitInfo missing = failed(ENOENT);
    for (const auto stage : {LaunchStage::WorkingDirectory, LaunchStage::EnvironmentFile, LaunchStage::FindProgram, LaunchStage::FindScript,
                             LaunchStage::FindInterpreter, LaunchStage::Execute}) {
        missing.stage = stage;
        EXPECT_EQ(launch_fault_of(missing), LaunchFault::Missing) << to_string(stage);
    }
    for (const auto stage : {LaunchStage::User, LaunchStage::Group, LaunchStage::Listen}) {
        missing.stage = stage;
        EXPECT_EQ(launch_fault_of(missing), LaunchFault::Lasting) << to_string(stage);
    }
    EXPECT_EQ(launch_fault_of(code(ENOMEM)), LaunchFault::Lasting) << "a program's own exit code";
}

TEST(LaunchDelay, IsForgottenWhenTheProgramRuns)
{
    const auto judgement = restart_verdict({}, code(1), 10ms, {.launch_delay = 10s}, kStart, Cause::Policy);
    EXPECT_EQ(judgement.history.launch_delay, 0ms);
}

TEST(CrashLoop, WithoutDelayAlwaysEndsErrored)
{
    for (const auto uptime : {0ms, 10ms, 500ms, 999ms}) {
        RestartHistory history;
        model::TimePoint now = kStart;
        int exits = 0;
        for (bool going = true; going && exits < 100; ++exits) {
            now += uptime;
            const auto judgement = restart_verdict({}, code(1), uptime, history, now, Cause::Policy);
            history = judgement.history;
            going = std::holds_alternative<TryAgain>(judgement.verdict);
        }
        EXPECT_EQ(exits, 16) << uptime.count();
    }
}

TEST(HugeValues, DoNotOverflow)
{
    constexpr auto kHuge = model::Milliseconds::max();
    const RestartPolicy policy{.max_restarts = std::numeric_limits<std::uint32_t>::max(),
                               .min_uptime = kHuge,
                               .restart_delay = kHuge,
                               .exp_backoff_restart_delay = kHuge};
    RestartHistory history{.unstable = std::numeric_limits<std::uint32_t>::max() - 2, .window_start = kStart};
    for (int i = 0; i < 3; ++i)
        history = restart_verdict(policy, code(1), 0s, history, kStart + 1s, Cause::Policy).history;
    EXPECT_EQ(bounded(kHuge), kLongestDelay);
    EXPECT_EQ(bounded(model::Milliseconds::min()), 0ms);
}

} // namespace
} // namespace pm::policy
