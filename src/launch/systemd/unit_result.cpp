// SPDX-License-Identifier: Apache-2.0
#include "launch/systemd/unit_result.hpp"

#include "launch/process/sentences.hpp"

#include <cerrno>
#include <csignal>
#include <fmt/format.h>

namespace pm::launch {
namespace {

using model::ExitInfo;
using model::LaunchStage;

struct Step {
    int status;
    LaunchStage stage;
    std::string_view doing;
};

/// systemd.exec(5), "Process Exit Codes": its own steps before the program, those a user's app file can make fail.
constexpr Step kSteps[] = {
    {200, LaunchStage::WorkingDirectory, "changing to the working directory"},
    {201, LaunchStage::Nice, "setting nice"},
    {202, LaunchStage::Stdio, "closing descriptors"},
    {203, LaunchStage::Execute, "executing pm-exec"},
    {205, LaunchStage::Limits, "setting limits"},
    {206, LaunchStage::OomScore, "setting oom_score_adj"},
    {207, LaunchStage::Session, "setting signal handling"},
    {208, LaunchStage::Stdio, "connecting stdin"},
    {209, LaunchStage::Stdio, "connecting stdout"},
    {210, LaunchStage::WorkingDirectory, "changing the root directory"},
    {211, LaunchStage::Resources, "setting the I/O priority"},
    {213, LaunchStage::Resources, "setting the CPU scheduling policy"},
    {214, LaunchStage::Resources, "setting the CPU affinity"},
    {216, LaunchStage::Group, "changing to the group"},
    {217, LaunchStage::User, "changing to the user"},
    {218, LaunchStage::Resources, "dropping capabilities"},
    {219, LaunchStage::Cgroup, "entering the control group"},
    {222, LaunchStage::Stdio, "connecting stderr"},
    {224, LaunchStage::Session, "opening a PAM session"},
    {226, LaunchStage::Resources, "setting up the sandbox (mount namespace)"},
    {227, LaunchStage::Resources, "setting no_new_privileges"},
    {228, LaunchStage::Resources, "setting the system call filter"},
    {229, LaunchStage::Resources, "changing the SELinux context"},
    {231, LaunchStage::Resources, "changing the AppArmor profile"},
    {232, LaunchStage::Resources, "restricting address families"},
    {233, LaunchStage::Resources, "making the runtime directory"},
    {238, LaunchStage::Resources, "making the state directory"},
    {239, LaunchStage::Resources, "making the cache directory"},
    {240, LaunchStage::Resources, "making the logs directory"},
    {241, LaunchStage::Resources, "making the configuration directory"},
    {243, LaunchStage::Resources, "preparing credentials"},
};
constexpr int kFirstStep = 200;
constexpr int kLastStep = 245;

ExitInfo failed_step(int status)
{
    for (const Step& step : kSteps)
        if (step.status == status)
            return launch_failed(step.stage, 0,
                                 fmt::format("{}: systemd failed (status {}); journalctl -t '(pm-exec)' tells more", step.doing, status));
    return launch_failed(LaunchStage::Resources, 0, fmt::format("systemd failed to start it (status {}, systemd.exec(5))", status));
}

model::ExitInfo::Cause cause_of(std::string_view result) noexcept
{
    if (result == "oom-kill") return ExitInfo::Cause::OutOfMemory;
    if (result == "watchdog") return ExitInfo::Cause::Watchdog;
    if (result == "timeout") return ExitInfo::Cause::Timeout;
    return ExitInfo::Cause::Own;
}

} // namespace

ExitInfo exit_of(const UnitResult& result, bool ran)
{
    ExitInfo exit;
    exit.cause = cause_of(result.result);
    exit.code = result.status;
    if (result.code == CLD_EXITED) {
        if (!ran && result.status >= kFirstStep && result.status <= kLastStep) return failed_step(result.status);
        exit.kind = ExitInfo::Kind::Exited;
    } else if (result.code == CLD_KILLED || result.code == CLD_DUMPED) {
        exit.kind = ExitInfo::Kind::Signaled;
        exit.core_dumped = result.code == CLD_DUMPED;
    } else if (!ran) {
        const int code = result.result == "resources" ? EAGAIN : result.result == "timeout" ? ETIMEDOUT : 0;
        return launch_failed(LaunchStage::Resources, code, fmt::format("systemd could not start it (result '{}')", result.result));
    } else {
        exit.kind = ExitInfo::Kind::Lost;
        exit.code = 0;
    }
    return exit;
}

} // namespace pm::launch
