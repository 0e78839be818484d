// SPDX-License-Identifier: Apache-2.0
// Why an address could not be had, for people: what, where, why, and what to do.
#pragma once

#include "model/listen_address.hpp"

#include <string>

namespace pm::channel {

/// "in use by another program ('ss -ltnp sport = :8000' shows which)".
[[nodiscard]] std::string why_not(const model::ListenAddress& address, int error);
/// Whose port it is below the first one that anybody may have.
[[nodiscard]] std::string privileged(const model::ListenAddress& address, std::uint16_t first_free);

} // namespace pm::channel
