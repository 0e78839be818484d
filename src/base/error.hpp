// SPDX-License-Identifier: Apache-2.0
// One error type for the whole project: a code that machines read and a message that people read.
//
// Contract: a function that can fail for a reason outside the program returns Result<T>. The message says
// what was tried, on what, and why it failed ("opening '/x/app.log': Permission denied"), and is shown as is.
// One table ties a code to its D-Bus error name and to pmctl's exit status.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace pm::base {

enum class ErrorCode {
    Failed,          // anything that has no better name
    InvalidArgument, // a malformed argument of a call
    InvalidSpec,     // the app file has faults
    NoSuchApp,       // the target matches nothing
    AppExists,       // the name is taken by somebody else's app
    NotAuthorized,   // the caller may not do this
    Busy,            // too much is pending; try again
    LaunchFailed,    // the process could not be started; the message has stage and reason
    NotOnline,       // the operation ended, but an instance is not online
    ListenFailed,    // an address of `listen` could not be had; nothing was done
    ReloadFailed,    // a new process did not become ready; the old one serves on
    StopFailed,      // something survived SIGKILL
    Superseded,      // another command of the same app took over
    LimitExceeded,   // a bound on what callers may send was hit
    NotSupported,    // understood, but not offered here
    NoDaemon,        // client side: no pmd answers
    Unavailable,     // pmd is shutting down
    NoSuchAction,    // no process of the target announced this action
    TimedOut,        // a process did not answer in time
};

struct Error {
    ErrorCode code = ErrorCode::Failed;
    std::string message;
    int system_error = 0; ///< the errno behind it, where there is one
};

template <typename T>
using Result = tl::expected<T, Error>;
using Unexpected = tl::unexpected<Error>;

/// Makes the failing value of any Result<T>.
[[nodiscard]] inline Unexpected fail(ErrorCode code, std::string message)
{
    return Unexpected(Error{code, std::move(message)});
}

/// "<doing>: <strerror(errno_value)>", code Failed, with the errno.
[[nodiscard]] Unexpected fail_errno(std::string_view doing, int errno_value);

/// "org.pmd1.Error.NoSuchApp" and the like.
[[nodiscard]] std::string_view dbus_name(ErrorCode code) noexcept;

/// The code of a D-Bus error name; Failed for names that are not ours.
[[nodiscard]] ErrorCode code_from_dbus_name(std::string_view name) noexcept;

/// pmctl's exit status: 1 failed, 2 usage or invalid file, 3 no daemon.
[[nodiscard]] int exit_status(ErrorCode code) noexcept;

} // namespace pm::base
