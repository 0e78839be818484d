// SPDX-License-Identifier: Apache-2.0
// The border between our Results and D-Bus errors. sdbus-c++ 1.2 aborts the process when a handler throws anything but
// sdbus::Error, so every handler runs inside one of these.
#pragma once

#include "base/error.hpp"
#include "base/text.hpp"

#include "sdbus_versions.hpp"

#include <utility>

namespace pm::bus {

[[nodiscard]] inline sdbus::Error to_dbus(const base::Error& error)
{
    // A message may have several lines (one a fault); each line is made harmless on its own.
    std::string message;
    for (const std::string& line : base::split(error.message, '\n'))
        message += (message.empty() ? "" : "\n") + base::printable(line);
    return dbus::make_error(std::string(base::dbus_name(error.code)), message);
}

/// Runs a handler that answers at once: returns its value or throws sdbus::Error, nothing else.
template <typename Body>
auto guarded(Body&& body) -> typename decltype(body())::value_type
{
    try {
        auto result = std::forward<Body>(body)();
        if (!result) throw to_dbus(result.error());
        if constexpr (!std::is_void_v<typename decltype(result)::value_type>) return std::move(*result);
    } catch (const sdbus::Error&) {
        throw;
    } catch (const std::exception& fault) {
        throw to_dbus({base::ErrorCode::Failed, std::string("internal error: ") + fault.what()});
    }
}

/// Runs `body`, which ends in a Result<void>, for a caller who is answered later; an error answers now.
template <typename Reply, typename Body>
void guarded_reply(Reply& reply, Body&& body)
{
    try {
        if (base::Result<void> result = std::forward<Body>(body)(); !result) reply.error(result.error());
    } catch (const sdbus::Error& error) {
        reply.error({base::ErrorCode::InvalidArgument, error.getMessage()});
    } catch (const std::exception& fault) {
        reply.error({base::ErrorCode::Failed, std::string("internal error: ") + fault.what()});
    }
}

} // namespace pm::bus
