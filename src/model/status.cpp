// SPDX-License-Identifier: Apache-2.0
#include "model/status.hpp"

#include "base/text.hpp"
#include "model/name_table.hpp"

namespace pm::model {
namespace {

constexpr NameTable<Status, 8> kStatuses{{{
    {Status::Stopped, "stopped"},
    {Status::Waiting, "waiting"},
    {Status::Starting, "starting"},
    {Status::Online, "online"},
    {Status::Unhealthy, "unhealthy"},
    {Status::Stopping, "stopping"},
    {Status::Backoff, "backoff"},
    {Status::Errored, "errored"},
}}};

constexpr NameTable<ExitInfo::Kind, 4> kExitKinds{{{
    {ExitInfo::Kind::Exited, "exited"},
    {ExitInfo::Kind::Signaled, "signaled"},
    {ExitInfo::Kind::LaunchFailed, "launch-failed"},
    {ExitInfo::Kind::Lost, "lost"},
}}};

constexpr NameTable<ExitInfo::Cause, 4> kCauses{{{
    {ExitInfo::Cause::Own, "own"},
    {ExitInfo::Cause::OutOfMemory, "out of memory"},
    {ExitInfo::Cause::Watchdog, "watchdog"},
    {ExitInfo::Cause::Timeout, "timeout"},
}}};

constexpr NameTable<LaunchStage, 19> kStages{{{
    {LaunchStage::Resources, "resources"},
    {LaunchStage::Cgroup, "cgroup"},
    {LaunchStage::Wire, "wire"},
    {LaunchStage::Session, "session"},
    {LaunchStage::Stdio, "stdio"},
    {LaunchStage::Listen, "listen"},
    {LaunchStage::Filter, "filter"},
    {LaunchStage::Limits, "limits"},
    {LaunchStage::Nice, "nice"},
    {LaunchStage::OomScore, "oom-score"},
    {LaunchStage::Umask, "umask"},
    {LaunchStage::Group, "group"},
    {LaunchStage::User, "user"},
    {LaunchStage::WorkingDirectory, "working-directory"},
    {LaunchStage::EnvironmentFile, "environment-file"},
    {LaunchStage::FindProgram, "find-program"},
    {LaunchStage::FindScript, "find-script"},
    {LaunchStage::FindInterpreter, "find-interpreter"},
    {LaunchStage::Execute, "execute"},
}}};

} // namespace

std::string describe(const ExitInfo& exit)
{
    if (exit.cause != ExitInfo::Cause::Own && !exit.detail.empty()) return exit.detail;
    const std::string cause = exit.cause == ExitInfo::Cause::Own ? "" : " (" + std::string(to_string(exit.cause)) + ")";
    switch (exit.kind) {
    case ExitInfo::Kind::Exited: return "exit code " + std::to_string(exit.code) + cause;
    case ExitInfo::Kind::Signaled: return base::signal_name(exit.code) + (exit.core_dumped ? " (core dumped)" : cause);
    case ExitInfo::Kind::LaunchFailed: return exit.detail;
    case ExitInfo::Kind::Lost: return exit.detail.empty() ? "ended unseen" : exit.detail;
    }
    return {};
}

std::string_view to_string(Status status) noexcept { return kStatuses.name(status); }
std::optional<Status> status_from(std::string_view name) noexcept { return kStatuses.value(name); }
std::string_view to_string(ExitInfo::Kind kind) noexcept { return kExitKinds.name(kind); }
std::string_view to_string(ExitInfo::Cause cause) noexcept { return kCauses.name(cause); }
std::string_view to_string(LaunchStage stage) noexcept { return kStages.name(stage); }
std::optional<LaunchStage> launch_stage_from(std::string_view name) noexcept { return kStages.value(name); }

} // namespace pm::model
