// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"

#include <array>
#include <cstring>

namespace pm::base {
namespace {

struct Row {
    ErrorCode code;
    std::string_view name;
    int exit_status;
};

constexpr std::array kRows{
    Row{ErrorCode::Failed, "org.pmd1.Error.Failed", 1},
    Row{ErrorCode::InvalidArgument, "org.pmd1.Error.InvalidArgument", 2},
    Row{ErrorCode::InvalidSpec, "org.pmd1.Error.InvalidSpec", 2},
    Row{ErrorCode::NoSuchApp, "org.pmd1.Error.NoSuchApp", 1},
    Row{ErrorCode::AppExists, "org.pmd1.Error.AppExists", 1},
    Row{ErrorCode::NotAuthorized, "org.pmd1.Error.NotAuthorized", 1},
    Row{ErrorCode::Busy, "org.pmd1.Error.Busy", 1},
    Row{ErrorCode::LaunchFailed, "org.pmd1.Error.LaunchFailed", 1},
    Row{ErrorCode::NotOnline, "org.pmd1.Error.NotOnline", 1},
    Row{ErrorCode::ListenFailed, "org.pmd1.Error.ListenFailed", 1},
    Row{ErrorCode::ReloadFailed, "org.pmd1.Error.ReloadFailed", 1},
    Row{ErrorCode::StopFailed, "org.pmd1.Error.StopFailed", 1},
    Row{ErrorCode::Superseded, "org.pmd1.Error.Superseded", 1},
    Row{ErrorCode::LimitExceeded, "org.pmd1.Error.LimitExceeded", 1},
    Row{ErrorCode::NotSupported, "org.pmd1.Error.NotSupported", 1},
    Row{ErrorCode::NoDaemon, "org.pmd1.Error.NoDaemon", 3},
    Row{ErrorCode::Unavailable, "org.pmd1.Error.Unavailable", 1},
    Row{ErrorCode::NoSuchAction, "org.pmd1.Error.NoSuchAction", 1},
    Row{ErrorCode::TimedOut, "org.pmd1.Error.TimedOut", 1},
};

constexpr bool rows_follow_the_enum()
{
    for (std::size_t i = 0; i < kRows.size(); ++i)
        if (static_cast<std::size_t>(kRows[i].code) != i) return false;
    return true;
}
static_assert(rows_follow_the_enum());
static_assert(kRows.size() == static_cast<std::size_t>(ErrorCode::TimedOut) + 1);

const Row& row(ErrorCode code) noexcept { return kRows[static_cast<std::size_t>(code)]; }

} // namespace

Unexpected fail_errno(std::string_view doing, int errno_value)
{
    std::string message(doing);
    message += ": ";
    message += std::strerror(errno_value);
    return Unexpected(Error{ErrorCode::Failed, std::move(message), errno_value});
}

std::string_view dbus_name(ErrorCode code) noexcept { return row(code).name; }

ErrorCode code_from_dbus_name(std::string_view name) noexcept
{
    for (const Row& candidate : kRows)
        if (candidate.name == name) return candidate.code;
    return ErrorCode::Failed;
}

int exit_status(ErrorCode code) noexcept { return row(code).exit_status; }

} // namespace pm::base
