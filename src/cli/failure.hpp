// SPDX-License-Identifier: Apache-2.0
// How a command of pmctl ends when it does not succeed: the exit status and what people read.
#pragma once

#include "base/error.hpp"

#include <string>
#include <tl/expected.hpp>

namespace pm::cli {

inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;
inline constexpr int kUsage = 2;
inline constexpr int kNoDaemon = 3;
inline constexpr int kInterrupted = 130; ///< the user pressed Ctrl-C while pmctl waited

struct Failure {
    int status = kFailed;
    std::string message; ///< empty: there is nothing (more) to say
    base::ErrorCode code = base::ErrorCode::Failed;
};

template <typename T>
using Outcome = tl::expected<T, Failure>;

[[nodiscard]] inline tl::unexpected<Failure> failed(int status, std::string message)
{
    return tl::unexpected(Failure{status, std::move(message), base::ErrorCode::Failed});
}
[[nodiscard]] inline tl::unexpected<Failure> failed(base::Error error)
{
    return tl::unexpected(Failure{base::exit_status(error.code), std::move(error.message), error.code});
}
[[nodiscard]] inline tl::unexpected<Failure> failed(Failure failure) { return tl::unexpected(std::move(failure)); }

} // namespace pm::cli
